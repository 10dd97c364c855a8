"""Checkpoints: written atomically, verified by a hash, restored to resume training."""

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
    """Keeps the latest checkpoints of a training run in a directory.

    A checkpoint is one file, written atomically. Its name contains the step and a hash of the
    content. If the latest checkpoint does not match its hash, the previous one is restored.

    Args:
        directory: the directory; created with the first checkpoint.

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

    def save(self, step: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Writes a checkpoint, then deletes all but the latest two.

        Args:
            step: number of updates so far.
            arrays: weights and optimizer variables, by name.
            state: other state, written as JSON.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        state_bytes = np.frombuffer(json.dumps(state).encode(), np.uint8)
        partial_path = self._directory / f"{step:09}{PARTIAL_SUFFIX}"
        try:
            with partial_path.open("wb") as file:
                file.write(npz_bytes({**arrays, _STATE: state_bytes}))
                file.flush()
                os.fsync(file.fileno())
            path = self._directory / f"{step:09}-{_content_hash(partial_path)}.npz"
            partial_path.replace(path)
        finally:
            partial_path.unlink(missing_ok=True)
        for old_path in self._paths()[:-_MAX_TO_KEEP]:
            old_path.unlink()

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
            consequence = "restarting from the first step"
            if paths:
                consequence = "restoring the previous one"
            log.warning("Removed damaged checkpoint %s; %s", path, consequence)
        return None

    def delete_all(self) -> None:
        """Deletes all checkpoints, and then the directory if it is empty."""
        for path in self._paths():
            path.unlink()
        with contextlib.suppress(OSError):
            self._directory.rmdir()

    def _paths(self) -> list[Path]:
        return self._matching(r"\d{9}-[0-9a-f]{16}\.npz")

    def _matching(self, pattern: str) -> list[Path]:
        """Returns the files whose names match, sorted. Other files are never touched."""
        paths = self._directory.glob("*")
        return sorted(path for path in paths if re.fullmatch(pattern, path.name))


def _content_hash(path: Path) -> str:
    """Returns the hash that the name of an intact checkpoint contains."""
    return sha256_file(path)[:16]
