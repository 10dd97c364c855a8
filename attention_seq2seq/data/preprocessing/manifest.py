"""A folder of prepared pairs: what is in it, of what it was made, and how."""

import dataclasses
import json
from collections.abc import Iterable
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from attention_seq2seq.config.artifacts import MANIFEST_FILE, STATISTICS_FILE
from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.utils.files import quoted, sha256_of

FORMAT = 1


def read_json(path: Path) -> dict:
    """Reads what `files.write_json` wrote; nothing where there is nothing, or damage."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def key_of(*facts) -> str:
    """A hash of plain values and dataclasses of them: equal facts, equal key."""
    text = json.dumps([metadata.version("attention_seq2seq"), FORMAT, *facts], default=vars)
    return sha256(text.encode()).hexdigest()


def is_prepared(paths: Iterable[str]) -> bool:
    """Whether this is one folder, and no corpus file."""
    paths = list(paths)
    return len(paths) == 1 and Path(paths[0]).is_dir()


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What `prepare` has written into a folder.

    Attributes:
        folder: where it lies.
        data: which pairs were read and kept.
        text: how they were cut into words; the vocabularies lie in the folder, see
            `Seq2SeqTokenizer.load`.
        preparation: how they were cleaned and ordered.
        content: all of the manifest: counts, hashes and names.
    """

    folder: Path
    data: DataConfig
    text: TextConfig
    preparation: PreparationConfig
    content: dict

    @classmethod
    def load(cls, folder: str | Path) -> "Prepared":
        """Reads the manifest of a folder.

        Raises:
            FileNotFoundError: there is none; the preparation has not come to its end.
            ValueError: it is damaged, or of another version.
        """
        folder = Path(folder)
        path = folder / MANIFEST_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder}: no prepared corpus here ({MANIFEST_FILE} is missing). Prepare one with "
                f"python experiments/prepare.py --data=FILE --prepared_dir={quoted(folder)}"
            )
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']}, expected {FORMAT}")
            options = content["options"]
            return cls(
                folder,
                DataConfig(**options["data"]),
                TextConfig(**options["text"]),
                PreparationConfig(**options["preparation"]),
                content,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: not a manifest that can be used here ({error}). Prepare the corpus "
                "again, with --overwrite."
            ) from None

    def shards(self, part: str) -> list[str]:
        """The paths of the TFRecord files of a part, training or validation.

        Raises:
            ValueError: one of them is missing or damaged.
        """
        paths = []
        for shard in self.content["shards"][part]:
            path = self.folder / shard["name"]
            self._check(path, shard["sha256"])
            paths.append(str(path))
        return paths

    def _check(self, path: Path, sha256: str) -> None:
        if not path.is_file():
            raise ValueError(f"{path} is missing. Prepare the corpus again, with --overwrite.")
        if sha256_of(path) != sha256:
            raise ValueError(
                f"{path} is damaged: it is not as it was written. Prepare the corpus again, with "
                "--overwrite."
            )

    def num_pairs(self, part: str) -> int:
        """How many pairs a part has."""
        return self.content["counts"][part]

    def examination(self) -> dict:
        """What its corpora are like, see `examine`.

        Raises:
            ValueError: it is missing or damaged, or of another preparation.
        """
        content = read_json(self.folder / STATISTICS_FILE)
        if content.get("key") != self.content["key"]:
            raise ValueError(
                f"{self.folder / STATISTICS_FILE} is missing or damaged. Prepare the corpus again, "
                "with --overwrite."
            )
        return content

    def tokenizer(self) -> Seq2SeqTokenizer:
        """The vocabularies, and how texts are cut.

        Raises:
            ValueError: a file of it is missing or damaged.
        """
        # Corpora that were prepared by earlier versions have no hashes of these files.
        for name, expected in self.content.get("vocabulary", {}).items():
            self._check(self.folder / name, expected)
        try:
            return Seq2SeqTokenizer.load(self.folder, self.text)
        except (ValueError, FileNotFoundError) as error:
            raise ValueError(
                f"{str(error).partition(': ')[0]} is missing or damaged. Prepare the corpus again, "
                "with --overwrite."
            ) from None

    def data_of_training(self) -> DataConfig:
        """The same options of a training on this folder."""
        return dataclasses.replace(self.data, data=(str(self.folder),))

    def provenance(self) -> dict:
        """What a model that was trained on it says of where it comes from."""
        return {
            "training_pairs": self.num_pairs("training"),
            "validation_pairs": self.num_pairs("validation"),
            "corpora": [
                {"name": Path(corpus["path"]).name, "sha256": corpus["sha256"]}
                for corpus in self.content["corpora"]
            ],
            "sha256_of_shards": [shard["sha256"] for shard in self.content["shards"]["training"]],
            "sha256_of_validation_shards": [
                shard["sha256"] for shard in self.content["shards"]["validation"]
            ],
            "sha256_of_vocabulary": sorted(self.content.get("vocabulary", {}).values()),
        }
