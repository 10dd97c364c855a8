"""Trains the same model with Joey NMT, whose encoder reads both ways: half of the units each."""

import json
import re
from itertools import pairwise
from pathlib import Path

from experiments.benchmarks.baselines.common import EVERY, Measured, measured, run


def train(peers: Path, folder: Path, units: int, longest: int, first: int, last: int) -> Measured:
    """Trains Joey NMT up to step `last`, and measures it from step `first` on."""
    side = {
        "level": "word",
        "max_length": longest,
        "lowercase": False,
        "voc_file": "vocabulary.joey",
    }
    recurrent = {"type": "recurrent", "rnn_type": "lstm", "num_layers": 1, "dropout": 0.0}
    recurrent["embeddings"] = {"embedding_dim": units, "scale": False}
    config = {
        "name": "chat",
        "joeynmt_version": "2.3.0",
        "model_dir": "joey_run",
        "use_cuda": False,
        "fp16": False,
        "random_seed": 42,
        "data": {
            "train": "train",
            "dev": "dev",
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "tgt", **side},
        },
        "testing": {"beam_size": 1, "batch_size": 64, "max_output_length": 20},
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.001,
            "scheduling": "exponential",
            "decrease_factor": 0.99,
            "clip_grad_norm": 5.0,
            "batch_size": 64,
            "batch_type": "sentence",
            "epochs": 1,
            "updates": last,
            "validation_freq": 10**6,
            "logging_freq": EVERY,
            "overwrite": True,
            "shuffle": True,
            "loss": "crossentropy",
            "normalization": "tokens",
            "num_workers": 0,
        },
        "model": {
            "initializer": "xavier_uniform",
            "embed_initializer": "normal",
            "embed_init_weight": 0.1,
            "encoder": {**recurrent, "hidden_size": units // 2, "bidirectional": True},
            "decoder": {
                **recurrent,
                "hidden_size": units,
                "hidden_dropout": 0.0,
                "input_feeding": True,
                "init_hidden": "zero",
                "attention": "luong",
            },
        },
    }
    (folder / "joey.yaml").write_text(json.dumps(config))
    program = str(peers.resolve() / "joey" / "bin" / "python")
    command = [program, "-m", "joeynmt", "train", "joey.yaml", "--skip-test"]
    log, megabytes = run(command, folder)
    found = rates(log, first)
    return measured("Joey NMT", log, found, (last - first) // EVERY, megabytes)


def rates(log: str, first: int) -> list[tuple[float, int]]:
    """As for OpenNMT-tf; the log has times of day."""
    pattern = r"(\d\d:\d\d:\d\d),(\d+) .*Step: +(\d+),.*Tokens per Sec: +(\d+)"
    lines = [
        (int(step), int(words), clock(at) + int(part) / 1000)
        for at, part, step, words in re.findall(pattern, log)
    ]
    return [
        (EVERY / (end - begin), words)
        for (_, _, begin), (step, words, end) in pairwise(lines)
        if step > first
    ]


def clock(text: str) -> int:
    """Seconds of a time of day."""
    hours, minutes, seconds = map(int, text.split(":"))
    return 3600 * hours + 60 * minutes + seconds
