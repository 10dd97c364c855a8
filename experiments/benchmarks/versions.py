"""Speed and memory of this Python's TensorFlow compared with those of another Python."""

import json
import statistics
import subprocess
import sys

from experiments.benchmarks.worker import worker_command, worker_environment

COSTS = {
    "step_ms": "update, CPU ms",
    "reply_ms": "reply, CPU ms",
    "megabytes": "peak memory, MB",
}


def print_table(second_python: str, repeats: int) -> list[dict]:
    """Runs both versions in turn, `repeats` times, and prints medians and ratios.

    Args:
        second_python: interpreter with this package and another TensorFlow.
        repeats: number of runs of each version.

    Returns:
        A row for each version.
    """
    pythons = [sys.executable, second_python]
    runs = [[], []]
    for repeat in range(repeats):
        for python, costs in zip(pythons, runs):
            costs.append(run_worker(python))
            print(f"  {repeat + 1}. {costs[-1]}", file=sys.stderr, flush=True)
    rows = []
    for costs in runs:
        medians = {name: statistics.median(run[name] for run in costs) for name in COSTS}
        versions = {name: costs[0][name] for name in ("tensorflow", "keras")}
        rows.append(versions | medians)
    print(f"{'':20}" + "".join(f"{row['tensorflow']:>10}" for row in rows) + f"{'ratio':>8}")
    for name, title in COSTS.items():
        baseline, candidate = (row[name] for row in rows)
        print(f"{title:20}{baseline:>10,.1f}{candidate:>10,.1f}{candidate / baseline:>8.2f}")
    return rows


def run_worker(python: str) -> dict:
    """Returns the versions and the costs that a worker prints as JSON."""
    _, *arguments = worker_command("versions_worker")
    environment = worker_environment() | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    # CPU times of several threads include their waiting for each other.
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    result = subprocess.run(
        [python, *arguments], capture_output=True, text=True, env=environment | threads
    )
    if result.returncode:
        raise ValueError(f"{python} failed:\n{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])
