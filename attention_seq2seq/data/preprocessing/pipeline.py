"""The stages of a preparation, each of which goes on where it was stopped."""

import dataclasses
import shutil
from importlib import metadata
from itertools import chain
from pathlib import Path

from attention_seq2seq.config.artifacts import MANIFEST_FILE, STATISTICS_FILE
from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing.analyze import Gathered, gather
from attention_seq2seq.data.preprocessing.issues import findings
from attention_seq2seq.data.preprocessing.manifest import FORMAT, Prepared, key_of, read_json
from attention_seq2seq.data.preprocessing.survey import SIDES
from attention_seq2seq.data.preprocessing.tokenize import Corpus, Cutting, cut_corpus
from attention_seq2seq.data.preprocessing.write_shards import write_shards
from attention_seq2seq.data.readers import CorpusReader
from attention_seq2seq.text.seq2seq_tokenizer import (
    TOKENIZER_FILES,
    Seq2SeqTokenizer,
    tokenizer_files,
)
from attention_seq2seq.text.tokenizer import load_user_dictionary
from attention_seq2seq.utils.files import sha256_of, write_json
from attention_seq2seq.utils.parallel import num_cores
from attention_seq2seq.utils.progress import stage

# Of what is under way.
_WORK = "work"


class Job:
    """The work on one folder; what is under way lies in a folder within it, named by its key."""

    def __init__(self, folder, data: DataConfig, text, preparation, progress: bool):
        if not data.data:
            raise ValueError("no corpus to prepare. Name its files, for example --data=mine.tsv.")
        self.folder = Path(folder)
        self.data = data
        self.text = text or TextConfig()
        self.preparation = preparation or PreparationConfig()
        self.progress = progress
        self.num_processes = self.preparation.processes or num_cores()
        self.user_words = tuple(load_user_dictionary(self.text))
        # Fails where a file is missing, before any work is done.
        CorpusReader(data.data)
        for path in data.data:
            if not Path(path).is_file():
                raise ValueError(
                    f"{path} is a pipe, which can be read only once, and preparing reads corpora "
                    "twice. Write it into a file first."
                )

    def examination(self) -> dict:
        """What is in statistics.json, made if need be."""
        path, keys = self.folder / STATISTICS_FILE, self._keys(self._corpora())
        self._refuse_another(keys)
        if read_json(path).get("key") != keys["all"]:
            corpus, gathered = self._gathered(keys)
            write_json(path, self._examined(keys, corpus, gathered))
        return read_json(path)

    def prepared(self, overwrite: bool) -> Prepared:
        """The whole work."""
        corpora = self._corpora()
        keys = self._keys(corpora)
        if not overwrite:
            self._refuse_another(keys)
            if (self.folder / MANIFEST_FILE).is_file():
                return self._finished()
        corpus, gathered = self._gathered(keys)
        tokenizer = Seq2SeqTokenizer(self.text, *gathered.vocabularies, self.user_words)
        shards = self._shards(keys, corpus, gathered, tokenizer)
        words = len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
        content = {
            "counts": gathered.selection.report(),
            "bad lines left out": dict(corpus.skipped),
            "words": dict(zip(SIDES, words)),
            "corpora": corpora,
            "shards": shards,
        }
        self._finish(keys, tokenizer, self._examined(keys, corpus, gathered), content)
        return Prepared.load(self.folder)

    def _refuse_another(self, keys: dict[str, str]) -> None:
        if not (self.folder / MANIFEST_FILE).is_file():
            return
        if Prepared.load(self.folder).content["key"] != keys["all"]:
            raise ValueError(
                f"{self.folder} was prepared from other corpora or with other options. Give "
                "another folder, or --overwrite to replace it."
            )

    def _finished(self) -> Prepared:
        """What was prepared before, if all of it is still there."""
        # Where it was killed at the very end.
        shutil.rmtree(self.folder / _WORK, ignore_errors=True)
        prepared = Prepared.load(self.folder)
        prepared.examination()
        prepared.tokenizer()
        for part in prepared.content["shards"]:
            prepared.shards(part)
        return prepared

    def _corpora(self) -> list[dict]:
        """Path, size and hash of each corpus file."""
        paths = [Path(path) for path in self.data.data]
        sizes = [path.stat().st_size for path in paths]
        with stage("hashing", sum(sizes), "B", self.progress) as bar:
            return [
                {"path": str(path), "bytes": size, "sha256": sha256_of(path, bar.update)}
                for path, size in zip(paths, sizes)
            ]

    def _keys(self, corpora: list[dict]) -> dict[str, str]:
        """A hash for each stage, of all that its result depends on."""
        cutting = {
            "corpora": [corpus["sha256"] for corpus in corpora],
            "skip_bad_lines": self.data.skip_bad_lines,
            "max_source_length": self.data.max_source_length,
            "segmentation": (self.text.source_segmentation, self.text.target_segmentation),
            "words": (self.text.jieba_hmm, self.text.lower_case, self.user_words),
            "context_turns": self.text.context_turns,
        }
        options = (
            dataclasses.replace(self.data, data=()),
            dataclasses.replace(self.text, user_dictionary=""),
            dataclasses.replace(self.preparation, processes=0),
        )
        return {"cutting": key_of(cutting), "all": key_of(cutting, options)}

    def _under_way(self, name: str, key: str) -> Path:
        folder = self.folder / _WORK / f"{name}-{key[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def cut_share(self, share: int, shares: int, overwrite: bool) -> None:
        """A share of the cutting, unless all is done already."""
        keys = self._keys(self._corpora())
        if not overwrite:
            self._refuse_another(keys)
            if (self.folder / MANIFEST_FILE).is_file():
                return
        self._cut(self._under_way("cutting", keys["cutting"]), share, shares)

    def _cut(self, folder: Path, share: int = 0, shares: int = 1) -> Corpus:
        return cut_corpus(
            self.data.data,
            self.data.skip_bad_lines,
            Cutting(self.text, self.user_words, self.data.max_source_length),
            folder,
            self.num_processes,
            self.progress,
            share=share,
            shares=shares,
        )

    def _gathered(self, keys: dict[str, str]) -> tuple[Corpus, Gathered]:
        folder = self._under_way("cutting", keys["cutting"])
        corpus = self._cut(folder)
        with stage("examining", 3 * len(corpus.chunks), "chunks", self.progress) as bar:
            gathered = gather(
                corpus, self.data, self.text, self.preparation, folder / "hashes", bar.update
            )
        return corpus, gathered

    def _examined(self, keys: dict[str, str], corpus: Corpus, gathered: Gathered) -> dict:
        """The content of statistics.json."""
        found = findings(gathered.examination, self.text.vocabulary_size)
        return {
            "key": keys["all"],
            **gathered.examination,
            "bad lines left out": dict(corpus.skipped),
            "findings": [finding._asdict() for finding in found],
            "counts": gathered.selection.report(),
        }

    def _shards(
        self, keys, corpus: Corpus, gathered: Gathered, tokenizer: Seq2SeqTokenizer
    ) -> dict:
        counts = gathered.selection.report()
        if not counts["training"]:
            raise ValueError(
                f"no pair to train on: {counts['given']} given, {counts['validation']} set aside "
                f"for validation, left out {counts['removed']}."
            )
        tokenizer.require_tokens()
        return write_shards(
            corpus,
            gathered.selection,
            tokenizer,
            self.preparation.seed,
            self._under_way("shards", keys["all"]),
            self.num_processes,
            self.progress,
        )

    def _finish(
        self, keys: dict[str, str], tokenizer: Seq2SeqTokenizer, examined: dict, content: dict
    ) -> None:
        """Moves the shards to their place; the manifest, written last, says that all is there."""
        (self.folder / MANIFEST_FILE).unlink(missing_ok=True)
        for part in content["shards"]:
            for old in self.folder.glob(f"{part}-*-of-*.tfrecord"):
                old.unlink()
        work = self._under_way("shards", keys["all"])
        for shard in chain.from_iterable(content["shards"].values()):
            (work / shard["name"]).replace(self.folder / shard["name"])
        for name in TOKENIZER_FILES:
            # One of an earlier preparation would be taken for this one's.
            (self.folder / name).unlink(missing_ok=True)
        tokenizer.save(self.folder)
        write_json(self.folder / STATISTICS_FILE, examined)
        preparation = dataclasses.replace(self.preparation, processes=0)
        options = {"data": self.data, "text": self.text, "preparation": preparation}
        manifest = {
            "format": FORMAT,
            "made with": f"attention_seq2seq {metadata.version('attention_seq2seq')}",
            "key": keys["all"],
            **content,
            "vocabulary": {
                name: sha256_of(self.folder / name) for name in tokenizer_files(self.text)
            },
            "options": {name: dataclasses.asdict(option) for name, option in options.items()},
        }
        write_json(self.folder / MANIFEST_FILE, manifest)
        shutil.rmtree(self.folder / _WORK)
