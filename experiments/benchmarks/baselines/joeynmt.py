"""Trains the same model with Joey NMT; its bidirectional encoder has half the units."""

import json
import re
from itertools import pairwise
from pathlib import Path

from experiments.benchmarks.baselines.common import (
    LOG_INTERVAL,
    TrainingSpeed,
    average_speed,
    run_process,
)


def train(
    baselines_dir: Path,
    directory: Path,
    units: int,
    max_length: int,
    first_step: int,
    last_step: int,
) -> TrainingSpeed:
    """Trains Joey NMT up to `last_step`; returns the speed after `first_step`."""
    side_config = {
        "level": "word",
        "max_length": max_length,
        "lowercase": False,
        "voc_file": "vocabulary.joey",
    }
    rnn_config = {"type": "recurrent", "rnn_type": "lstm", "num_layers": 1, "dropout": 0.0}
    rnn_config["embeddings"] = {"embedding_dim": units, "scale": False}
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
            "src": {"lang": "src", **side_config},
            "trg": {"lang": "tgt", **side_config},
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
            "updates": last_step,
            "validation_freq": 10**6,
            "logging_freq": LOG_INTERVAL,
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
            "encoder": {**rnn_config, "hidden_size": units // 2, "bidirectional": True},
            "decoder": {
                **rnn_config,
                "hidden_size": units,
                "hidden_dropout": 0.0,
                "input_feeding": True,
                "init_hidden": "zero",
                "attention": "luong",
            },
        },
    }
    (directory / "joey.yaml").write_text(json.dumps(config))
    program = str(baselines_dir.resolve() / "joey" / "bin" / "python")
    command = [program, "-m", "joeynmt", "train", "joey.yaml", "--skip-test"]
    log, megabytes = run_process(command, directory)
    rates = parse_rates(log, first_step)
    return average_speed(
        "Joey NMT", log, rates, (last_step - first_step) // LOG_INTERVAL, megabytes
    )


def parse_rates(log: str, first_step: int) -> list[tuple[float, int]]:
    """Returns steps and target tokens per second of each log line after `first_step`."""
    pattern = r"(\d\d:\d\d:\d\d),(\d+) .*Step: +(\d+),.*Tokens per Sec: +(\d+)"
    lines = [
        (int(step), int(num_tokens), parse_clock(clock_time) + int(milliseconds) / 1000)
        for clock_time, milliseconds, step, num_tokens in re.findall(pattern, log)
    ]
    return [
        (LOG_INTERVAL / (end_time - start_time), num_tokens)
        for (_, _, start_time), (step, num_tokens, end_time) in pairwise(lines)
        if step > first_step
    ]


def parse_clock(text: str) -> int:
    """Returns the seconds since midnight."""
    hours, minutes, seconds = map(int, text.split(":"))
    return 3600 * hours + 60 * minutes + seconds
