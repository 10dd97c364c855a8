"""Record of the files that training runs have written into a model directory.

A training run replaces and removes only recorded files.
"""

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from attention_seq2seq.config.artifacts import TRAINING_FILES_FILE
from attention_seq2seq.utils.files import write_json


def recorded_names(model_dir: Path) -> set[str]:
    """Returns the names of the files that training runs have written, or started to write."""
    return set(_read(model_dir)["files"])


def recorded_hash(model_dir: Path, name: str) -> str:
    """Returns the SHA-256 of a file at the time of writing; an empty string if unknown."""
    return _read(model_dir)["hashes"].get(name, "")


def record(model_dir: Path, names: Iterable[str], hashes: dict[str, str] | None = None) -> None:
    """Replaces the record. Call this function before writing the files."""
    write_json(
        model_dir / TRAINING_FILES_FILE,
        {"files": sorted({*names, TRAINING_FILES_FILE}), "hashes": hashes or {}},
    )


def add_to_record(model_dir: Path, *names: str) -> None:
    """Adds names to the record. Call this function before writing the files."""
    record(model_dir, recorded_names(model_dir) | set(names))


def remove_unused_dirs(new_dirs: Sequence[Path], lock_path: Path) -> None:
    """Removes directories if a run that failed has not written any file to them.

    Args:
        new_dirs: directories that the run created: a directory first, then its parents.
        lock_path: the lock file in the first directory, which is removed as well.
    """
    with contextlib.suppress(OSError):
        if new_dirs and list(new_dirs[0].iterdir()) == [lock_path]:
            lock_path.unlink()
            for directory in new_dirs:
                directory.rmdir()


def _read(model_dir: Path) -> dict:
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        content = json.loads((model_dir / TRAINING_FILES_FILE).read_text(encoding="utf-8"))
        return {"files": list(content["files"]), "hashes": dict(content["hashes"])}
    return {"files": [], "hashes": {}}
