"""Configures the standard streams of a command: UTF-8, closed streams, broken pipes."""

import io
import os
import sys


def open_missing_streams() -> None:
    """Opens standard streams that were closed at startup, as by `>&-`, on the null device.

    Otherwise a file opened later gets the descriptor of a closed stream and receives its text.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def configure_streams(is_filter: bool) -> None:
    """Sets the encoding of the standard streams to UTF-8.

    Args:
        is_filter: whether the command ends when the reader of its output exits, as in
            `... | head`. Other commands discard their output and continue.
    """
    # Keeps invalid bytes recognizable.
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    if not is_filter:
        buffering = {
            "line_buffering": sys.stdout.line_buffering,
            "write_through": sys.stdout.write_through,
        }
        sys.stdout = _PipeTolerantWriter(
            sys.stdout.detach(), encoding="utf-8", errors="replace", **buffering
        )


def ensure_utf8_mode() -> None:
    """Restarts Python in UTF-8 mode if the locale has another encoding for file names."""
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def redirect_to_devnull(stream) -> None:
    """Discards the buffered and all further output of a stream."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


class _PipeTolerantWriter(io.TextIOWrapper):
    """Standard output that discards its text after the reader has exited."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            redirect_to_devnull(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            redirect_to_devnull(self)
