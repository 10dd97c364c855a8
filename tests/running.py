"""Runs the scripts as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[1]


def script(name, *arguments, text=""):
    """Runs a script without a terminal, in the environment of a user."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "PYTEST"))}
    return subprocess.run(
        [sys.executable, ROOT / "experiments" / f"{name}.py", *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        cwd=ROOT,
    )


def on_a_terminal(name, *arguments):
    """Starts a script on a pseudo-terminal of 80 columns."""
    command = [str(ROOT / "experiments" / f"{name}.py"), *map(str, arguments)]
    return pexpect.spawn(
        sys.executable, command, cwd=ROOT, dimensions=(24, 80), encoding="utf-8", timeout=120
    )
