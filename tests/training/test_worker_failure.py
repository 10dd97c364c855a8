"""If a worker of a distributed run is killed, the other stops, and training resumes."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from experiments.benchmarks.scaling import free_addresses
from helpers.killed_training import write_pairs
from helpers.result_rows import record_result
from helpers.scripts import ROOT
from helpers.short_trainings import read_weights

pytestmark = pytest.mark.slow

# Time limit for the other worker to stop, in seconds.
STOP_TIMEOUT = 30


def start_training(folder, data, cluster=None, worker_index=0):
    """Starts a process of train.py."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        ROOT / "experiments" / "train.py",
        f"--model_dir={folder}",
        f"--data={data}",
        "--epochs=6",
        "--batch_size=8",
        "--units=8",
        "--compute_dtype=float32",
        "--patience=0",
        "--checkpoint_minutes=0.002",
    ]
    if cluster:
        task = {"type": "worker", "index": worker_index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
        command.append("--strategy=multi_worker")
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def start_workers(folder, data):
    """Starts two workers, and returns their addresses and processes."""
    cluster = free_addresses(2)
    return cluster, [start_training(folder, data, cluster, index) for index in range(2)]


def list_checkpoints(folder):
    return set(folder.glob("checkpoints/*.npz"))


def test_a_distributed_training_resumes_after_either_worker_was_killed(tmp_path):
    data, single_dir, shared_dir = tmp_path / "pairs.tsv", tmp_path / "single", tmp_path / "shared"
    write_pairs(data, num_pairs=200)
    single = start_training(single_dir, data)
    _, errors = single.communicate(timeout=120)
    assert single.returncode == 0, errors
    for killed_index in (1, 0):
        old_checkpoints = list_checkpoints(shared_dir)
        _, workers = start_workers(shared_dir, data)
        deadline = time.monotonic() + 120
        while not list_checkpoints(shared_dir) - old_checkpoints:
            assert workers[0].poll() is None, workers[0].communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        workers[killed_index].kill()
        workers[killed_index].communicate()
        kill_time = time.monotonic()
        survivor = workers[1 - killed_index]
        _, errors = survivor.communicate(timeout=STOP_TIMEOUT)
        seconds = time.monotonic() - kill_time
        print(f"stopped after {seconds:.1f} seconds")
        setting = f"worker {killed_index + 1} killed"
        record_result("long_tests", test="killed workers", setting=setting, seconds=seconds)
        assert survivor.returncode == 1
        assert "Lost the connection to another worker" in errors
        assert "cannot write" not in errors
        assert "Traceback" not in errors
    cluster, workers = start_workers(shared_dir, data)
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    (chief_output, _), (worker_output, _) = outputs
    assert "Resuming from step" in chief_output
    start_line, end_line = worker_output.splitlines()
    assert start_line == f"Worker 1 of 2, waiting for {cluster[0]}"
    assert end_line == "Training is finished. The chief has written the model."
    weights = read_weights(shared_dir / "last.npz")
    for name, value in read_weights(single_dir / "last.npz").items():
        np.testing.assert_allclose(weights[name], value, atol=1e-4)
