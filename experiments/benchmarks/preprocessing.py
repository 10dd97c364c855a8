"""How fast a corpus is prepared, beside jieba alone, and how much memory it takes."""

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


def print_times(paths: Sequence[str], num_pairs: int, folder: Path) -> None:
    """Prepares pairs sampled from some corpora, trains on them, and prints what it took.

    Args:
        paths: corpus files.
        num_pairs: how many pairs are sampled; a number at the end of each prompt makes it unique.
        folder: for the corpus, what is prepared, and the model.
    """
    corpus, prepared = folder / "corpus.tsv", folder / "prepared"
    write_sample(paths, num_pairs, corpus)
    cores = available_cpus()
    size = corpus.stat().st_size / 1e6
    print(f"{num_pairs:,} pairs, {size:.0f} MB, {cores} processes\n", flush=True)
    alone = num_pairs / jieba_seconds(corpus, num_pairs, cores)
    print(f"jieba.lcut alone, pairs a second             {alone:>10,.0f}", flush=True)
    data = f"--data={corpus}"
    seconds, megabytes = run("prepare", data, f"--prepared_dir={prepared}", *TEXT)
    ours = num_pairs / seconds
    print(f"prepare.py, pairs a second                   {ours:>10,.0f}")
    print(f"prepare.py / jieba.lcut                      {ours / alone:>10.2f}")
    print(f"prepare.py, memory of its largest process, MB{megabytes:>10,.0f}", flush=True)
    written = sum(file.stat().st_size for file in prepared.glob("*.tfrecord")) / 1e6
    print(f"shards, MB                                   {written:>10,.0f}", flush=True)
    seconds, megabytes = run(
        "train", f"--data={prepared}", f"--model_dir={folder / 'model'}", *MODEL
    )
    print(f"train.py, an epoch, seconds                  {seconds:>10,.0f}")
    print(f"train.py, memory, MB                         {megabytes:>10,.0f}")


def write_sample(paths: Sequence[str], num_pairs: int, corpus: Path) -> None:
    """Pairs drawn with a seed, each with its number, so that no two are equal."""
    pairs, _ = read_pairs(paths)
    draw = random.Random(SEED)
    with corpus.open("w", encoding="utf-8") as file:
        for number in range(num_pairs):
            pair = draw.choice(pairs)
            file.write(f"{pair.prompt}{number}\t{pair.reply}\n")


def jieba_seconds(corpus: Path, num_pairs: int, num_processes: int) -> float:
    """How long so many processes take to cut all texts by jieba, and do nothing else."""
    share = -(-num_pairs // num_processes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(num_processes, spawn) as pool:
        times = pool.map(
            cutting_seconds,
            [corpus] * num_processes,
            [number * share for number in range(num_processes)],
            [share] * num_processes,
        )
        return max(times)


def cutting_seconds(corpus: Path, first: int, num_pairs: int) -> float:
    """The same of one process, for its share of the lines."""
    with corpus.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in islice(file, first, first + num_pairs)]
    cut = jieba.lcut
    cut("")
    begin = time.perf_counter()
    for prompt, reply in lines:
        cut(prompt)
        cut(reply)
    return time.perf_counter() - begin


def run(name: str, *arguments: str) -> tuple[float, float]:
    """Runs a script; the seconds it took, and the megabytes of its largest process.

    Raises:
        ValueError: it failed.
    """
    script = str(Path(__file__).parents[1] / f"{name}.py")
    begin = time.perf_counter()
    with subprocess.Popen([sys.executable, script, *arguments], stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise ValueError(f"{name}.py failed.")
    return time.perf_counter() - begin, usage.ru_maxrss / 1e3
