"""Checkpoints: rotation, damaged files, and files that are not checkpoints."""

import logging

import numpy as np
import pytest

from attention_seq2seq.training.api import train
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from helpers.truncated_training import PAIRS, make_config, read_last_weights, train_until


def list_checkpoints(folder):
    return sorted((folder / "checkpoints").glob("*.npz"))


def test_the_last_two_checkpoints_remain_until_the_end(interrupted_dir, finished_dir):
    steps = [path.name[:9] for path in list_checkpoints(interrupted_dir)]
    assert steps == ["000000009", "000000010"]
    assert not (finished_dir / "checkpoints").exists()


def test_delete_all_leaves_other_files(tmp_path):
    checkpoints = CheckpointManager(tmp_path)
    checkpoints.save(1, {}, {})
    (tmp_path / "notes").touch()
    checkpoints.delete_all()
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


@pytest.mark.parametrize(
    "damage",
    ["flipped bit", *(pytest.param(d, marks=pytest.mark.slow) for d in ("truncated", "empty"))],
)
def test_damaged_checkpoints_are_skipped(interrupted_copy, finished_dir, caplog, damage):
    latest = list_checkpoints(interrupted_copy)[-1]
    content = bytearray(latest.read_bytes())
    middle = len(content) // 2
    content[middle] ^= 1
    contents = {"truncated": content[:middle], "flipped bit": content, "empty": b""}
    latest.write_bytes(contents[damage])
    with caplog.at_level(logging.INFO):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False)
    assert f"Removed damaged checkpoint {latest}; restoring the previous one" in caplog.text
    assert "Resuming from step 9 of 24" in caplog.text
    for name, value in read_last_weights(finished_dir).items():
        np.testing.assert_array_equal(read_last_weights(interrupted_copy)[name], value)


def test_a_checkpoint_with_variables_of_other_names_is_refused(interrupted_copy):
    checkpoints = CheckpointManager(interrupted_copy / "checkpoints")
    arrays, state = checkpoints.restore_latest()
    arrays = {name.replace("optimizer/mean/", "optimizer/"): a for name, a in arrays.items()}
    checkpoints.save(state["step"] + 1, arrays, state)
    message = r"interrupted: the checkpoint has no optimizer/mean/.*, because another version"
    with pytest.raises(ValueError, match=message):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False)


@pytest.mark.slow
def test_training_restarts_if_all_checkpoints_are_damaged(interrupted_copy, caplog):
    for path in list_checkpoints(interrupted_copy):
        path.write_bytes(b"")
    with caplog.at_level(logging.INFO):
        train_until(interrupted_copy, 4)
    assert caplog.text.count("Removed damaged checkpoint") == 2
    assert caplog.text.count("restarting from the first step") == 1
    assert "Resuming" not in caplog.text
    # Damaged checkpoints of later steps do not displace new ones.
    steps = [path.name[:9] for path in list_checkpoints(interrupted_copy)]
    assert steps == ["000000002", "000000003"]


def test_other_files_are_not_mistaken_for_checkpoints(tmp_path):
    CheckpointManager(tmp_path).save(1, {}, {"ok": True})
    remaining_names = ["my-notes.npz", "own.part", "z-9.npz"]
    for name in remaining_names:
        (tmp_path / name).write_bytes(b"not a checkpoint")
    for step in range(2, 5):
        CheckpointManager(tmp_path).save(step, {}, {"ok": True})
    assert CheckpointManager(tmp_path).restore_latest() == ({}, {"ok": True})
    CheckpointManager(tmp_path).delete_all()
    assert sorted(path.name for path in tmp_path.iterdir()) == remaining_names
