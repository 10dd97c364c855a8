"""The trainer: saved epochs, stops by callbacks, and losses that are not finite."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.training import trainer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from attention_seq2seq.training.model_dir import is_finished
from attention_seq2seq.training.train_step import TrainStep
from helpers import short_trainings
from helpers.short_trainings import MEALS, read_weights
from helpers.truncated_training import PAIRS, make_config, read_last_weights, train_until


def test_the_best_and_the_last_epoch_are_saved(tmp_path, monkeypatch):
    perplexities = iter([5.0, 3.0, 4.0])

    class ScriptedValidator(trainer.Validator):
        def __call__(self):
            return {**super().__call__(), "val_perplexity": next(perplexities)}

    class RecordWeights(Callback):
        def __init__(self):
            self.weights = []

        def on_epoch_end(self, info):
            self.weights.append(read_weights(tmp_path / "last.npz"))

    monkeypatch.setattr(trainer, "Validator", ScriptedValidator)
    recorder = RecordWeights()
    history = train(
        MEALS.training[:64],
        tmp_path,
        short_trainings.make_config(epochs=3),
        MEALS.validation[:9],
        progress=False,
        callbacks=[recorder],
    )
    assert history["val_perplexity"] == [5.0, 3.0, 4.0]
    best, last = read_weights(tmp_path / "best.npz"), read_weights(tmp_path / "last.npz")
    for name in last:
        np.testing.assert_array_equal(last[name], recorder.weights[2][name])
        np.testing.assert_array_equal(best[name], recorder.weights[1][name])
    assert not np.array_equal(best["decoder/embedding"], last["decoder/embedding"])


def test_a_callback_can_stop_training_after_an_epoch(tmp_path, caplog):
    class StopAtEpoch2(Callback):
        def on_epoch_end(self, info):
            return info.epoch == 2

    config = short_trainings.make_config(epochs=9, patience=5)
    callbacks = [StopAtEpoch2()]
    with caplog.at_level(logging.INFO):
        history = train(MEALS.training[:20], tmp_path, config, progress=False, callbacks=callbacks)
    assert len(history["loss"]) == 2
    assert is_finished(tmp_path)
    assert "Early stopping" not in caplog.text


def test_a_callback_can_stop_training_within_an_epoch(tmp_path):
    class StopAtStep3(Callback):
        def on_step_end(self, info):
            return info.step == 3

    history = train(PAIRS, tmp_path, make_config(), [], progress=False, callbacks=[StopAtStep3()])
    assert len(history["loss"]) == 1
    assert train(PAIRS, tmp_path, make_config(), [], progress=False) == history
    assert read_last_weights(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "nan_batch", "epoch"),
    [
        ({"gradient_accumulation_steps": 2}, 6, 1),
        ({"averaging": "ema"}, 6, 1),
        # After an epoch that is part of the mean.
        ({"averaging": "last"}, 14, 2),
    ],
    ids=str,
)
def test_a_nan_loss_stops_training_and_saves_the_weights_before_it(
    tmp_path, monkeypatch, options, nan_batch, epoch
):
    class NanObjective(trainer.Seq2SeqObjective):
        def token_losses(self, batch, sampling_probability):
            losses, guided_losses = super().token_losses(batch, sampling_probability)
            is_nan = batch["batch_index"] == nan_batch
            return tf.where(is_nan, float("nan"), losses), guided_losses

    batches_per_step = options.get("gradient_accumulation_steps", 1)
    step = nan_batch // batches_per_step + 1
    train_until(tmp_path / "interrupted", step, **options)
    expected, _ = CheckpointManager(tmp_path / "interrupted" / "checkpoints").restore_latest()
    prefixes = {"ema": "averages/moving/", "last": "averages/epoch0/"}
    prefix = prefixes.get(options.get("averaging"), "model/")
    monkeypatch.setattr(trainer, "Seq2SeqObjective", NanObjective)
    folder = tmp_path / "nan"
    with pytest.raises(ValueError, match=rf"Step {step} \(epoch {epoch}\): the loss is nan"):
        train(PAIRS, folder, make_config(**options), [], progress=False)
    lines = (folder / "nonfinite_batch.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 8 * batches_per_step
    replies = {"".join(reply.split()) for _, reply in (line.split("\t") for line in lines)}
    assert replies <= {pair.reply + "<eos>" for pair in PAIRS}
    for name, value in read_last_weights(folder).items():
        np.testing.assert_array_equal(value, expected[f"{prefix}{name}"])


@pytest.mark.parametrize("oov", [pytest.param("unk", marks=pytest.mark.slow), "spell"])
def test_an_interrupted_training_ends_with_the_same_weights(tmp_path, oov):
    text = TextConfig(vocabulary_size=300, oov=oov)
    train(PAIRS, tmp_path / "complete", make_config(text), [], progress=False)
    train_until(tmp_path / "interrupted", 11, text=text)
    train(PAIRS, tmp_path / "interrupted", make_config(text), [], progress=False)
    weights = read_last_weights(tmp_path / "interrupted")
    for name, value in read_last_weights(tmp_path / "complete").items():
        np.testing.assert_array_equal(weights[name], value)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["_gradients", "_apply"])
def test_an_error_within_a_step_saves_the_state_before_the_step(tmp_path, monkeypatch, method):
    class FailAtStep4(TrainStep):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            original, results = getattr(self, method), []

            def fail_at_fourth_call(*arguments):
                results.append(original(*arguments))
                if len(results) == 4:
                    raise tf.errors.UnavailableError(None, None, "a process was lost")
                return results[-1]

            setattr(self, method, fail_at_fourth_call)

    train_until(tmp_path / "interrupted", 4)
    monkeypatch.setattr(trainer, "TrainStep", FailAtStep4)
    with pytest.raises(tf.errors.UnavailableError):
        train(PAIRS, tmp_path / "failed", make_config(), [], progress=False, checkpoint_minutes=0)
    (arrays, state), (expected, _) = (
        CheckpointManager(tmp_path / name / "checkpoints").restore_latest()
        for name in ("failed", "interrupted")
    )
    assert state["step"] == 3
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])
