"""Writes and restores checkpoints, so that a killed training can be resumed."""

import contextlib
import json
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attention_seq2seq.utils.files import PARTIAL_SUFFIX, npz_bytes, sha256_file

log = logging.getLogger(__name__)

_MAX_TO_KEEP = 2
_STATE = "state.json"


class CheckpointManager:
    """Keeps the latest checkpoints of a training in a directory.

    A checkpoint is one file, written atomically. The name has the number of updates and a hash of
    the content. A damaged checkpoint is recognized by the hash, and the previous one is restored.

    Args:
        directory: the directory; made with the first checkpoint.

    Example:
        >>> checkpoints = CheckpointManager(getfixture("tmp_path") / "checkpoints")
        >>> checkpoints.save(7, {"weight": np.ones(2)}, {"loss": 0.5})
        >>> arrays, state = checkpoints.restore_latest()
        >>> arrays["weight"].tolist(), state
        ([1.0, 1.0], {'loss': 0.5})
    """

    def __init__(self, directory: Path):
        self._directory = directory
        for path in self._matching(rf"\d{{9}}{PARTIAL_SUFFIX}"):
            path.unlink()

    def save(
        self, num_updates: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]
    ) -> None:
        """Writes a checkpoint, then deletes all but the latest two.

        Args:
            num_updates: number of updates so far.
            arrays: weights and optimizer variables, by name.
            state: further state, written as JSON.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        part = self._directory / f"{num_updates:09}{PARTIAL_SUFFIX}"
        try:
            with part.open("wb") as file:
                file.write(npz_bytes({**arrays, _STATE: text}))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._directory / f"{num_updates:09}-{_content_hash(part)}.npz")
        finally:
            part.unlink(missing_ok=True)
        for old in self._paths()[:-_MAX_TO_KEEP]:
            old.unlink()

    def restore_latest(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Returns arrays and state of the latest intact checkpoint; None if there is none.

        Damaged checkpoints are deleted.
        """
        paths = self._paths()
        while paths:
            path = paths.pop()
            # An unreadable file counts as damaged.
            with contextlib.suppress(OSError):
                if path.stem.split("-")[1] == _content_hash(path):
                    with path.open("rb") as file, np.load(file) as archive:
                        arrays = dict(archive)
                    return arrays, json.loads(arrays.pop(_STATE).tobytes())
            path.unlink()
            consequence = "the one before it is taken" if paths else "the training begins anew"
            log.warning("%s is damaged and was removed; %s", path, consequence)
        return None

    def delete_all(self) -> None:
        """Deletes all checkpoints, and the directory if it is empty then."""
        for path in self._paths():
            path.unlink()
        with contextlib.suppress(OSError):
            self._directory.rmdir()

    def _paths(self) -> list[Path]:
        return self._matching(r"\d{9}-[0-9a-f]{16}\.npz")

    def _matching(self, pattern: str) -> list[Path]:
        """The files with matching names, sorted; all other files belong to somebody else."""
        paths = self._directory.glob("*")
        return sorted(path for path in paths if re.fullmatch(pattern, path.name))


def _content_hash(path: Path) -> str:
    """The hash in the name of an intact checkpoint."""
    return sha256_file(path)[:16]
