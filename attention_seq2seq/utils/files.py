"""Files that are written as a whole or not at all, whenever the process is killed."""

import contextlib
import errno
import fcntl
import gzip
import hashlib
import io
import json
import logging
import os
import re
import shlex
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

log = logging.getLogger(__name__)

_PIECE = 1 << 20
GZIP, BYTE_ORDER_MARK = b"\x1f\x8b", b"\xef\xbb\xbf"

# What a file is named until it is whole; one whose process was killed is left behind.
PART = ".part"

# Says that a folder is ours, and locks it.
_LOCK = "preparation.lock"


@contextlib.contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A path to write to; when all is written and on the disk, the file takes its name.

    Where the path is a link, what it leads to is written; a pipe or a device is written to itself.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
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


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8, whole or not at all.

    What UTF-8 cannot say is escaped: half a surrogate pair of a JSON corpus, and bytes of a file's
    name that are not UTF-8. In JSON the escape reads as the same character again.
    """
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Writes JSON, see `write_text`."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: Path) -> dict:
    """Returns the JSON object in a file; an empty one if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def archive_of(arrays: Mapping[str, np.ndarray]) -> memoryview:
    """The bytes of a NumPy archive.

    NumPy, writing into a file itself, prints a stack trace where the disk is full.
    """
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return archive.getbuffer()


def left_behind(folder: Path, name: str | None = None) -> list[Path]:
    """Files of this module that a killed process has not finished, of one name or of any."""
    pattern = re.compile((re.escape(name) if name else ".*") + r"\.\d+" + re.escape(PART))
    return [path for path in folder.glob(f"*{PART}") if pattern.fullmatch(path.name)]


def text_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a text file, without their ends and a byte order mark.

    Only a line feed ends a line; a carriage return before it is no text.

    Args:
        file: open for reading; UTF-8, plain or gzip, told apart by the content.
        name: of the file, for errors.

    Raises:
        ValueError: a line is no UTF-8 text, or the file is damaged; with line and byte.
    """
    raw = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP else file
    number = 0
    while True:
        number += 1
        try:
            line = raw.readline()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name}, line {number}: the file is damaged ({error}).") from None
        if not line:
            return
        mark = len(BYTE_ORDER_MARK) if number == 1 and line.startswith(BYTE_ORDER_MARK) else 0
        # UTF-16 without a mark may look like UTF-8 with many of them.
        wrong = line.find(b"\0")
        try:
            text = line[mark:].decode("utf-8")
        except UnicodeDecodeError as error:
            wrong = mark + error.start
        if wrong >= 0:
            raise ValueError(
                f"{name}, line {number}: not UTF-8 text; byte 0x{line[wrong]:02x} at position "
                f"{wrong + 1} of the line. Convert the file to UTF-8."
            )
        yield text.rstrip("\r\n")


def quoted(text: object) -> str:
    """A value as a shell reads it; Chinese needs no quotes.

    Example:
        >>> print(quoted("models/餐"), quoted("my model"))
        models/餐 'my model'
    """
    text = str(text)
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else shlex.quote(text)


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
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        unfinished = [path for place in folders for path in left_behind(place)]
        for path in (*unfinished, *folder.glob(f"{_LOCK}.*")):
            path.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def locked(path: Path, among_others: bool = False, name: object = None) -> Iterator[None]:
    """Within it, no other process may lock the same file; one that is killed unlocks it.

    Args:
        path: the file; made if it is not there, and never changed.
        among_others: whether others may, who say the same.
        name: what is locked, for errors; the file's folder by default.

    Raises:
        ValueError: another process has locked it.
    """
    with path.open("ab") as lock:
        kind = fcntl.LOCK_SH if among_others else fcntl.LOCK_EX
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                # Some network file systems know no locks, and the work is possible without.
                log.warning(
                    "%s cannot be locked (%s): make sure that no other process writes there.",
                    name or path.parent,
                    error.strerror,
                )
            else:
                raise ValueError(
                    f"{name or path.parent}: another process is at work here. Wait for its end, or "
                    f"give another {'file' if name else 'folder'}."
                ) from None
        yield
