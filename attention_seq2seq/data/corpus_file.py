"""Reads the bytes of a corpus file, plain or gzip, as detected by content."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from attention_seq2seq.utils.files import BYTE_ORDER_MARK, GZIP_MAGIC

# Maximum length of a line [bytes]. Longer lines mean that the file is not a corpus of lines.
MAX_LINE_LENGTH = 1 << 24

# Maximum length of a conversation [bytes or characters]. Longer ones mean a malformed file.
MAX_CONVERSATION_LENGTH = 1 << 24


class CorpusFormatError(ValueError):
    """Raised for an unreadable line of a corpus file."""

    def __init__(self, path: Path, line_number: int, reason: str):
        super().__init__(path, line_number, reason)
        self.reason = reason

    def __str__(self) -> str:
        return "{}, line {}: {}".format(*self.args)


class CorpusFile:
    """Corpus file that is read from beginning to end.

    Args:
        path: the file.
        on_error: called with the number of an unreadable line and a reason.

    Attributes:
        line_number: number of the last line read, from 1.
    """

    def __init__(self, path: Path, on_error: Callable[[int, str], None]):
        self.path = path
        self.line_number = 0
        self._on_error = on_error
        self._raw = path.open("rb")
        if not self._raw.seekable():
            self._raw = _copy_to_temporary_file(self._raw)
        is_gzip = self._raw.peek(2)[:2] == GZIP_MAGIC
        self._bytes = gzip.GzipFile(fileobj=self._raw) if is_gzip else self._raw

    def __enter__(self) -> "CorpusFile":
        return self

    def __exit__(self, *_) -> None:
        self._bytes.close()
        self._raw.close()

    @property
    def position(self) -> int:
        """Number of bytes read from the file on disk, which may be compressed."""
        return self._raw.tell()

    def peek(self, size: int) -> bytes:
        """Returns the first bytes without a byte order mark, and rewinds the file."""
        try:
            head = self._bytes.read1(size)
            # A single read of a gzip file may return fewer bytes than available.
            while len(head) < size and (chunk := self._bytes.read1(size - len(head))):
                head += chunk
        except (OSError, EOFError, zlib.error):
            # `chunks` reports the damaged part later.
            head = b""
        self._bytes.seek(0)
        return head.removeprefix(BYTE_ORDER_MARK)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yields the content in chunks, which end at a line end or after `size` bytes."""
        is_inside_line = False
        while True:
            try:
                chunk = self._bytes.readline(size)
            except (OSError, EOFError, zlib.error) as error:
                self.line_number += not is_inside_line
                self.report_error(f"the file is damaged and ends here; {error}")
                return
            if not chunk:
                return
            if not is_inside_line:
                self.line_number += 1
            if self.line_number == 1 and not is_inside_line:
                chunk = chunk.removeprefix(BYTE_ORDER_MARK)
            is_inside_line = not chunk.endswith(b"\n")
            yield chunk

    def lines(self) -> Iterator[bytes]:
        r"""Yields the lines, which may end with \n, \r\n or, within a line, \r."""
        size = MAX_LINE_LENGTH
        is_skipping = False
        for chunk in self.chunks(size):
            ends_line = chunk.endswith(b"\n")
            if is_skipping:
                is_skipping = not ends_line
            elif len(chunk) >= size and not ends_line:
                is_skipping = True
                self.report_error(f"a line of over {size >> 20} MB; expected far shorter ones")
            else:
                yield from chunk.rstrip(b"\r\n").split(b"\r")

    def report_error(self, reason: str, line_number: int | None = None) -> None:
        """Reports an unreadable line, by default the current line."""
        self._on_error(self.line_number if line_number is None else line_number, reason)


def _copy_to_temporary_file(pipe: BinaryIO) -> BinaryIO:
    """Copies a pipe, which is not seekable, to a temporary file."""
    with pipe:
        # Removed when `CorpusFile` closes it.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        shutil.copyfileobj(pipe, file)
    file.seek(0)
    return file


def decode_line(raw: bytes) -> str:
    """Decodes a line as UTF-8.

    Raises:
        ValueError: the line is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not UTF-8; byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        ) from None
