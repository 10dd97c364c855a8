"""Runs scripts like a user."""

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[2]
_SECONDS = 300


def run_script(name, *arguments, text="", closed=(), cwd=ROOT, **environment):
    """Runs a script without a terminal.

    Args:
        name: script, for example "train", or module, for example "studies.reversal".
        *arguments: command-line arguments.
        text: standard input.
        closed: descriptors of closed standard streams.
        cwd: working folder.
        **environment: additional environment variables.
    """
    command = [*_target(name), *map(str, arguments)]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / stream for stream in ("in", "out", "errors")]
        files[0].write_bytes(text if isinstance(text, bytes) else text.encode())
        for path in files[1:]:
            path.touch()
        request = {"command": command, "files": [*map(str, files)], "closed": closed}
        status = _request_run({**request, "folder": str(cwd), "environment": environment})
        output, errors = (path.read_text(encoding="utf-8") for path in files[1:])
    return subprocess.CompletedProcess(command, status, output, errors)


def _target(name) -> list[str]:
    """Returns the arguments of Python: the path of a script, or -m and a module."""
    path = ROOT / "experiments" / f"{name}.py"
    return [str(path)] if path.is_file() else ["-m", f"experiments.{name}"]


def _request_run(request) -> int:
    process = _fork_server()
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], _SECONDS)
    if not ready:
        process.kill()
        _fork_server.cache_clear()
        raise TimeoutError(f"{request['command']} has run for {_SECONDS} seconds.")
    return int(process.stdout.readline())


@functools.cache
def _fork_server():
    """Returns the process of `fork_server`, which ends with the tests."""
    # Scripts share the number of threads with the tests, and no other settings.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_C", "PYTEST"))}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
        cwd=ROOT,
    )
    # The server exits at the end of its input.
    atexit.register(process.communicate)
    return process


def spawn_on_terminal(name, *arguments):
    """Starts a script on a pseudo-terminal of 80 columns."""
    command = [*_target(name), *map(str, arguments)]
    return pexpect.spawn(
        sys.executable, command, cwd=ROOT, dimensions=(24, 80), encoding="utf-8", timeout=120
    )
