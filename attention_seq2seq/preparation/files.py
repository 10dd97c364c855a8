"""Files that are written as a whole or not at all, whenever the process is killed."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_PIECE = 1 << 20


@contextlib.contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A path to write to; when all is written and on the disk, the file takes its name."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    yield temporary
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


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
def alone_in(folder: Path) -> Iterator[None]:
    """Within it, no other process may enter the same folder; a killed one has left it.

    Raises:
        ValueError: another process is in it.
    """
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"{folder}: another process is at work here. Wait for its end, or give another "
                "folder."
            ) from None
        yield
