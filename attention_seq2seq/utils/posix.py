"""Features of POSIX systems, with a fallback where the system lacks them, as on Windows."""

import contextlib
import errno
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:
    fcntl = None


def try_lock(file: IO) -> bool:
    """Locks an open file against other processes, until the file is closed.

    Returns:
        Whether the file is locked now; False if another process has locked it.

    Raises:
        OSError: the system or the file system does not support locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOTSUP, "this system has no file locks")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def sync_directory(directory: Path) -> None:
    """Writes the entries of a directory to disk, so that a rename survives a power failure."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    directory_fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)


def is_private(directory: Path) -> bool:
    """Returns whether only this user can write to a directory.

    On systems without user ids, only checks that this user can write to it.
    """
    if hasattr(os, "getuid"):
        status = directory.stat()
        if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return False
    return os.access(directory, os.W_OK)


@contextlib.contextmanager
def blocked_interrupts() -> Iterator[None]:
    """Delays Ctrl-C until the end of the block, if the system can block signals.

    Processes started within the block ignore Ctrl-C, which is meant for their parent.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)
