"""A worker of a shared training is killed: the other stops, and both go on to the same end."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from experiments.benchmarks.scaling import free_addresses
from helpers.killed_training import write_pairs
from helpers.scripts import ROOT
from helpers.short_trainings import read_weights

pytestmark = pytest.mark.slow


def train_py(folder, data, cluster=None, index=0):
    """One process of what a user starts."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    command = [
        *(sys.executable, ROOT / "experiments" / "train.py"),
        *(f"--model_dir={folder}", f"--data={data}", "--epochs=6", "--batch_size=8", "--units=8"),
        *("--compute_dtype=float32", "--patience=0", "--checkpoint_minutes=0.002"),
    ]
    if cluster:
        task = {"type": "worker", "index": index}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
        command.append("--strategy=multi_worker")
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


# Within so many seconds the others have to notice.
NOTICED = 30


def test_when_a_worker_is_killed_the_other_stops_and_both_go_on(tmp_path):
    """First the second worker, then the first."""
    data, shared = tmp_path / "pairs.tsv", tmp_path / "shared"
    write_pairs(data, num_pairs=200)
    alone = train_py(tmp_path / "alone", data)
    _, errors = alone.communicate(timeout=120)
    assert alone.returncode == 0, errors
    for killed in (1, 0):
        known = set(shared.glob("checkpoints/*.npz"))
        cluster = free_addresses(2)
        workers = [train_py(shared, data, cluster, index) for index in range(2)]
        until = time.monotonic() + 120
        while not set(shared.glob("checkpoints/*.npz")) - known:
            assert workers[0].poll() is None, workers[0].communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        workers[killed].kill()
        workers[killed].communicate()
        begin = time.monotonic()
        _, errors = workers[1 - killed].communicate(timeout=NOTICED)
        print(f"noticed after {time.monotonic() - begin:.1f} seconds")
        assert workers[1 - killed].returncode == 1
        assert "Lost the connection to another worker" in errors
        assert "cannot write" not in errors
        assert "Traceback" not in errors
    cluster = free_addresses(2)
    workers = [train_py(shared, data, cluster, index) for index in range(2)]
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    (of_first, _), (of_second, _) = outputs
    assert "Resuming from step" in of_first
    waiting, ended = of_second.splitlines()
    assert waiting == f"Worker 1 of 2, waiting for {cluster[0]}"
    assert ended == "The training has ended; the first worker has written it."
    for name, value in read_weights(tmp_path / "alone" / "last.npz").items():
        np.testing.assert_allclose(read_weights(shared / "last.npz")[name], value, atol=1e-4)
