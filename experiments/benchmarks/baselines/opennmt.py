"""Trains the same model with OpenNMT-tf."""

import json
import re
import shutil
from pathlib import Path

from experiments.benchmarks.baselines.common import EVERY, Measured, measured, run

_MODEL = """
import opennmt
import tensorflow as tf
import tensorflow_addons as tfa

UNITS = {units}


def rnn(cls, **others):
    return cls(
        num_layers=1,
        num_units=UNITS,
        dropout=0.0,
        residual_connections=False,
        cell_class=tf.keras.layers.LSTMCell,
        **others,
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


def train(peers: Path, folder: Path, units: int, longest: int, first: int, last: int) -> Measured:
    """Trains OpenNMT-tf up to step `last`, and measures it from step `first` on."""
    command = command_of(peers, folder, units, longest, last)
    log, megabytes = run([*command, "train"], folder)
    found = rates(log, first)
    return measured("OpenNMT-tf", log, found, (last - first) // EVERY, megabytes)


def rates(log: str, first: int) -> list[tuple[float, int]]:
    """Steps and target words a second, of each line of a log after step `first`."""
    found = re.findall(r"Step = (\d+) ; steps/s = ([\d.]+),.*?(\d+) target\)", log)
    return [(float(steps), int(words)) for step, steps, words in found if int(step) > first]


def command_of(
    peers: Path, folder: Path, units: int, longest: int, last: int, every: int = 10**6
) -> list[str]:
    """Writes what OpenNMT-tf is to do into the folder, and says how it is started.

    Args:
        peers: where its environment is.
        folder: with train.src, train.tgt, dev.src, dev.tgt and its vocabulary.
        units: width of the model.
        longest: words of a side.
        last: the step to end with.
        every: steps between two checkpoints.
    """
    shutil.rmtree(folder / "opennmt_run", ignore_errors=True)
    (folder / "opennmt_model.py").write_text(_MODEL.format(units=units))
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
            "max_step": last,
            "save_summary_steps": EVERY,
            "save_checkpoints_steps": every,
            "maximum_features_length": longest,
            "maximum_labels_length": longest,
            "length_bucket_width": 2,
            "sample_buffer_size": 40000,
            "average_last_checkpoints": 0,
        },
    }
    (folder / "opennmt.yml").write_text(json.dumps(config))
    program = str(peers.resolve() / "opennmt" / "bin" / "onmt-main")
    return [program, "--model", "opennmt_model.py", "--config", "opennmt.yml"]


def perplexity_after(
    peers: Path, folder: Path, units: int, longest: int, minutes: float
) -> tuple[float, int]:
    """What OpenNMT-tf comes to in some minutes: its perplexity on dev, and after how many steps.

    It saves every hundred steps; what it did after the last of them is lost, in the same minutes.
    """
    command = command_of(peers, folder, units, longest, last=10**6, every=100)
    run([*command, "train"], folder, 60 * minutes)
    log, _ = run([*command, "eval"], folder)
    found = re.search(r"step.*?(\d+).*?perplexity = ([\d.]+)", log)
    if not found:
        raise ValueError(f"OpenNMT-tf gave no perplexity; it ended with:\n{log[-2000:]}")
    return float(found[2]), int(found[1])
