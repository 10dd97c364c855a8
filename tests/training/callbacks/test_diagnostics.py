"""Each alarm rings where a training goes wrong, and is silent where it does not."""

import logging
import random

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import EpochInfo
from attention_seq2seq.training.callbacks.diagnostics import TrainingDiagnostics
from attention_seq2seq.training.callbacks.sample_replies import (
    SampleReplies,
    SampleReply,
    first_prompts,
)

MEALS = meal_dialogues()


def config(**training) -> Config:
    options = {"epochs": 6, "batch_size": 32, "learning_rate": 0.01, "patience": 0}
    return Config(
        model=ModelConfig(units=32),
        training=TrainingConfig(**{**options, "dtype": "float32", **training}),
    )


def rung(caplog) -> set[str]:
    return {
        record.args[0]
        for record in caplog.records
        if record.levelno == logging.WARNING and record.msg.startswith("Alarm")
    }


def watched(pairs, validation, folder, options):
    prompts = first_prompts(validation)
    train(pairs, folder, options, validation, progress=False, sample_replies=SampleReplies(prompts))


def test_one_reply_for_all_rings(tmp_path, caplog):
    pairs = [(pair.prompt, "不知道") for pair in MEALS.training]
    watched(pairs, [(p.prompt, "不知道") for p in MEALS.validation], tmp_path, config())
    assert "replies converge" in rung(caplog)
    assert "'不知道'" in caplog.text


def test_shuffled_replies_ring(tmp_path, caplog):
    """What fits no prompt can only be learnt by heart, and says nothing of other prompts."""
    draw = random.Random(1)
    prompts, replies = zip(*((pair.prompt, pair.reply) for pair in MEALS.training))
    shuffled = list(zip(prompts, draw.sample(replies, len(replies))))
    validation = [(p.prompt, draw.choice(replies)) for p in MEALS.validation]
    watched(shuffled, validation, tmp_path, config(epochs=40, learning_rate=0.02))
    assert "validation stops following" in rung(caplog)


def test_attention_held_flat_rings(tmp_path, caplog, monkeypatch):
    from attention_seq2seq.models.attention import rnn

    def uniform(probability_fn, mask):
        def probabilities(scores, previous_alignments):
            weights = tf.cast(mask, scores.dtype)
            return weights / tf.reduce_sum(weights, axis=1, keepdims=True)

        return probabilities

    monkeypatch.setattr(rnn, "mask_scores", uniform)
    watched(MEALS.training, MEALS.validation, tmp_path, config())
    assert rung(caplog) == {"attention is flat"}


def test_a_healthy_training_is_silent(tmp_path, caplog):
    watched(MEALS.training, MEALS.validation, tmp_path, config(epochs=10))
    assert not rung(caplog)


def epoch(number, of, history, replies=(), ended=False):
    samples = [SampleReply(["吃", "什么"], [r], r, np.ones([1, 2]) / 2, [r]) for r in replies]
    return EpochInfo(number, of, history, samples, ended)


def measured(**values):
    return {"loss": 1.0, "sample_most_common_ratio": 0.0, "attention_entropy": 0.0, **values}


@pytest.mark.parametrize(
    ("number", "ended", "rings"), [(4, False, False), (5, False, True), (3, True, True)]
)
def test_replies_are_looked_at_from_half_of_the_training_on_and_at_its_end(
    caplog, number, ended, rings
):
    TrainingDiagnostics().on_epoch_end(
        epoch(number, 10, [measured(sample_most_common_ratio=0.9)], ["好"] * 9, ended)
    )
    assert rung(caplog) == ({"replies converge"} if rings else set())


def test_an_alarm_rings_once(caplog):
    alarms = TrainingDiagnostics()
    for number in (8, 9, 10):
        alarms.on_epoch_end(epoch(number, 10, [measured(attention_entropy=0.99)]))
    assert caplog.text.count("attention is flat") == 1


@pytest.mark.parametrize(
    ("losses", "validation", "rings"),
    [
        ([4, 3, 2, 1, 0.5], [4, 3, 3.2, 3.3, 3.4], True),
        ([4, 3, 2, 1, 0.5], [4, 3, 3.2, 3.05, 3.4], False),
        ([4, 3, 3, 3, 3], [4, 3, 3.2, 3.3, 3.4], False),
        ([4, 3, 2, 1, 0.5], [4, 3, 2, 1.5, 1.2], False),
    ],
)
def test_validation_must_rise_for_three_epochs_while_the_loss_falls(
    caplog, losses, validation, rings
):
    history = [measured(loss=a, val_loss=b) for a, b in zip(losses, validation)]
    TrainingDiagnostics().on_epoch_end(epoch(5, 20, history))
    assert rung(caplog) == ({"validation stops following"} if rings else set())
