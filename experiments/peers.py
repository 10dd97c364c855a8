"""Trains the same model with OpenNMT-tf and Joey NMT, each in an environment of its own.

A folder for them is made so, once:

    python3.11 -m venv WORK/opennmt
    WORK/opennmt/bin/pip install "OpenNMT-tf[tensorflow]==2.32.0" "numpy<2" "setuptools<70"
    python3.11 -m venv WORK/joey
    WORK/joey/bin/pip install torch==2.13.0
    WORK/joey/bin/pip install joeynmt==2.3.0 "numpy<2" "pandas<3" importlib_metadata
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

# Steps between two lines of their logs.
EVERY = 50

_OPENNMT_MODEL = """
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


class Measured(NamedTuple):
    """What a training did.

    Attributes:
        words: target tokens a second, end of reply included.
        seconds: of a step.
        megabytes: of memory, at most.
    """

    words: float
    seconds: float
    megabytes: float


def write_vocabularies(words: list[str], folder: Path) -> None:
    """Each its own special words, then the same words."""
    for name, special in (
        ("opennmt", ["<blank>", "<s>", "</s>"]),
        ("joey", ["<unk>", "<pad>", "<s>", "</s>"]),
    ):
        text = "\n".join([*special, *words]) + "\n"
        (folder / f"vocabulary.{name}").write_text(text, encoding="utf-8")


def train_opennmt(peers: Path, folder: Path, units: int, longest: int, first: int, last: int):
    """Trains OpenNMT-tf up to step `last`, and measures it from step `first` on."""
    command = opennmt_command(peers, folder, units, longest, last)
    log, megabytes = run([*command, "train"], folder)
    found = opennmt_rates(log, first)
    return measured("OpenNMT-tf", log, found, (last - first) // EVERY, megabytes)


def opennmt_rates(log: str, first: int) -> list[tuple[float, int]]:
    """Steps and target words a second, of each line of a log after step `first`."""
    found = re.findall(r"Step = (\d+) ; steps/s = ([\d.]+),.*?(\d+) target\)", log)
    return [(float(steps), int(words)) for step, steps, words in found if int(step) > first]


def opennmt_command(
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
    (folder / "opennmt_model.py").write_text(_OPENNMT_MODEL.format(units=units))
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


def opennmt_perplexity(
    peers: Path, folder: Path, units: int, longest: int, minutes: float
) -> tuple[float, int]:
    """What OpenNMT-tf comes to in some minutes: its perplexity on dev, and after how many steps.

    It saves every hundred steps; what it did after the last of them is lost, in the same minutes.
    """
    command = opennmt_command(peers, folder, units, longest, last=10**6, every=100)
    run([*command, "train"], folder, 60 * minutes)
    log, _ = run([*command, "eval"], folder)
    found = re.search(r"step.*?(\d+).*?perplexity = ([\d.]+)", log)
    if not found:
        raise ValueError(f"OpenNMT-tf gave no perplexity; it ended with:\n{log[-2000:]}")
    return float(found[2]), int(found[1])


def train_joey(peers: Path, folder: Path, units: int, longest: int, first: int, last: int):
    """The same with Joey NMT, whose encoder has to be bidirectional: half the units each way."""
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
    found = joey_rates(log, first)
    return measured("Joey NMT", log, found, (last - first) // EVERY, megabytes)


def joey_rates(log: str, first: int) -> list[tuple[float, int]]:
    """The same; its log has times of day."""
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


def measured(name: str, log: str, found, expected: int, megabytes: float) -> Measured:
    """The means over lines of a log: of steps and of words a second, for as many steps each.

    Raises:
        ValueError: there are not as many such lines as expected.
    """
    if len(found) != expected:
        raise ValueError(f"{name} did not come as far as it should; it ended with:\n{log[-2000:]}")
    times = [EVERY / steps for steps, _ in found]
    words = sum(words * time for time, (_, words) in zip(times, found))
    return Measured(words / sum(times), statistics.mean(times) / EVERY, megabytes)


def num_threads() -> int:
    """The threads that every system is given: as many as there are cores for this process."""
    return len(os.sched_getaffinity(0))


def run(command: list[str], folder: Path, seconds: float | None = None) -> tuple[str, float]:
    """Runs a command in a folder; what it printed, and the megabytes of memory it took.

    A process begins with the most memory that its parent ever had, so whoever measures must have
    had little.

    Args:
        command: with its arguments.
        folder: where it runs.
        seconds: after which it is ended; None: it ends by itself.
    """
    names = "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"
    environment = {**os.environ, **dict.fromkeys(names, str(num_threads()))}
    log = folder / "log"
    with log.open("w") as output:
        child = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            usage = waited_for(child.pid, seconds)
        except BaseException:
            os.kill(child.pid, signal.SIGKILL)
            raise
        # What else would ask for it once more.
        child.returncode = 0
    return log.read_text(encoding="utf-8", errors="replace"), usage.ru_maxrss / 1e3


def waited_for(pid: int, seconds: float | None):
    """Waits for a process, and ends it after some seconds; what it used."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is not None and time.monotonic() < deadline:
        ended, _, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return usage
        time.sleep(0.1)
    if deadline is not None:
        os.kill(pid, signal.SIGTERM)
    return os.wait4(pid, 0)[2]
