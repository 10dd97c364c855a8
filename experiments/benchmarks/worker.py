"""Commands and environment of worker processes."""

import os
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def worker_command(name: str, *flags: str) -> list[str]:
    """Returns the command of a worker.

    Args:
        name: module of this package, for example "training_worker".
        *flags: flags of the worker.
    """
    return [sys.executable, "-m", f"{__package__}.{name}", *flags]


def worker_environment() -> dict[str, str]:
    """Returns environment variables with which a worker runs in any directory."""
    paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
