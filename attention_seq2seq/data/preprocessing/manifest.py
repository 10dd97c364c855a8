"""Manifest of a prepared dataset: content, source corpora and preprocessing options."""

import dataclasses
import json
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from attention_seq2seq.config.artifacts import MANIFEST_FILE, STATISTICS_FILE
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.utils.files import read_json, sha256_file

# Version of the manifest, the statistics and the files of unfinished stages.
MANIFEST_FORMAT = 2


def fingerprint(*values) -> str:
    """Returns a hash of JSON-serializable values and dataclasses."""
    version = metadata.version("attention_seq2seq")
    text = json.dumps([version, MANIFEST_FORMAT, *values], default=vars)
    return sha256(text.encode()).hexdigest()


def is_prepared_dir(paths: Iterable[str]) -> bool:
    """Returns whether the data is one directory instead of corpus files."""
    paths = list(paths)
    return len(paths) == 1 and Path(paths[0]).is_dir()


@dataclasses.dataclass(frozen=True)
class PreparedDataset:
    """A dataset written by `prepare`.

    Attributes:
        directory: path of the directory.
        data: the corpus files, and limits on the pairs.
        text: the options of the tokenizer.
        preprocessing: the filters, and the random seed.
        manifest: the content of the manifest: counts, hashes and names.
    """

    directory: Path
    data: DataConfig
    text: TextConfig
    preprocessing: PreprocessingConfig
    manifest: dict

    @classmethod
    def load(cls, directory: str | Path) -> "PreparedDataset":
        """Reads the manifest of a directory.

        Raises:
            FileNotFoundError: there is no manifest, because preprocessing is not finished.
            ValueError: the manifest is damaged or has another version.
        """
        directory = Path(directory)
        path = directory / MANIFEST_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{directory} has no prepared dataset: {MANIFEST_FILE} is missing. Prepare a "
                "corpus into this directory first."
            )
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if manifest["format"] != MANIFEST_FORMAT:
                raise ValueError(f"format {manifest['format']}, expected {MANIFEST_FORMAT}")
            options = manifest["options"]
            return cls(
                directory,
                DataConfig(**options["data"]),
                TextConfig(**options["text"]),
                PreprocessingConfig(**options["preprocessing"]),
                manifest,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is not a valid manifest ({error}). Prepare the corpus again, and "
                "overwrite the dataset."
            ) from None

    def shard_paths(self, split: str) -> list[str]:
        """Returns the paths of the TFRecord files of a split, training or validation.

        Raises:
            ValueError: a file is missing or damaged.
        """
        paths = []
        for shard in self.manifest["shards"][split]:
            path = self.directory / shard["name"]
            self._check_file(path, shard["sha256"])
            paths.append(str(path))
        return paths

    def _check_file(self, path: Path, expected_sha256: str) -> None:
        if not path.is_file():
            raise ValueError(
                f"{path} is missing. Prepare the corpus again, and overwrite the dataset."
            )
        if sha256_file(path) != expected_sha256:
            raise ValueError(
                f"{path} is damaged: its hash has changed. Prepare the corpus again, and "
                "overwrite the dataset."
            )

    def num_pairs(self, split: str) -> int:
        """Returns the number of pairs of a split."""
        return self.manifest["counts"][split]

    def statistics(self) -> dict:
        """Returns the content of statistics.json.

        Raises:
            ValueError: the file is missing or damaged, or belongs to another dataset.
        """
        statistics = read_json(self.directory / STATISTICS_FILE)
        if statistics.get("fingerprint") != self.manifest["fingerprint"]:
            raise ValueError(
                f"{self.directory / STATISTICS_FILE} is missing or damaged. Prepare the corpus "
                "again, and overwrite the dataset."
            )
        return statistics

    def tokenizer(self) -> Seq2SeqTokenizer:
        """Returns the tokenizer and its vocabularies.

        Raises:
            ValueError: a file of the tokenizer is missing or damaged.
        """
        for name, expected_sha256 in self.manifest["tokenizer_files"].items():
            self._check_file(self.directory / name, expected_sha256)
        try:
            return Seq2SeqTokenizer.load(self.directory, self.text)
        except (ValueError, FileNotFoundError) as error:
            raise ValueError(
                f"{str(error).partition(': ')[0]} is missing or damaged. Prepare the corpus again, "
                "and overwrite the dataset."
            ) from None

    def training_data_config(self) -> DataConfig:
        """Returns the data options for training on this dataset."""
        return dataclasses.replace(self.data, data=(str(self.directory),))

    def provenance(self) -> dict:
        """Returns the provenance of a model that is trained on this dataset."""
        shards = self.manifest["shards"]
        return {
            "training_pairs": self.num_pairs("training"),
            "validation_pairs": self.num_pairs("validation"),
            "corpora": [
                {"name": Path(corpus["path"]).name, "sha256": corpus["sha256"]}
                for corpus in self.manifest["corpora"]
            ],
            "sha256_of_shards": [shard["sha256"] for shard in shards["training"]],
            "sha256_of_validation_shards": [shard["sha256"] for shard in shards["validation"]],
            "sha256_of_vocabulary": sorted(self.manifest["tokenizer_files"].values()),
        }
