"""What survives on the disk, and what is said where it does not."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.training import trainer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from attention_seq2seq.training.train_step import TrainStep
from helpers.truncated_training import PAIRS, make_config, read_last_weights, train_until


def saved(folder):
    return sorted((folder / "checkpoints").glob("*.npz"))


def test_two_are_kept_and_none_of_a_finished_training(interrupted_dir, finished_dir):
    assert [path.name[:9] for path in saved(interrupted_dir)] == ["000000009", "000000010"]
    assert not (finished_dir / "checkpoints").exists()


def test_a_file_of_somebody_elses_stands_in_no_trainings_way(tmp_path):
    checkpoints = CheckpointManager(tmp_path)
    checkpoints.save(1, {}, {})
    (tmp_path / "notes").touch()
    checkpoints.delete_all()
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_of_a_damaged_one_the_one_before_is_taken(interrupted_copy, finished_dir, caplog, damage):
    newest = saved(interrupted_copy)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"cut": content[: len(content) // 2], "flipped": content, "emptied": b""}[damage]
    newest.write_bytes(damaged)
    with caplog.at_level(logging.INFO):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False)
    assert f"Removed damaged checkpoint {newest}; restoring the previous one" in caplog.text
    assert "Resuming from step 9 of 24" in caplog.text
    for name, value in read_last_weights(finished_dir).items():
        np.testing.assert_array_equal(read_last_weights(interrupted_copy)[name], value)


def test_where_all_are_damaged_it_begins_anew(interrupted_copy, caplog):
    for path in saved(interrupted_copy):
        path.write_bytes(b"")
    with caplog.at_level(logging.INFO):
        train_until(interrupted_copy, 4)
    assert caplog.text.count("Removed damaged checkpoint") == 2
    assert caplog.text.count("restarting from the first step") == 1
    assert "Resuming" not in caplog.text
    # Damaged ones, of later updates, take no place from the new ones.
    assert [path.name[:9] for path in saved(interrupted_copy)] == ["000000002", "000000003"]


@pytest.mark.parametrize("update", [10, 8], ids=["at a checkpoint", "at the end of an epoch"])
def test_a_full_disk_is_said_and_the_last_checkpoint_is_whole(tmp_path, update):
    """The limit of a file's size stands for the disk: the system's own error, at a byte of it."""
    script = """if True:
        import resource, sys
        from helpers.truncated_training import PAIRS, Callback, make_config, train
        class Full(Callback):
            def on_step_end(self, info):
                if info.step == int(sys.argv[2]):
                    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            train(PAIRS, sys.argv[1], make_config(), [], progress=False, callbacks=[Full()],
                  checkpoint_minutes=0)
        except OSError as error:
            print(error)
    """
    here = __file__.rpartition("/")[0]
    environment = {
        "PYTHONPATH": f"{here}/..:{here}/../..:{here}/../../experiments",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(update)],
        capture_output=True,
        text=True,
        env={**environment, "PATH": "/usr/bin:/bin"},
    )
    assert "cannot write the files of the training (File too large)" in done.stdout, done.stderr
    assert done.stdout.startswith(f"{tmp_path}: ")
    assert not list(tmp_path.rglob("*.part"))
    arrays, state = CheckpointManager(tmp_path / "checkpoints").restore_latest()
    assert state["step"] == update - 1
    assert all(np.all(np.isfinite(array)) for array in arrays.values())


def test_what_was_stopped_goes_on_even_where_it_may_be_overwritten(interrupted_copy, caplog):
    with caplog.at_level(logging.INFO):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False, overwrite=True)
    assert "Resuming from step 10 of 24" in caplog.text


def test_what_a_training_started_from_may_be_gone_when_it_goes_on(tmp_path):
    """Its weights are in a checkpoint, its words in the folder."""
    train(PAIRS[:40], tmp_path / "first", make_config(), [], progress=False)
    options = {"init_from": str(tmp_path / "first")}
    train(PAIRS, tmp_path / "whole", make_config(**options), [], progress=False)
    train_until(tmp_path / "stopped", 11, **options)
    for path in (tmp_path / "first").iterdir():
        path.unlink()
    train(PAIRS, tmp_path / "stopped", make_config(**options), [], progress=False)
    for name, value in read_last_weights(tmp_path / "whole").items():
        np.testing.assert_array_equal(read_last_weights(tmp_path / "stopped")[name], value)


def test_a_listener_that_stops_within_an_epoch_leaves_a_model(tmp_path):
    class Enough(Callback):
        def on_step_end(self, info):
            return info.step == 3

    history = train(PAIRS, tmp_path, make_config(), [], progress=False, callbacks=[Enough()])
    assert len(history["loss"]) == 1
    assert train(PAIRS, tmp_path, make_config(), [], progress=False) == history
    assert read_last_weights(tmp_path)


def test_what_has_ended_is_not_done_again(tmp_path):
    history = train(PAIRS, tmp_path, make_config(), PAIRS[:3], progress=False)
    before = (tmp_path / "last.npz").stat().st_mtime_ns
    assert train(PAIRS, tmp_path, make_config(), PAIRS[:3], progress=False) == history
    assert (tmp_path / "last.npz").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("options", "bad", "epoch"),
    [
        ({"gradient_accumulation_steps": 2}, 6, 1),
        ({"averaging": "ema"}, 6, 1),
        # After an epoch that counts in the mean.
        ({"averaging": "last"}, 14, 2),
    ],
    ids=str,
)
def test_a_loss_that_is_no_number_stops_and_leaves_what_was_good(
    tmp_path, monkeypatch, options, bad, epoch
):
    class Poisoned(trainer.Seq2SeqObjective):
        def token_losses(self, batch, sampling_probability):
            losses, guidances = super().token_losses(batch, sampling_probability)
            return tf.where(batch["batch_index"] == bad, float("nan"), losses), guidances

    batches = options.get("gradient_accumulation_steps", 1)
    update = bad // batches + 1
    train_until(tmp_path / "until", update, **options)
    expected, _ = CheckpointManager(tmp_path / "until" / "checkpoints").restore_latest()
    kinds = {"ema": "averages/moving/", "last": "averages/epoch0/"}
    kind = kinds.get(options.get("averaging"), "model/")
    monkeypatch.setattr(trainer, "Seq2SeqObjective", Poisoned)
    folder = tmp_path / "poisoned"
    with pytest.raises(ValueError, match=rf"Step {update} \(epoch {epoch}\): the loss is nan"):
        train(PAIRS, folder, make_config(**options), [], progress=False)
    lines = (folder / "nonfinite_batch.tsv").read_text(encoding="utf-8").splitlines()
    sides = {("".join(p.split()), "".join(r.split())) for p, r in (x.split("\t") for x in lines)}
    assert len(lines) == 8 * batches
    assert {reply for _, reply in sides} <= {p.reply + "<eos>" for p in PAIRS}
    for name, value in read_last_weights(folder).items():
        np.testing.assert_array_equal(value, expected[f"{kind}{name}"])


@pytest.mark.parametrize("where", ["_gradients", "_apply"])
def test_an_error_within_an_update_leaves_no_checkpoint_of_half_of_it(tmp_path, monkeypatch, where):
    class Breaks(TrainStep):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            whole, calls = getattr(self, where), []

            def broken(*arguments):
                calls.append(whole(*arguments))
                if len(calls) == 4:
                    raise tf.errors.UnavailableError(None, None, "a process was lost")
                return calls[-1]

            # The first call only tells the shapes.
            broken.get_concrete_function = getattr(whole, "get_concrete_function", None)
            setattr(self, where, broken)

    train_until(tmp_path / "cut", 4)
    monkeypatch.setattr(trainer, "TrainStep", Breaks)
    with pytest.raises(tf.errors.UnavailableError):
        train(PAIRS, tmp_path / "broken", make_config(), [], progress=False, checkpoint_minutes=0)
    (arrays, state), (expected, _) = (
        CheckpointManager(tmp_path / name / "checkpoints").restore_latest()
        for name in ("broken", "cut")
    )
    assert state["step"] == 3
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])


def test_other_files_in_the_folder_are_not_taken_for_checkpoints(tmp_path):
    checkpoints = CheckpointManager(tmp_path)
    checkpoints.save(1, {}, {"ok": True})
    for name in ("my-notes.npz", "z-9.npz", "own.part"):
        (tmp_path / name).write_bytes(b"mine")
    for number in range(2, 5):
        CheckpointManager(tmp_path).save(number, {}, {"ok": True})
    assert CheckpointManager(tmp_path).restore_latest() == ({}, {"ok": True})
    CheckpointManager(tmp_path).delete_all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "my-notes.npz",
        "own.part",
        "z-9.npz",
    ]
