"""Files that are written as a whole or not at all, whenever the process is killed."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_PIECE = 1 << 20

# What a file is named until it is whole; one whose process was killed is left behind.
PART = ".part"

# Says that a folder is ours, and locks it.
_LOCK = "preparation.lock"


@contextlib.contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A path to write to; when all is written and on the disk, the file takes its name."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        # So that after a failing lamp no later file is there without this one.
        of_folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(of_folder)
        os.close(of_folder)
    finally:
        # A disk that is full stays full of what nobody needs, else.
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """The same as a file that is open for writing."""
    with part_of(path) as temporary, temporary.open("wb") as file:
        yield file


def sha256_of(path: Path, on_read: Callable[[int], None] = lambda num_bytes: None) -> str:
    """The hash of a file's content.

    Args:
        path: the file.
        on_read: called with the number of bytes after each piece of it.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            on_read(len(piece))
    return digest.hexdigest()


@contextlib.contextmanager
def alone_in(folder: Path, share: int | None = None) -> Iterator[None]:
    """Within it, no other process may enter the same folder; a killed one has left it.

    Args:
        folder: made if it is not there. What is in it may be removed: it must have been entered
            before, or be empty.
        share: others may be in it, too, each with another one.

    Raises:
        ValueError: another process is in it, or it is somebody else's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / _LOCK).is_file():
        raise ValueError(
            f"{folder} holds other files. Give a new folder: what is prepared replaces what is in "
            "the folder."
        )
    if share is not None:
        with locked(folder / _LOCK, among_others=True), locked(folder / f"{_LOCK}.{share}"):
            yield
        return
    with locked(folder / _LOCK):
        for left_behind in (*folder.rglob(f"*{PART}"), *folder.glob(f"{_LOCK}.*")):
            left_behind.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def locked(path: Path, among_others: bool = False) -> Iterator[None]:
    """Within it, no other process may lock the same file; one that is killed unlocks it.

    Args:
        path: the file.
        among_others: whether others may, who say the same.

    Raises:
        ValueError: another process has locked it.
    """
    with path.open("wb") as lock:
        try:
            kind = fcntl.LOCK_SH if among_others else fcntl.LOCK_EX
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"{path.parent}: another process is at work here. Wait for its end, or give "
                "another folder."
            ) from None
        yield
