"""Runs scripts one after another, each in a process that was forked from this one.

The modules that all scripts import take seconds to load, and are imported here once. A line of
standard input is a request as JSON: the command, the files for standard input, output and errors,
the closed streams, the working folder and the environment. The response has two lines: the id of
the process, and the exit status. The script runs last in its process, as if Python had been
started with it, except that the process of a script that has finished does not free its modules,
which takes half a second.
"""

import atexit
import contextlib
import importlib
import json
import os
import runpy
import sys
import threading
from pathlib import Path

for name in (
    "cli.main",
    "evaluation.evaluate",
    "serving.saved_model.export",
    "data.preprocessing.prepare",
    "training.api",
):
    importlib.import_module(f"attention_seq2seq.{name}")


def fork_and_redirect(request) -> bool:
    """Forks. Returns True in the child; the parent writes the response."""
    response_fd = os.dup(1)
    process = os.fork()
    if process:
        os.write(response_fd, f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        os.write(response_fd, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(response_fd)
        return False
    os.close(response_fd)
    if request["new_session"]:
        os.setsid()
    for descriptor, (name, mode) in enumerate(
        zip(request["files"], (os.O_RDONLY, *[os.O_WRONLY] * 2))
    ):
        os.dup2(os.open(name, mode), descriptor)
    for descriptor in request["closed"]:
        os.close(descriptor)
        setattr(sys, ("stdin", "stdout", "stderr")[descriptor], None)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    return True


def main():
    # sys.stdin would read ahead.
    with os.fdopen(os.dup(0), encoding="utf-8") as requests:
        for line in requests:
            request = json.loads(line)
            if fork_and_redirect(request):
                break
        else:
            return
    try:
        run_command(request["command"], request["folder"])
        status = 0
    except SystemExit as script_exit:
        status = script_exit.code or 0
        if isinstance(status, str):
            print(status, file=sys.stderr)
            status = 1
    exit_quickly(status)
    sys.exit(status)


def run_command(command: list[str], folder: str) -> None:
    """Runs a script or, after -m, a module."""
    sys.argv = command
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        sys.path[0] = folder
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


def exit_quickly(status: int) -> None:
    """Exits as Python does, without freeing the modules.

    Returns if a stream cannot be flushed, for Python to report it.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
