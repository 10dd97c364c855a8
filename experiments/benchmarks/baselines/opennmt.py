"""Trains the same model with OpenNMT-tf."""

import json
import re
import shutil
from pathlib import Path

from experiments.benchmarks.baselines.common import (
    LOG_INTERVAL,
    TrainingSpeed,
    average_speed,
    run_process,
)

_MODEL = """
import opennmt
import tensorflow as tf
import tensorflow_addons as tfa

UNITS = {units}


def rnn(cls, **options):
    return cls(
        num_layers=1,
        num_units=UNITS,
        dropout=0.0,
        residual_connections=False,
        cell_class=tf.keras.layers.LSTMCell,
        **options,
    )


def model():
    source, target = (opennmt.inputters.WordEmbedder(embedding_size=UNITS) for _ in range(2))
    encoder = rnn(opennmt.encoders.RNNEncoder)
    decoder = rnn(
        opennmt.decoders.AttentionalRNNDecoder,
        bridge_class=opennmt.layers.ZeroBridge,
        attention_mechanism_class=tfa.seq2seq.LuongAttention,
    )
    return opennmt.models.SequenceToSequence(source, target, encoder, decoder)
"""


def train(
    baselines_dir: Path,
    directory: Path,
    units: int,
    max_length: int,
    first_step: int,
    last_step: int,
) -> TrainingSpeed:
    """Trains OpenNMT-tf up to `last_step`; returns the speed after `first_step`."""
    command = write_config(baselines_dir, directory, units, max_length, last_step)
    log, megabytes = run_process([*command, "train"], directory)
    rates = parse_rates(log, first_step)
    return average_speed(
        "OpenNMT-tf", log, rates, (last_step - first_step) // LOG_INTERVAL, megabytes
    )


def parse_rates(log: str, first_step: int) -> list[tuple[float, int]]:
    """Returns steps and target tokens per second of each log line after `first_step`."""
    lines = re.findall(r"Step = (\d+) ; steps/s = ([\d.]+),.*?(\d+) target\)", log)
    return [
        (float(steps), int(num_tokens))
        for step, steps, num_tokens in lines
        if int(step) > first_step
    ]


def write_config(
    baselines_dir: Path,
    directory: Path,
    units: int,
    max_length: int,
    last_step: int,
    checkpoint_interval: int = 10**6,
) -> list[str]:
    """Writes the config of OpenNMT-tf, and returns its command.

    Args:
        baselines_dir: directory with the environment of OpenNMT-tf.
        directory: directory with train.src, train.tgt, dev.src, dev.tgt and the vocabulary.
        units: width of the model.
        max_length: maximum length of prompts and replies [tokens].
        last_step: last step of training.
        checkpoint_interval: steps between two checkpoints.
    """
    shutil.rmtree(directory / "opennmt_run", ignore_errors=True)
    (directory / "opennmt_model.py").write_text(_MODEL.format(units=units))
    config = {
        "model_dir": "opennmt_run",
        "data": {
            "train_features_file": "train.src",
            "train_labels_file": "train.tgt",
            "eval_features_file": "dev.src",
            "eval_labels_file": "dev.tgt",
            "source_vocabulary": "vocabulary.opennmt",
            "target_vocabulary": "vocabulary.opennmt",
        },
        "params": {
            "optimizer": "Adam",
            "learning_rate": 0.001,
            "optimizer_params": {"clipnorm": 5.0},
        },
        "train": {
            "batch_size": 64,
            "batch_type": "examples",
            "effective_batch_size": None,
            "max_step": last_step,
            "save_summary_steps": LOG_INTERVAL,
            "save_checkpoints_steps": checkpoint_interval,
            "maximum_features_length": max_length,
            "maximum_labels_length": max_length,
            "length_bucket_width": 2,
            "sample_buffer_size": 40000,
            "average_last_checkpoints": 0,
        },
    }
    (directory / "opennmt.yml").write_text(json.dumps(config))
    program = str(baselines_dir.resolve() / "opennmt" / "bin" / "onmt-main")
    return [program, "--model", "opennmt_model.py", "--config", "opennmt.yml"]


def perplexity_after(
    baselines_dir: Path, directory: Path, units: int, max_length: int, minutes: float
) -> tuple[float, int]:
    """Trains OpenNMT-tf for some minutes; returns its perplexity on dev, and the steps.

    OpenNMT-tf saves a checkpoint every 100 steps. Steps after the last checkpoint are lost.
    """
    command = write_config(
        baselines_dir, directory, units, max_length, last_step=10**6, checkpoint_interval=100
    )
    run_process([*command, "train"], directory, 60 * minutes)
    log, _ = run_process([*command, "eval"], directory)
    match = re.search(r"step.*?(\d+).*?perplexity = ([\d.]+)", log)
    if not match:
        raise ValueError(f"OpenNMT-tf gave no perplexity; it ended with:\n{log[-2000:]}")
    return float(match[2]), int(match[1])
