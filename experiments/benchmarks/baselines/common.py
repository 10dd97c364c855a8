"""What is the same for other systems, each in an environment of its own.

A folder for them is made so, once:

    python3.11 -m venv WORK/opennmt
    WORK/opennmt/bin/pip install "OpenNMT-tf[tensorflow]==2.32.0" "numpy<2" "setuptools<70"
    python3.11 -m venv WORK/joey
    WORK/joey/bin/pip install torch==2.13.0
    WORK/joey/bin/pip install joeynmt==2.3.0 "numpy<2" "pandas<3" importlib_metadata
"""

import os
import signal
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

# Steps between two lines of their logs.
LOG_INTERVAL = 50


class TrainingSpeed(NamedTuple):
    """What a training did.

    Attributes:
        tokens_per_second: target tokens, end of reply included.
        seconds_per_step: mean over the steps.
        megabytes: of memory, at most.
    """

    tokens_per_second: float
    seconds_per_step: float
    megabytes: float


def write_vocabularies(words: list[str], folder: Path) -> None:
    """Each its own special words, then the same words."""
    for name, special in (
        ("opennmt", ["<blank>", "<s>", "</s>"]),
        ("joey", ["<unk>", "<pad>", "<s>", "</s>"]),
    ):
        text = "\n".join([*special, *words]) + "\n"
        (folder / f"vocabulary.{name}").write_text(text, encoding="utf-8")


def average_speed(name: str, log: str, rates, expected: int, megabytes: float) -> TrainingSpeed:
    """The means over lines of a log: of steps and of words a second, for as many steps each.

    Raises:
        ValueError: there are not as many such lines as expected.
    """
    if len(rates) != expected:
        raise ValueError(f"{name} did not come as far as it should; it ended with:\n{log[-2000:]}")
    times = [LOG_INTERVAL / steps for steps, _ in rates]
    words = sum(words * time for time, (_, words) in zip(times, rates))
    return TrainingSpeed(words / sum(times), statistics.mean(times) / LOG_INTERVAL, megabytes)


def num_threads() -> int:
    """The threads that every system is given: as many as there are cores for this process."""
    return len(os.sched_getaffinity(0))


def run_process(
    command: list[str],
    folder: Path,
    seconds: float | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[str, float]:
    """Runs a command in a folder; what it printed, and the megabytes of memory it took.

    A process begins with the most memory that its parent ever had, so whoever measures must have
    had little.

    Args:
        command: with its arguments.
        folder: where it runs.
        seconds: after which it is ended; None: it ends by itself.
        environment: variables of the process; None: those of this one.
    """
    thread_variables = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"
    environment = {
        **(environment or os.environ),
        **dict.fromkeys(thread_variables, str(num_threads())),
    }
    log = folder / "log"
    with log.open("w") as output:
        child = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            usage = wait_for(child.pid, seconds)
        except BaseException:
            os.kill(child.pid, signal.SIGKILL)
            raise
        # What else would ask for it once more.
        child.returncode = 0
    return log.read_text(encoding="utf-8", errors="replace"), usage.ru_maxrss / 1e3


def wait_for(pid: int, seconds: float | None):
    """Waits for a process, and ends it after some seconds; what it used."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is not None and time.monotonic() < deadline:
        finished_pid, _, usage = os.wait4(pid, os.WNOHANG)
        if finished_pid:
            return usage
        time.sleep(0.1)
    if deadline is not None:
        os.kill(pid, signal.SIGTERM)
    return os.wait4(pid, 0)[2]
