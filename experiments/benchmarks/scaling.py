"""Scaling of distributed training: measured for two workers, estimated for eight."""

import json
import os
import socket
import subprocess
from pathlib import Path

from experiments.benchmarks.baselines import common
from experiments.benchmarks.worker import worker_command, worker_environment

# Settings of the estimate.
MACHINES = 8
NETWORKS = {"1 Gbit/s": 1e9 / 8, "10 Gbit/s": 1e10 / 8}
VOCABULARY_SIZES = (8000, 100_000)


def print_table(directory: Path, units: int) -> list[dict]:
    """Prints measured times of one and two workers, and estimates for more machines.

    Returns:
        A row for each measurement and each estimate.
    """
    if common.num_threads() < 2:
        raise ValueError("two workers need two cores; there is one.")
    single, rows = run_workers(directory, units, batch_size=64, workers=1), []
    print(f"{units} units, {VOCABULARY_SIZES[0]:,} tokens, float32, one core per worker\n")
    print(f"{'workers':>8}{'batch':>7}{'pairs/s':>9}{'to one':>8}{'ms/step':>9}", end="")
    print(f"{'exchange':>10}{'of the step':>13}")
    for workers, batch_size in ((1, 64), (1, 128), (2, 64), (2, 128)):
        result = single
        if (workers, batch_size) != (1, 64):
            result = run_workers(directory, units, batch_size, workers)
        row = {
            "table": "measured",
            "workers": workers,
            "batch": batch_size,
            "pairs_per_second": result["pairs"],
            "speedup": result["pairs"] / single["pairs"],
            "ms": 1000 * result["seconds"],
            "exchange_ms": 1000 * result["exchange"],
            "exchange_fraction": result["exchange"] / result["seconds"],
        }
        rows.append(row)
        print(
            f"{workers:>8}{batch_size:>7}{row['pairs_per_second']:>9,.0f}{row['speedup']:>8.2f}"
            f"{row['ms']:>9.0f}{row['exchange_ms']:>10.1f}{row['exchange_fraction']:>13.1%}",
            flush=True,
        )
    print(f"\nestimate for {MACHINES} machines with one such core and 64 pairs each: step time")
    print("of one machine plus bytes sent divided by the bandwidth\n")
    print(f"{'tokens':>8}  {'embeddings':12}{'MB sent':>9}", end="")
    print("".join(f"{name:>12}{'speed-up':>10}" for name in NETWORKS))
    for vocabulary_size in VOCABULARY_SIZES:
        single_step = run_workers(
            directory, units, 64, 1, f"--vocabulary_size={vocabulary_size}", "--single_worker"
        )
        for kind, dense, sparse in (
            ("as rows", single_step["dense"], single_step["sparse"]),
            ("as tables", single_step["dense"] + single_step["tables"], 0),
        ):
            num_bytes = bytes_exchanged(dense, sparse, MACHINES)
            print(f"{vocabulary_size:>8,}  {kind:12}{num_bytes / 1e6:>9.1f}", end="")
            row = {"table": "estimate", "vocabulary_size": vocabulary_size, "gradients": kind}
            rows.append(row | {"megabytes": num_bytes / 1e6})
            for name, speed in NETWORKS.items():
                seconds = single_step["seconds"] + num_bytes / speed
                speedup = MACHINES * single_step["seconds"] / seconds
                print(f"{1000 * seconds:>9.0f} ms{speedup:>10.2f}", end="")
                rows[-1][name] = {"ms": 1000 * seconds, "speedup": speedup}
            print(flush=True)
    return rows


def run_workers(directory: Path, units: int, batch_size: int, workers: int, *flags: str) -> dict:
    """Runs workers and returns the measurements of the first one.

    Raises:
        ValueError: a worker failed.
    """
    cores, addresses = sorted(os.sched_getaffinity(0)), free_addresses(workers)
    processes = []
    for index in range(workers):
        environment = {**worker_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if workers > 1:
            task = {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        command = worker_command(
            "scaling_worker",
            f"--corpus_dir={directory.resolve()}",
            f"--core={cores[index]}",
            f"--units={units}",
            f"--vocabulary_size={VOCABULARY_SIZES[0]}",
            f"--batch_size={batch_size}",
            *flags,
        )
        processes.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise ValueError("training failed:\n" + "\n".join(out[-2000:] for out in outputs))
    return json.loads(outputs[0].splitlines()[-1])


def free_addresses(num_addresses: int) -> list[str]:
    """Returns unused local addresses."""
    sockets = [socket.socket() for _ in range(num_addresses)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{sock.getsockname()[1]}" for sock in sockets]
    for sock in sockets:
        sock.close()
    return addresses


def bytes_exchanged(dense: float, sparse: float, num_machines: int) -> float:
    """Returns the bytes that each machine sends in a step, so that all have the sums.

    Dense gradients are summed by a ring all-reduce, which sends each part twice: to add it, and to
    distribute the sum. The embedding rows of a machine are sent to all other machines.

    Args:
        dense: size of all dense gradients [bytes].
        sparse: size of the embedding rows of a machine, with their indices [bytes].
        num_machines: number of machines.

    Source:
        Patarasuk and Yuan: Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations,
        2009.

    Example:
        >>> bytes_exchanged(dense=8e6, sparse=1e6, num_machines=2)
        9000000.0
    """
    return 2 * (num_machines - 1) / num_machines * dense + (num_machines - 1) * sparse
