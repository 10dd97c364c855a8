"""Suppresses the output of native code on standard error."""

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def suppress_stderr() -> Iterator[None]:
    """Discards all output of this process to standard error within the block."""
    saved_stderr, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    try:
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(devnull)
        os.close(saved_stderr)


def import_tensorflow():
    """Imports TensorFlow without its startup messages.

    Version 2.21 writes them at any log level.

    Returns:
        The module.
    """
    with suppress_stderr():
        import tensorflow
    return tensorflow
