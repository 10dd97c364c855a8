"""Stages of preprocessing. Each stage resumes where it was interrupted."""

import dataclasses
import shutil
from functools import cached_property
from importlib import metadata
from itertools import chain
from pathlib import Path

from attention_seq2seq.config.artifacts import MANIFEST_FILE, STATISTICS_FILE
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.pairs import warn_about_missing_context
from attention_seq2seq.data.preprocessing.analyze import CorpusAnalysis, analyze
from attention_seq2seq.data.preprocessing.issues import find_issues
from attention_seq2seq.data.preprocessing.manifest import (
    MANIFEST_FORMAT,
    PreparedDataset,
    fingerprint,
)
from attention_seq2seq.data.preprocessing.shards import write_shards
from attention_seq2seq.data.preprocessing.statistics import SIDES
from attention_seq2seq.data.preprocessing.tokenize import (
    TokenizedCorpus,
    TokenizerSpec,
    tokenize_corpus,
)
from attention_seq2seq.data.readers import CorpusReader
from attention_seq2seq.text.seq2seq_tokenizer import (
    TOKENIZER_FILES,
    Seq2SeqTokenizer,
    tokenizer_files,
)
from attention_seq2seq.text.tokenizer import load_user_dictionary
from attention_seq2seq.utils.files import read_json, sha256_file, write_json
from attention_seq2seq.utils.parallel import available_cpus
from attention_seq2seq.utils.progress import progress_bar

# Contains a directory for each unfinished stage.
_WORK_DIR = "work"


class PreprocessingPipeline:
    """Preprocesses corpora into a directory. A subdirectory has files of unfinished stages.

    Args:
        prepared_dir: the directory.
        data: the corpus files, and limits on the pairs.
        text: the options of the tokenizer, and the size of the vocabulary.
        preprocessing: the filters, the random seed, and the number of processes.
        progress: whether to show progress bars.

    Raises:
        FileNotFoundError: a corpus file is missing.
        ValueError: there is no corpus file, or one is a pipe.
    """

    def __init__(
        self,
        prepared_dir: str | Path,
        data: DataConfig,
        text: TextConfig | None,
        preprocessing: PreprocessingConfig | None,
        progress: bool,
    ):
        if not data.data:
            raise ValueError("data is empty; expected the files of a corpus, such as mine.tsv.")
        self.prepared_dir = Path(prepared_dir)
        self.data = data
        self.text = text or TextConfig()
        self.preprocessing = preprocessing or PreprocessingConfig()
        self.progress = progress
        self.num_workers = self.preprocessing.num_workers or available_cpus()
        self.user_words = tuple(load_user_dictionary(self.text))
        # Raises early if a file is missing.
        CorpusReader(data.data)
        for path in data.data:
            if not Path(path).is_file():
                raise ValueError(
                    f"{path} is a pipe, which can be read only once. Preprocessing reads corpora "
                    "twice. Write the corpus to a file first."
                )

    def analyze(self) -> dict:
        """Returns the content of statistics.json, and computes it if necessary."""
        path = self.prepared_dir / STATISTICS_FILE
        self._check_same_run()
        if read_json(path).get("fingerprint") != self._fingerprints["dataset"]:
            write_json(path, self._statistics(*self._analysis()))
        return read_json(path)

    def run(self, overwrite: bool) -> PreparedDataset:
        """Runs all stages."""
        if not overwrite:
            self._check_same_run()
            if (self.prepared_dir / MANIFEST_FILE).is_file():
                return self._load_finished()
        corpus, analysis = self._analysis()
        tokenizer = Seq2SeqTokenizer(self.text, *analysis.vocabularies, self.user_words)
        shards = self._write_shards(corpus, analysis, tokenizer)
        vocabulary_sizes = len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
        content = {
            "counts": analysis.pair_filter.counts(),
            "skipped_lines": dict(corpus.skipped_lines),
            "vocabulary_sizes": dict(zip(SIDES, vocabulary_sizes)),
            "corpora": self._corpora,
            "shards": shards,
        }
        self._publish(tokenizer, self._statistics(corpus, analysis), content)
        return PreparedDataset.load(self.prepared_dir)

    def _check_same_run(self) -> None:
        if not (self.prepared_dir / MANIFEST_FILE).is_file():
            return
        finished = PreparedDataset.load(self.prepared_dir)
        if finished.manifest["fingerprint"] != self._fingerprints["dataset"]:
            raise ValueError(
                f"{self.prepared_dir} was prepared {self._difference(finished)}. Give another "
                "prepared_dir, or set overwrite to replace the dataset."
            )

    def _difference(self, finished: PreparedDataset) -> str:
        """Describes how the inputs of the dataset in the directory differ."""
        if _hashes(finished.manifest["corpora"]) != _hashes(self._corpora):
            return "from other corpora"
        old_options, new_options = (
            vars(owner.data) | vars(owner.text) | vars(owner.preprocessing)
            for owner in (finished, self)
        )
        for name, new in new_options.items():
            old = old_options[name]
            # Files are compared by content, and the number of processes has no effect.
            if old != new and name not in ("data", "user_dictionary", "num_workers"):
                return f"with {name} {_format_option(old)}; now it is {_format_option(new)}"
        return "with another user dictionary, or by another version of this package"

    def _load_finished(self) -> PreparedDataset:
        """Loads a finished dataset and checks all its files."""
        # The previous run may have been killed before it removed the directory.
        shutil.rmtree(self.prepared_dir / _WORK_DIR, ignore_errors=True)
        prepared = PreparedDataset.load(self.prepared_dir)
        prepared.statistics()
        prepared.tokenizer()
        for split in prepared.manifest["shards"]:
            prepared.shard_paths(split)
        return prepared

    @cached_property
    def _corpora(self) -> list[dict]:
        """Path, size and hash of each corpus file."""
        paths = [Path(path) for path in self.data.data]
        sizes = [path.stat().st_size for path in paths]
        with progress_bar("hashing", sum(sizes), "B", self.progress) as bar:
            return [
                {"path": str(path), "bytes": size, "sha256": sha256_file(path, bar.update)}
                for path, size in zip(paths, sizes)
            ]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        """Hashes of all inputs of tokenization and of all inputs of the dataset."""
        tokenization = {
            "corpora": _hashes(self._corpora),
            "skip_bad_lines": self.data.skip_bad_lines,
            "max_source_length": self.data.max_source_length,
            "segmentation": (self.text.source_tokenizer, self.text.target_tokenizer),
            "words": (self.text.jieba_hmm, self.text.lowercase, self.user_words),
            "context_turns": self.text.context_turns,
        }
        options = (
            dataclasses.replace(self.data, data=()),
            dataclasses.replace(self.text, user_dictionary=""),
            dataclasses.replace(self.preprocessing, num_workers=0),
        )
        return {
            "tokenization": fingerprint(tokenization),
            "dataset": fingerprint(tokenization, options),
        }

    def _stage_dir(self, name: str, key: str) -> Path:
        stage_dir = self.prepared_dir / _WORK_DIR / f"{name}-{key[:16]}"
        stage_dir.mkdir(parents=True, exist_ok=True)
        return stage_dir

    def _analysis(self) -> tuple[TokenizedCorpus, CorpusAnalysis]:
        chunk_dir = self._stage_dir("chunks", self._fingerprints["tokenization"])
        corpus = tokenize_corpus(
            self.data.data,
            self.data.skip_bad_lines,
            TokenizerSpec(self.text, self.user_words, self.data.max_source_length),
            chunk_dir,
            self.num_workers,
            self.progress,
        )
        if self.text.context_turns and corpus.num_conversations == corpus.num_pairs:
            warn_about_missing_context(self.text.context_turns)
        num_passes = 4 if self.text.oov == "spell" else 3
        num_chunks = num_passes * len(corpus.chunk_paths)
        with progress_bar("analyzing", num_chunks, "chunks", self.progress) as bar:
            analysis = analyze(
                corpus, self.data, self.text, self.preprocessing, chunk_dir / "hashes", bar.update
            )
        return corpus, analysis

    def _statistics(self, corpus: TokenizedCorpus, analysis: CorpusAnalysis) -> dict:
        """Returns the content of statistics.json."""
        issues = find_issues(analysis.statistics, self.text)
        return {
            "fingerprint": self._fingerprints["dataset"],
            **analysis.statistics,
            "skipped_lines": dict(corpus.skipped_lines),
            "issues": [issue._asdict() for issue in issues],
            "counts": analysis.pair_filter.counts(),
        }

    def _write_shards(
        self, corpus: TokenizedCorpus, analysis: CorpusAnalysis, tokenizer: Seq2SeqTokenizer
    ) -> dict:
        counts = analysis.pair_filter.counts()
        if not counts["training"]:
            removed = counts["removed"]
            reasons = ", ".join(f"{reason}: {count}" for reason, count in removed.items())
            raise ValueError(
                f"No training pairs: {counts['total']} given, {counts['validation']} held out for "
                f"validation, {sum(removed.values())} removed ({reasons}). Relax the filters or "
                "the length limits."
            )
        tokenizer.require_tokens()
        return write_shards(
            corpus,
            analysis.pair_filter,
            tokenizer,
            self.data.max_source_length,
            self.preprocessing.seed,
            self._stage_dir("shards", self._fingerprints["dataset"]),
            self.num_workers,
            self.progress,
        )

    def _publish(self, tokenizer: Seq2SeqTokenizer, statistics: dict, content: dict) -> None:
        """Moves the shards into the directory. The manifest is written last and marks the end."""
        (self.prepared_dir / MANIFEST_FILE).unlink(missing_ok=True)
        for split in content["shards"]:
            for old_path in self.prepared_dir.glob(f"{split}-*-of-*.tfrecord"):
                old_path.unlink()
        shard_dir = self._stage_dir("shards", self._fingerprints["dataset"])
        for shard in chain.from_iterable(content["shards"].values()):
            (shard_dir / shard["name"]).replace(self.prepared_dir / shard["name"])
        for name in TOKENIZER_FILES:
            # A file that only the previous dataset has would be read as part of this dataset.
            (self.prepared_dir / name).unlink(missing_ok=True)
        tokenizer.save(self.prepared_dir)
        write_json(self.prepared_dir / STATISTICS_FILE, statistics)
        options = {
            "data": self.data,
            "text": self.text,
            "preprocessing": dataclasses.replace(self.preprocessing, num_workers=0),
        }
        manifest = {
            "format": MANIFEST_FORMAT,
            "created_by": f"attention_seq2seq {metadata.version('attention_seq2seq')}",
            "fingerprint": self._fingerprints["dataset"],
            **content,
            "tokenizer_files": {
                name: sha256_file(self.prepared_dir / name) for name in tokenizer_files(self.text)
            },
            "options": {name: dataclasses.asdict(option) for name, option in options.items()},
        }
        write_json(self.prepared_dir / MANIFEST_FILE, manifest)
        shutil.rmtree(self.prepared_dir / _WORK_DIR)


def _hashes(corpora: list[dict]) -> list[str]:
    return [corpus["sha256"] for corpus in corpora]


def _format_option(value) -> str:
    return repr(",".join(value) if isinstance(value, tuple) else value)
