"""Runs scripts one after another, each in a process that was forked from this one.

What every script imports first takes seconds, and is imported here once. A line of standard input
is a request as JSON: the script with its arguments, the files that stand for its standard input,
output and errors, which of these are closed, its working folder and environment; the answer is a
line with its status. The script runs as the end of its process, as if Python had been started with
it.
"""

import importlib
import json
import os
import runpy
import sys
from pathlib import Path

for name in (
    *("evaluation.evaluate", "serving.saved_model.export"),
    *("data.preprocessing.prepare", "training.api"),
):
    importlib.import_module(f"attention_seq2seq.{name}")


def forked(request) -> bool:
    """Whether this is the new process; the old one answers when the new one has ended."""
    answers = os.dup(1)
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(answers)
        return False
    os.close(answers)
    for number, (name, mode) in enumerate(zip(request["files"], (os.O_RDONLY, *[os.O_WRONLY] * 2))):
        os.dup2(os.open(name, mode), number)
    for number in request["closed"]:
        os.close(number)
        setattr(sys, ("stdin", "stdout", "stderr")[number], None)
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    return True


def main():
    # Not sys.stdin, which would have read ahead what belongs to nobody.
    with os.fdopen(os.dup(0), encoding="utf-8") as requests:
        for line in requests:
            request = json.loads(line)
            if forked(request):
                break
        else:
            return
    sys.argv = request["command"]
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        sys.path[0] = request["folder"]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
