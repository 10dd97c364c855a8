"""Diagnostics report failing trainings, and do not report healthy ones."""

import logging
import random

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import EpochInfo
from attention_seq2seq.training.callbacks.diagnostics import (
    OVERFITTING,
    REPLY_COLLAPSE,
    UNIFORM_ATTENTION,
    TrainingDiagnostics,
)
from attention_seq2seq.training.callbacks.sample_replies import (
    SampleReply,
    first_prompts,
)

MEALS = meal_dialogues()


def make_config(**training) -> Config:
    options = {"epochs": 6, "batch_size": 32, "learning_rate": 0.01, "patience": 0}
    return Config(
        model=ModelConfig(units=32),
        training=TrainingConfig(**{**options, "compute_dtype": "float32", **training}),
    )


def reported_problems(caplog) -> set[str]:
    return {
        record.args[0]
        for record in caplog.records
        if record.levelno == logging.WARNING and record.name.endswith("diagnostics")
    }


def train_with_samples(pairs, validation, folder, options):
    prompts = first_prompts(validation)
    train(pairs, folder, options, validation, progress=False, sample_prompts=prompts)


@pytest.mark.slow
def test_one_reply_for_all_prompts_is_a_reply_collapse(tmp_path, caplog):
    pairs = [(pair.prompt, "不知道") for pair in MEALS.training]
    validation = [(pair.prompt, "不知道") for pair in MEALS.validation]
    train_with_samples(pairs[::4], validation, tmp_path, make_config())
    assert REPLY_COLLAPSE in reported_problems(caplog)
    assert "'不知道'" in caplog.text


@pytest.mark.slow
def test_shuffled_replies_are_overfitted(tmp_path, caplog):
    """Replies that fit no prompt can only be memorized."""
    rng = random.Random(1)
    prompts, replies = zip(*((pair.prompt, pair.reply) for pair in MEALS.training))
    shuffled = list(zip(prompts, rng.sample(replies, len(replies))))
    validation = [(p.prompt, rng.choice(replies)) for p in MEALS.validation]
    train_with_samples(shuffled, validation, tmp_path, make_config(epochs=40, learning_rate=0.02))
    assert OVERFITTING in reported_problems(caplog)


@pytest.mark.slow
def test_uniform_attention_is_reported(tmp_path, caplog, monkeypatch):
    from attention_seq2seq.models.attention import rnn

    def uniform_scores(probability_fn, mask):
        def probabilities(scores, previous_alignments):
            weights = tf.cast(mask, scores.dtype)
            return weights / tf.reduce_sum(weights, axis=1, keepdims=True)

        return probabilities

    monkeypatch.setattr(rnn, "mask_scores", uniform_scores)
    train_with_samples(MEALS.training, MEALS.validation, tmp_path, make_config())
    assert reported_problems(caplog) == {UNIFORM_ATTENTION}


@pytest.mark.slow
def test_a_healthy_training_is_not_reported(tmp_path, caplog):
    train_with_samples(MEALS.training, MEALS.validation, tmp_path, make_config(epochs=8))
    assert not reported_problems(caplog)


def make_epoch(epoch, num_epochs, history, replies=(), is_last=False):
    samples = [SampleReply(["吃", "什么"], [r], r, np.ones([1, 2]) / 2, [r]) for r in replies]
    return EpochInfo(epoch, num_epochs, history, samples, is_last)


def make_metrics(**values):
    return {"loss": 1.0, "sample_most_common_ratio": 0.0, "attention_entropy": 0.0, **values}


@pytest.mark.parametrize(
    ("epoch", "is_last", "is_reported"), [(4, False, False), (5, False, True), (3, True, True)]
)
def test_replies_are_checked_in_the_second_half_and_at_the_end(caplog, epoch, is_last, is_reported):
    TrainingDiagnostics().on_epoch_end(
        make_epoch(epoch, 10, [make_metrics(sample_most_common_ratio=0.9)], ["好"] * 9, is_last)
    )
    assert reported_problems(caplog) == ({REPLY_COLLAPSE} if is_reported else set())


def test_a_problem_is_reported_once(caplog):
    diagnostics = TrainingDiagnostics()
    for epoch in (8, 9, 10):
        diagnostics.on_epoch_end(make_epoch(epoch, 10, [make_metrics(attention_entropy=0.99)]))
    assert caplog.text.count(UNIFORM_ATTENTION) == 1


@pytest.mark.parametrize(
    ("losses", "validation", "is_reported"),
    [
        ([4, 3, 2, 1, 0.5], [4, 3, 3.2, 3.3, 3.4], True),
        ([4, 3, 2, 1, 0.5], [4, 3, 3.2, 3.05, 3.4], False),
        ([4, 3, 3, 3, 3], [4, 3, 3.2, 3.3, 3.4], False),
        ([4, 3, 2, 1, 0.5], [4, 3, 2, 1.5, 1.2], False),
    ],
)
def test_validation_must_rise_for_three_epochs_while_the_loss_falls(
    caplog, losses, validation, is_reported
):
    history = [make_metrics(loss=a, val_loss=b) for a, b in zip(losses, validation)]
    TrainingDiagnostics().on_epoch_end(make_epoch(5, 20, history))
    assert reported_problems(caplog) == ({OVERFITTING} if is_reported else set())
