"""Which files of a model folder trainings have written: all others are somebody else's."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from attention_seq2seq.config.artifacts import TRAINING_FILES_FILE
from attention_seq2seq.utils.files import write_json


def written(folder: Path) -> set[str] | None:
    """The names that trainings have written, or were about to; None where there is no record."""
    record = _read(folder)
    return None if record is None else set(record["files"])


def recorded_hash(folder: Path, name: str) -> str:
    """The hash of a file's content when it was written; "" where none is known."""
    return (_read(folder) or {"hashes": {}})["hashes"].get(name, "")


def record(folder: Path, names: Iterable[str], hashes: dict[str, str] | None = None) -> None:
    """Notes exactly these names; called before files are written."""
    write_json(
        folder / TRAINING_FILES_FILE,
        {"files": sorted({*names, TRAINING_FILES_FILE}), "hashes": hashes or {}},
    )


def record_also(folder: Path, *names: str) -> None:
    """Notes that a training is about to write further files."""
    record(folder, (written(folder) or set()) | set(names))


def _read(folder: Path) -> dict | None:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        content = json.loads((folder / TRAINING_FILES_FILE).read_text(encoding="utf-8"))
        return {"files": list(content["files"]), "hashes": dict(content["hashes"])}
    return None
