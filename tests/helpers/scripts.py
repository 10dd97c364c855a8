"""Runs scripts like a user."""

import atexit
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[2]
# The last script that was started.
_unfinished_scripts = []


def run_script(
    name, *arguments, text="", stdin=None, stdout=None, closed=(), cwd=ROOT, **environment
):
    """Runs a script without a terminal.

    Args:
        name: script, for example "train", or module, for example "studies.reversal".
        *arguments: command-line arguments.
        text: standard input.
        stdin: file that is the standard input instead of `text`.
        stdout: file that is the standard output; the returned output is then empty.
        closed: descriptors of closed standard streams.
        cwd: working folder.
        **environment: additional environment variables.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = {"text": text, "stdin": stdin, "stdout": stdout, "closed": closed}
        script = start_script(Path(folder), name, *arguments, **streams, cwd=cwd, **environment)
        status = script.wait()
        return subprocess.CompletedProcess(arguments, status, script.output, script.errors)


class RunningScript:
    """A process of a script.

    Args:
        server: process of `fork_server`.
        output_path: file of standard output.
        errors_path: file of standard error.
    """

    def __init__(self, server, output_path: Path, errors_path: Path):
        self._server = server
        self._output_path = output_path
        self._errors_path = errors_path
        self.pid = int(server.stdout.readline())
        self.returncode = None

    @property
    def output(self) -> str:
        return self._output_path.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self._errors_path.read_text(encoding="utf-8")

    def poll(self, seconds: float = 0) -> int | None:
        """Returns the exit status, or None if the script still runs after `seconds`."""
        if self.returncode is None and select.select([self._server.stdout], [], [], seconds)[0]:
            self.returncode = int(self._server.stdout.readline())
        return self.returncode

    def wait(self, seconds: float = 300) -> int:
        """Returns the exit status.

        Raises:
            TimeoutError: the script still runs after `seconds`. The process is killed.
        """
        if self.poll(seconds) is None:
            self.kill()
            raise TimeoutError(f"A script has run for {seconds} seconds: {self.output}")
        return self.returncode

    def kill(self) -> None:
        """Kills the script if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.poll(seconds=60)

    def wait_for_line(self, start: str, seconds: float = 300) -> None:
        """Waits until a line of the output starts with `start`, or the script ends."""
        deadline = time.monotonic() + seconds
        while self.poll(0.01) is None and f"\n{start}" not in f"\n{self.output}":
            if time.monotonic() > deadline:
                self.wait(0)


def start_script(
    folder: Path,
    name,
    *arguments,
    text="",
    stdin=None,
    stdout=None,
    closed=(),
    cwd=ROOT,
    new_session=False,
    **environment,
) -> RunningScript:
    """Starts a script; only one script runs at a time.

    Args:
        folder: existing folder for the files of the standard streams.
        name: see `run_script`, like all other arguments.
        *arguments: command-line arguments.
        text: standard input.
        stdin: file that is the standard input.
        stdout: file that is the standard output.
        closed: descriptors of closed standard streams.
        cwd: working folder.
        new_session: whether the script leads a new session, and thereby a new process group.
        **environment: additional environment variables.
    """
    paths = [folder / stream for stream in ("stdin", "stdout", "stderr")]
    paths[0].write_bytes(text if isinstance(text, bytes) else text.encode())
    for path in paths[1:]:
        path.write_bytes(b"")
    request = {
        "command": [*_target(name), *map(str, arguments)],
        "files": [str(stdin or paths[0]), str(stdout or paths[1]), str(paths[2])],
        "closed": closed,
        "folder": str(cwd),
        "new_session": new_session,
        "environment": environment,
    }
    server = _fork_server()
    # A failed test may have left a script.
    for script in _unfinished_scripts:
        script.kill()
    server.stdin.write(json.dumps(request).encode() + b"\n")
    _unfinished_scripts[:] = [RunningScript(server, *paths[1:])]
    return _unfinished_scripts[0]


def _target(name) -> list[str]:
    """Returns the arguments of Python: the path of a script, or -m and a module."""
    path = ROOT / "experiments" / f"{name}.py"
    return [str(path)] if path.is_file() else ["-m", f"experiments.{name}"]


@functools.cache
def _fork_server():
    """Returns the process of `fork_server`, which ends with the tests."""
    # Scripts share the number of threads with the tests, and no other settings.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_C", "PYTEST"))}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Unbuffered, so that `select` sees every unread line.
        bufsize=0,
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
