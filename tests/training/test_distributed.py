"""Distributed training equals training on one device."""

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
        # SGD without clipping: a gradient of the wrong scale leads to other weights.
        "optimizer": "sgd",
        "learning_rate": 0.5,
        "clip_norm": 1e6,
    },
}


def start_process(options, strategies, cluster=None, worker_index=0):
    """Starts a process of `distributed_training.py`.

    Args:
        options: training options.
        strategies: the strategy of each training, by model folder.
        cluster: addresses of all workers.
        worker_index: index of this worker.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'experiments'}"
    if cluster:
        task = {"type": "worker", "index": worker_index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
    trainings = [f"{folder}={strategy}" for folder, strategy in strategies.items()]
    return subprocess.Popen(
        [sys.executable, SCRIPT, json.dumps(options), *trainings],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_results(process) -> list[dict]:
    """Returns the losses and the history of each training of a process."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def assert_same_training(result, expected, folder, expected_folder):
    np.testing.assert_allclose(result["losses"], expected["losses"], atol=1e-4)
    for name, values in expected["history"].items():
        np.testing.assert_allclose(result["history"][name], values, rtol=1e-4)
    weights = read_weights(folder / "last.npz")
    for name, value in read_weights(expected_folder / "last.npz").items():
        np.testing.assert_allclose(weights[name], value, atol=1e-4)


@pytest.mark.slow
def test_two_devices_train_like_one_device(tmp_path):
    single_dir, mirrored_dir = tmp_path / "single", tmp_path / "mirrored"
    strategies = {single_dir: "none", mirrored_dir: "mirrored"}
    single, mirrored = wait_for_results(start_process(OPTIONS["plain"], strategies))
    assert_same_training(mirrored, single, mirrored_dir, single_dir)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_two_workers_and_two_devices_train_like_one_device(tmp_path, name):
    options = OPTIONS[name]
    single_dir, mirrored_dir = tmp_path / "single", tmp_path / "mirrored"
    single, mirrored = wait_for_results(
        start_process(options, {single_dir: "none", mirrored_dir: "mirrored"})
    )
    assert_same_training(mirrored, single, mirrored_dir, single_dir)
    cluster = free_addresses(2)
    chief_dir, worker_dir = tmp_path / "chief", tmp_path / "worker"
    processes = [
        start_process(options, {folder: "multi_worker"}, cluster, worker_index)
        for worker_index, folder in enumerate((chief_dir, worker_dir))
    ]
    (chief,), (worker,) = map(wait_for_results, processes)
    assert_same_training(chief, single, chief_dir, single_dir)
    # The second worker has other initial weights, receives those of the chief, and writes no files.
    assert worker["losses"] == []
    assert worker["history"] == chief["history"]
    assert not worker_dir.exists()


@pytest.mark.parametrize(
    ("chief_values", "message"),
    [
        ({"units": 16}, r"this worker has units 8, the chief has 16\. Start all workers with"),
        ({"sha256_of_training_pairs": "b"}, "this worker has other training pairs than the chief"),
    ],
)
def test_workers_that_differ_from_the_chief_are_refused(chief_values, message):
    class WorkerDistributor(Distributor):
        """Receives `chief_values` instead of this worker's values."""

        def broadcast_object(self, local):
            return {**local, **chief_values} if isinstance(local, dict) else "bfloat16"

    tokenizer = Seq2SeqTokenizer.build(
        [("吃 什么", "吃 面")], TextConfig("whitespace", "whitespace")
    )
    config = Config(model=ModelConfig(units=8))
    provenance = {"sha256_of_training_pairs": "a"}
    with pytest.raises(ValueError, match=message):
        check_workers_agree(WorkerDistributor(), config, provenance, tokenizer)


def test_a_strategy_with_one_device_trains(tmp_path):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    train(MEALS.training[:20], tmp_path, make_config(), [], progress=False, strategy=strategy)
    assert (tmp_path / "last.npz").is_file()


def test_only_connection_errors_are_reported_as_lost_workers():
    class TwoWorkerDistributor(Distributor):
        def __init__(self):
            super().__init__()
            self.num_processes = 2

    distributor = TwoWorkerDistributor()
    with (
        pytest.raises(ConnectionError, match="Lost the connection to another worker"),
        distributor.report_lost_workers(),
    ):
        raise tf.errors.UnavailableError(None, None, "gone")
    with pytest.raises(tf.errors.DataLossError), distributor.report_lost_workers():
        raise tf.errors.DataLossError(None, None, "damaged here")


@pytest.mark.parametrize("num_rows", [1, 2, 5, 6])
@pytest.mark.parametrize("num_replicas", [1, 2, 3])
def test_each_row_is_in_one_shard(num_rows, num_replicas):
    batch = random_batch(num_rows, 4, 3)
    shards = [shard_batch(batch, replica, num_replicas) for replica in range(num_replicas)]
    assert len({len(shard["row_index"]) for shard in shards}) == 1
    single_shard = shard_batch(batch, 0, 1)
    for name in ("source_ids", "source_length", "target_ids", "target_length"):
        np.testing.assert_array_equal(single_shard[name], batch[name])
    # Rows of length 0 pad a shard.
    rows = [
        (int(index), ids.tolist())
        for shard in shards
        for index, ids, length in zip(
            shard["row_index"], shard["target_ids"].numpy(), shard["target_length"]
        )
        if length
    ]
    assert sorted(rows) == list(enumerate(batch["target_ids"].numpy().tolist()))
    assert all(int(tf.reduce_min(shard["source_length"])) >= 1 for shard in shards)
