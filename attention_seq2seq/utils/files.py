"""Atomic file writes, file locks, hashes and text lines."""

import contextlib
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

from attention_seq2seq.utils.posix import sync_directory, try_lock

log = logging.getLogger(__name__)

_CHUNK_SIZE = 1 << 20
GZIP_MAGIC, BYTE_ORDER_MARK = b"\x1f\x8b", b"\xef\xbb\xbf"

# Suffix of files that are being written, or were left behind by a killed process.
PARTIAL_SUFFIX = ".part"

# Locks a directory, and marks it as one that this package may clear.
_LOCK_FILE = "preparation.lock"


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path, and renames the file to `path` when it is on disk.

    Links are followed. Pipes and devices are written directly.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    temporary_path = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL_SUFFIX}")
    try:
        yield temporary_path
        # Windows cannot sync a file that is open for reading only.
        with temporary_path.open("r+b") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary_path)
        temporary_path.replace(path)
        # Otherwise a power failure could lose this file but keep a file that was written later.
        sync_directory(path.parent)
    finally:
        # Otherwise a partial file would keep a full disk full.
        temporary_path.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing, which replaces `path` only when it is complete."""
    with atomic_path(path) as temporary_path, temporary_path.open("wb") as file:
        yield file


def write_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8, atomically.

    Characters that UTF-8 cannot encode are escaped: lone surrogates in a JSON corpus, and bytes of
    a file name that are not UTF-8. JSON parsers restore the same characters.
    """
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Writes a JSON file atomically."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: Path) -> dict:
    """Returns the JSON object in a file, or {} if the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return {}
    return content if isinstance(content, dict) else {}


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> memoryview:
    """Returns the bytes of a NumPy archive (.npz).

    NumPy prints a stack trace if it writes to a full disk, so callers write the bytes themselves.
    """
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    return archive.getbuffer()


def find_partial_files(directory: Path, name: str | None = None) -> list[Path]:
    """Returns partial files of killed processes, for one file name or for all."""
    pattern = re.compile((re.escape(name) if name else ".*") + r"\.\d+" + re.escape(PARTIAL_SUFFIX))
    return [path for path in directory.glob(f"*{PARTIAL_SUFFIX}") if pattern.fullmatch(path.name)]


def iter_text_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """Yields the lines of a text file, without line ends and byte order mark.

    Only a line feed ends a line. A carriage return before it is removed as well.

    Args:
        file: file opened for reading; UTF-8, plain or gzip, detected by content.
        name: name of the file for errors.

    Raises:
        ValueError: a line is not UTF-8 text, or the file is damaged.
    """
    stream = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP_MAGIC else file
    line_number = 0
    while True:
        line_number += 1
        try:
            line = stream.readline()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{name}, line {line_number}: the file is damaged ({error})."
            ) from None
        if not line:
            return
        has_mark = line_number == 1 and line.startswith(BYTE_ORDER_MARK)
        start = len(BYTE_ORDER_MARK) if has_mark else 0
        # UTF-16 without a byte order mark may look like UTF-8 with many null bytes.
        error_position = line.find(b"\0")
        try:
            text = line[start:].decode("utf-8")
        except UnicodeDecodeError as error:
            error_position = start + error.start
        if error_position >= 0:
            raise ValueError(
                f"{name}, line {line_number}: not UTF-8 text; byte 0x{line[error_position]:02x} at "
                f"position {error_position + 1} of the line. Convert the file to UTF-8."
            )
        yield text.rstrip("\r\n")


def shell_quote(value: object) -> str:
    """Quotes a value for a shell. Chinese text needs no quotes.

    Example:
        >>> print(shell_quote("models/餐"), shell_quote("my model"))
        models/餐 'my model'
    """
    text = str(value)
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else shlex.quote(text)


def sha256_file(path: Path, on_read: Callable[[int], None] = lambda num_bytes: None) -> str:
    """Returns the SHA-256 hash of a file's content.

    Args:
        path: the file.
        on_read: called with the number of bytes after each chunk is read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_SIZE):
            digest.update(chunk)
            on_read(len(chunk))
    return digest.hexdigest()


@contextlib.contextmanager
def locked_dir(directory: Path) -> Iterator[None]:
    """Locks a directory against other processes, and removes partial files from it.

    Args:
        directory: the directory; created if it does not exist. It must be empty or have been locked
            before, because its content may be removed.

    Raises:
        ValueError: another process has locked the directory, or it holds other files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()) and not (directory / _LOCK_FILE).is_file():
        raise ValueError(
            f"{directory} has other files, which would be replaced. Give a new or empty directory."
        )
    with file_lock(directory / _LOCK_FILE):
        directories = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
        partial_files = [path for parent in directories for path in find_partial_files(parent)]
        for path in partial_files:
            path.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def file_lock(path: Path, name: object = None) -> Iterator[None]:
    """Locks a file against other processes. The lock of a killed process is released.

    Args:
        path: the lock file; created if it does not exist, and never changed.
        name: name of the locked file for errors; None: the directory of the lock file.

    Raises:
        ValueError: another process has locked the file.
    """
    with path.open("ab") as file:
        try:
            is_locked = try_lock(file)
        except OSError as error:
            # Some network file systems do not support locks, nor does Windows.
            log.warning(
                "%s cannot be locked (%s): make sure that no other process writes there.",
                name or path.parent,
                error.strerror,
            )
            is_locked = True
        if not is_locked:
            raise ValueError(
                f"{name or path.parent} is in use by another process. Wait until it ends, or "
                f"give another {'file' if name else 'directory'}."
            )
        yield
