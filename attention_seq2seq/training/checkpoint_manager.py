"""All that a training needs to go on where it was, on disk."""

import contextlib
import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attention_seq2seq.utils.files import PART, archive_of, sha256_of

log = logging.getLogger(__name__)

_KEPT = 2
_STATE = "state.json"


class CheckpointManager:
    """The last checkpoints of a training, in a folder of their own.

    Each is one file, written as a whole or not at all. Its name has the number of the update and
    the hash of its content, so a damaged one is known, and the one before it is taken.

    Args:
        folder: where they are; made with the first.

    Example:
        >>> checkpoints = CheckpointManager(getfixture("tmp_path") / "checkpoints")
        >>> checkpoints.save(7, {"weight": np.ones(2)}, {"loss": 0.5})
        >>> arrays, state = checkpoints.newest()
        >>> arrays["weight"].tolist(), state
        ([1.0, 1.0], {'loss': 0.5})
    """

    def __init__(self, folder: Path):
        self._folder = folder
        for path in self._named(rf"\d{{9}}{PART}"):
            path.unlink()

    def save(self, update: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Writes a checkpoint, then removes those that are older than the one before it.

        Args:
            update: the number of updates that were made.
            arrays: weights and the like.
            state: what is written as JSON.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        part = self._folder / f"{update:09}{PART}"
        try:
            with part.open("wb") as file:
                file.write(archive_of({**arrays, _STATE: text}))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / f"{update:09}-{_name_of(part)}.npz")
        finally:
            part.unlink(missing_ok=True)
        for old in self._paths()[:-_KEPT]:
            old.unlink()

    def newest(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Arrays and state of the newest checkpoint that is whole; None if there is none.

        Damaged ones are removed, so that they do not count among those that are kept.
        """
        paths = self._paths()
        while paths:
            path = paths.pop()
            # What cannot be read is as good as damaged.
            with contextlib.suppress(OSError):
                if path.stem.split("-")[1] == _name_of(path):
                    with path.open("rb") as file, np.load(file) as archive:
                        arrays = dict(archive)
                    return arrays, json.loads(arrays.pop(_STATE).tobytes())
            path.unlink()
            instead = "the one before it is taken" if paths else "the training begins anew"
            log.warning("%s is damaged and was removed; %s", path, instead)
        return None

    def clear(self) -> None:
        """Removes them all, and the folder if nothing else is in it."""
        for path in self._paths():
            path.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _paths(self) -> list[Path]:
        return self._named(r"\d{9}-[0-9a-f]{16}\.npz")

    def _named(self, pattern: str) -> list[Path]:
        """The files with such names, in order; all others are somebody else's."""
        paths = self._folder.glob("*")
        return sorted(path for path in paths if re.fullmatch(pattern, path.name))


def _name_of(path: Path) -> str:
    """The part of a name that its content must have."""
    return sha256_of(path)[:16]
