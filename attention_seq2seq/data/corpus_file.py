"""The bytes of a corpus file, plain or gzip, told apart by the content."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Nobody says that much; a file without line ends is no corpus of lines.
LONGEST_LINE = 1 << 24

# A conversation longer than this is none: the file has lost its form.
LONGEST_CONVERSATION = 1 << 24


class BadLine(ValueError):
    """A place in a corpus file that cannot be read: file, line, what was got and expected."""

    def __init__(self, path: Path, line: int, reason: str):
        super().__init__(path, line, reason)
        self.reason = reason

    def __str__(self) -> str:
        return "{}, line {}: {}".format(*self.args)


class CorpusFile:
    """A file being read from its beginning to its end.

    Args:
        path: the file.
        on_bad: called with a line and what is wrong there; raises, or counts what is left out.

    Attributes:
        line: the number of the line that was read last.
    """

    def __init__(self, path: Path, on_bad: Callable[[int, str], None]):
        self.path = path
        self.line = 0
        self._on_bad = on_bad
        self._raw = path.open("rb")
        if not self._raw.seekable():
            self._raw = _copied(self._raw)
        zipped = self._raw.peek(2)[:2] == _GZIP
        self._bytes = gzip.GzipFile(fileobj=self._raw) if zipped else self._raw

    def __enter__(self) -> "CorpusFile":
        return self

    def __exit__(self, *_) -> None:
        self._bytes.close()
        self._raw.close()

    @property
    def position(self) -> int:
        """How many bytes of the file, as it lies on the disk, have been read."""
        return self._raw.tell()

    def head(self, size: int) -> bytes:
        """Its first bytes, without a byte order mark; reading goes on from the beginning."""
        try:
            head = self._bytes.read1(size)
            # One read of a gzip file may give less than there is.
            while len(head) < size and (more := self._bytes.read1(size - len(head))):
                head += more
        except (OSError, EOFError, zlib.error):
            # Damage is reported where the reading comes upon it.
            head = b""
        self._bytes.seek(0)
        return head.removeprefix(_BYTE_ORDER_MARK)

    def pieces(self, size: int) -> Iterator[bytes]:
        """All that is in it, in pieces that end with a line, or at a size within one."""
        within = False
        while True:
            try:
                piece = self._bytes.readline(size)
            except (OSError, EOFError, zlib.error) as error:
                self.line += not within
                self.bad(f"the file is damaged and ends here; {error}")
                return
            if not piece:
                return
            if not within:
                self.line += 1
            if self.line == 1 and not within:
                piece = piece.removeprefix(_BYTE_ORDER_MARK)
            within = not piece.endswith(b"\n")
            yield piece

    def lines(self) -> Iterator[bytes]:
        r"""Its lines, which may end with \n, \r\n or, within a line, \r."""
        size = LONGEST_LINE
        is_rest = False
        for piece in self.pieces(size):
            ends = piece.endswith(b"\n")
            if is_rest:
                is_rest = not ends
            elif len(piece) >= size and not ends:
                is_rest = True
                self.bad(f"a line of over {size >> 20} MB; expected far shorter ones")
            else:
                yield from piece.rstrip(b"\r\n").split(b"\r")

    def bad(self, reason: str, line: int | None = None) -> None:
        """Reports that a line cannot be read, the current one if no other is named."""
        self._on_bad(self.line if line is None else line, reason)


def _copied(pipe: BinaryIO) -> BinaryIO:
    """A file of what comes out of a pipe, which can be read only once, and not from its begin."""
    with pipe:
        # The reader closes it, which removes it.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        shutil.copyfileobj(pipe, file)
    file.seek(0)
    return file


def decode(raw: bytes) -> str:
    """The text of a line.

    Raises:
        ValueError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not UTF-8; byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        ) from None
