"""Logging configuration of a command."""

import logging
import os
import shutil
import sys
import textwrap
from typing import TextIO

from tqdm import tqdm

from attention_seq2seq.cli.streams import redirect_to_devnull

# Must be set before TensorFlow is imported. Users of a command do not need its messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def configure_logging() -> None:
    """Sends info messages to standard output, and warnings to standard error."""
    logger = logging.getLogger("attention_seq2seq")
    info_handler, warning_handler = _TqdmHandler(sys.stdout), _TqdmHandler(sys.stderr)
    info_handler.addFilter(lambda record: record.levelno < logging.WARNING)
    warning_handler.setLevel(logging.WARNING)
    logger.handlers = [info_handler, warning_handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # Matplotlib logs that it builds its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def wrap_for_terminal(text: str, stream: TextIO) -> str:
    """Wraps lines to the width of the terminal, if they are written to a terminal.

    Words are not broken, so that paths and flags can be copied.

    Args:
        text: one or more lines.
        stream: the stream that the text will be written to.
    """
    if not stream.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


class _TqdmHandler(logging.StreamHandler):
    """Writes log lines above a progress bar, wrapped to the width of the terminal."""

    def emit(self, record):
        with tqdm.external_write_mode(self.stream):
            super().emit(record)

    def format(self, record):
        return wrap_for_terminal(super().format(record), self.stream)

    def handleError(self, record):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        redirect_to_devnull(self.stream)
        if not isinstance(error, BrokenPipeError) and self.stream is not sys.stderr:
            print(
                f"Cannot write to standard output ({error.strerror}). Further output is "
                "discarded; the command continues.",
                file=sys.stderr,
            )
