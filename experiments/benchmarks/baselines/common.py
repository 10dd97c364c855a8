"""Shared by the baselines of other systems, each in a virtual environment.

Commands that install them below a directory WORK:

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

# Steps between two log lines.
LOG_INTERVAL = 50


class TrainingSpeed(NamedTuple):
    """Speed and memory of a training run.

    Attributes:
        tokens_per_second: target tokens per second, EOS included.
        seconds_per_step: mean seconds of a step.
        megabytes: peak memory [MB].
    """

    tokens_per_second: float
    seconds_per_step: float
    megabytes: float


def write_vocabularies(tokens: list[str], directory: Path) -> None:
    """Writes the vocabulary of each system: its special tokens, then the same tokens."""
    for name, special in (
        ("opennmt", ["<blank>", "<s>", "</s>"]),
        ("joey", ["<unk>", "<pad>", "<s>", "</s>"]),
    ):
        text = "\n".join([*special, *tokens]) + "\n"
        (directory / f"vocabulary.{name}").write_text(text, encoding="utf-8")


def average_speed(name: str, log: str, rates, expected: int, megabytes: float) -> TrainingSpeed:
    """Averages the rates of log lines that cover equal numbers of steps.

    Raises:
        ValueError: The number of lines is not the expected one.
    """
    if len(rates) != expected:
        raise ValueError(f"{name} stopped early. Last output:\n{log[-2000:]}")
    times = [LOG_INTERVAL / steps for steps, _ in rates]
    tokens = sum(tokens * time for time, (_, tokens) in zip(times, rates))
    return TrainingSpeed(tokens / sum(times), statistics.mean(times) / LOG_INTERVAL, megabytes)


def num_threads() -> int:
    """Returns the number of threads of each system, one per available core."""
    return len(os.sched_getaffinity(0))


def run_process(
    command: list[str],
    directory: Path,
    seconds: float | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[str, float]:
    """Runs a command; returns its output and its peak memory [MB].

    The reported peak includes that of the parent at the fork, so the parent must stay small.

    Args:
        command: command and arguments.
        directory: working directory.
        seconds: timeout after which the process is terminated, or None.
        environment: environment variables; by default those of this process.
    """
    thread_variables = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"
    environment = {
        **(environment or os.environ),
        **dict.fromkeys(thread_variables, str(num_threads())),
    }
    log = directory / "log"
    with log.open("w") as log_file:
        child = subprocess.Popen(
            command, cwd=directory, stdout=log_file, stderr=subprocess.STDOUT, env=environment
        )
        try:
            usage = wait_for(child.pid, seconds)
        except BaseException:
            os.kill(child.pid, signal.SIGKILL)
            raise
        # Without a return code, Popen would wait for the process again.
        child.returncode = 0
    return log.read_text(encoding="utf-8", errors="replace"), usage.ru_maxrss / 1e3


def wait_for(pid: int, seconds: float | None):
    """Waits for a process, terminates it after `seconds`, and returns its resource usage."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is not None and time.monotonic() < deadline:
        finished_pid, _, usage = os.wait4(pid, os.WNOHANG)
        if finished_pid:
            return usage
        time.sleep(0.1)
    if deadline is not None:
        os.kill(pid, signal.SIGTERM)
    return os.wait4(pid, 0)[2]
