"""Runs modules of this package in processes of their own."""

import os
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def worker_command(name: str, *flags: str) -> list[str]:
    """Returns the command of a worker.

    Args:
        name: of the module, for example "training_worker".
        *flags: of the worker.
    """
    return [sys.executable, "-m", f"{__package__}.{name}", *flags]


def worker_environment() -> dict[str, str]:
    """Returns the environment variables with which a worker runs in any folder."""
    paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
