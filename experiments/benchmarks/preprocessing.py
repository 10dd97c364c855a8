"""Speed of prepare.py compared with jieba alone, and its memory."""

import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import jieba

from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.utils.parallel import available_cpus

SEED = 1
MODEL = ("--units=32", "--epochs=1", "--patience=0")
TEXT = ("--vocabulary_size=8000", "--validation_fraction=0.001")


def print_times(paths: Sequence[str], num_pairs: int, directory: Path) -> list[dict]:
    """Prepares sampled pairs, trains on them, and prints times and memory.

    Args:
        paths: corpus files.
        num_pairs: number of sampled pairs. A number at the end of each prompt makes it unique.
        directory: directory of the corpus, the prepared dataset and the model.

    Returns:
        One row.
    """
    corpus, prepared = directory / "corpus.tsv", directory / "prepared"
    write_sample(paths, num_pairs, corpus)
    cores = available_cpus()
    size = corpus.stat().st_size / 1e6
    print(f"{num_pairs:,} pairs, {size:.0f} MB, {cores} processes\n", flush=True)
    jieba_rate = num_pairs / time_jieba(corpus, num_pairs, cores)
    print(f"jieba.lcut alone, pairs/s                    {jieba_rate:>10,.0f}", flush=True)
    data = f"--data={corpus}"
    seconds, prepare_megabytes = run_script("prepare", data, f"--prepared_dir={prepared}", *TEXT)
    rate = num_pairs / seconds
    print(f"prepare.py, pairs/s                          {rate:>10,.0f}")
    print(f"prepare.py / jieba.lcut                      {rate / jieba_rate:>10.2f}")
    print(f"prepare.py, memory of its largest process, MB{prepare_megabytes:>10,.0f}", flush=True)
    shard_megabytes = sum(file.stat().st_size for file in prepared.glob("*.tfrecord")) / 1e6
    print(f"shards, MB                                   {shard_megabytes:>10,.0f}", flush=True)
    seconds, megabytes = run_script(
        "train", f"--data={prepared}", f"--model_dir={directory / 'model'}", *MODEL
    )
    print(f"train.py, one epoch [s]                      {seconds:>10,.0f}")
    print(f"train.py, memory, MB                         {megabytes:>10,.0f}")
    return [
        {
            "pairs": num_pairs,
            "cores": cores,
            "jieba_pairs_per_second": jieba_rate,
            "prepare_pairs_per_second": rate,
            "ratio": rate / jieba_rate,
            "prepare_megabytes": prepare_megabytes,
            "shard_megabytes": shard_megabytes,
            "train_seconds": seconds,
            "train_megabytes": megabytes,
        }
    ]


def write_sample(paths: Sequence[str], num_pairs: int, corpus: Path) -> None:
    """Writes randomly sampled pairs, made unique by their numbers."""
    pairs, _ = read_pairs(paths)
    rng = random.Random(SEED)
    with corpus.open("w", encoding="utf-8") as file:
        for index in range(num_pairs):
            pair = rng.choice(pairs)
            file.write(f"{pair.prompt}{index}\t{pair.reply}\n")


def time_jieba(corpus: Path, num_pairs: int, num_processes: int) -> float:
    """Returns the seconds in which several processes segment all texts with jieba."""
    pairs_per_process = -(-num_pairs // num_processes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_processes, spawn) as pool:
        times = pool.map(
            time_jieba_worker,
            [corpus] * num_processes,
            [index * pairs_per_process for index in range(num_processes)],
            [pairs_per_process] * num_processes,
        )
        return max(times)


def time_jieba_worker(corpus: Path, start: int, num_pairs: int) -> float:
    """Returns the seconds in which one process segments its lines."""
    with corpus.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in islice(file, start, start + num_pairs)]
    tokenize = jieba.lcut
    tokenize("")
    start_time = time.perf_counter()
    for prompt, reply in lines:
        tokenize(prompt)
        tokenize(reply)
    return time.perf_counter() - start_time


def run_script(name: str, *arguments: str) -> tuple[float, float]:
    """Runs a script; returns its seconds, and the peak memory of its largest process [MB].

    Raises:
        ValueError: The script failed.
    """
    script = str(Path(__file__).parents[1] / f"{name}.py")
    start_time = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, script, *arguments], stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"{name}.py failed.")
    return time.perf_counter() - start_time, usage.ru_maxrss / 1e3
