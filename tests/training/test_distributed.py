"""A training that is shared ends as one that is not."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.distributed import Distributor, shard_batch
from attention_seq2seq.training.provenance import check_workers_agree
from experiments.benchmarks.scaling import free_addresses
from helpers.scripts import ROOT
from helpers.short_trainings import MEALS, make_config, read_weights
from helpers.small_models import random_batch

SCRIPT = ROOT / "tests" / "helpers" / "distributed_training.py"
OPTIONS = {
    "plain": {},
    "everything": {
        "num_layers": 2,
        "dropout": 0.2,
        "scheduled_sampling_probability": 0.5,
        "gradient_accumulation_steps": 2,
        "averaging": "ema",
        "prompt_dropout": 0.2,
        "num_sampled": 9,
        # With no clipping: a gradient twice too large makes twice too large a step.
        "optimizer": "sgd",
        "learning_rate": 0.5,
        "clip_norm": 1e6,
    },
}


def start(options, *trainings, cluster=None, index=0):
    """One process of trainings; of each, where it goes and how it is shared."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'experiments'}"
    if cluster:
        task = {"type": "worker", "index": index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
    return subprocess.Popen(
        [sys.executable, SCRIPT, json.dumps(options), *(f"{to}={way}" for to, way in trainings)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def found(process) -> list[dict]:
    """What a process printed of each training."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def assert_the_same(found, expected, folder, expected_folder):
    np.testing.assert_allclose(found["losses"], expected["losses"], atol=1e-4)
    for name, values in expected["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=1e-4)
    weights = read_weights(folder / "last.npz")
    for name, value in read_weights(expected_folder / "last.npz").items():
        np.testing.assert_allclose(weights[name], value, atol=1e-4)


@pytest.mark.parametrize("name", OPTIONS)
def test_two_workers_and_two_devices_train_as_one(tmp_path, name):
    options, folders = OPTIONS[name], [tmp_path / way for way in ("one", "two", "devices")]
    alone, on_devices = found(start(options, (folders[0], "none"), (folders[2], "mirrored")))
    assert_the_same(on_devices, alone, *folders[::-2])
    cluster, nowhere = free_addresses(2), tmp_path / "nowhere"
    workers = [
        start(options, (folder, "multi_worker"), cluster=cluster, index=index)
        for index, folder in enumerate((folders[1], nowhere))
    ]
    (chief,), (other,) = map(found, workers)
    assert_the_same(chief, alone, *folders[1::-1])
    # The second worker began with other weights, is told those of the first, and writes nothing.
    assert other["losses"] == []
    assert other["history"] == chief["history"]
    assert not nowhere.exists()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"units": 16}, r"this worker has units 8, the chief has 16\. Start all workers with"),
        ({"sha256_of_training_pairs": "b"}, "this worker has other training pairs than the chief"),
    ],
)
def test_workers_that_were_given_something_else_are_refused(told, message):
    class Chief(Distributor):
        def broadcast_object(self, mine):
            return {**mine, **told} if isinstance(mine, dict) else "bfloat16"

    tokenizer = Seq2SeqTokenizer.build(
        [("吃 什么", "吃 面")], TextConfig("whitespace", "whitespace")
    )
    options = Config(model=ModelConfig(units=8))
    with pytest.raises(ValueError, match=message):
        check_workers_agree(Chief(), options, {"sha256_of_training_pairs": "a"}, tokenizer)


def test_one_device_shares_nothing(tmp_path):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    train(MEALS.training[:20], tmp_path, make_config(), [], progress=False, strategy=strategy)
    assert (tmp_path / "last.npz").is_file()


def test_only_another_process_is_said_to_be_lost():
    class Two(Distributor):
        def __init__(self):
            super().__init__()
            self._num_processes = 2

    with (
        pytest.raises(ConnectionError, match="Lost the connection to another worker"),
        Two().report_lost_workers(),
    ):
        raise tf.errors.UnavailableError(None, None, "gone")
    with pytest.raises(tf.errors.DataLossError), Two().report_lost_workers():
        raise tf.errors.DataLossError(None, None, "damaged here")


@pytest.mark.parametrize("rows", [1, 2, 5, 6])
@pytest.mark.parametrize("num_replicas", [1, 2, 3])
def test_each_row_is_computed_with_once(rows, num_replicas):
    batch = random_batch(rows, 4, 3)
    shares = [shard_batch(batch, replica, num_replicas) for replica in range(num_replicas)]
    assert len({len(share["row_index"]) for share in shares}) == 1
    whole = shard_batch(batch, 0, 1)
    for name in ("source_ids", "source_length", "target_ids", "target_length"):
        np.testing.assert_array_equal(whole[name], batch[name])
    real = [
        (int(row), ids.tolist())
        for share in shares
        for row, ids, length in zip(
            share["row_index"], share["target_ids"].numpy(), share["target_length"]
        )
        if length
    ]
    assert sorted(real) == list(enumerate(batch["target_ids"].numpy().tolist()))
    assert all(int(tf.reduce_min(share["source_length"])) >= 1 for share in shares)
