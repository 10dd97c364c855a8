"""The best epoch, patience and early stopping."""

import dataclasses
import logging

import numpy as np
import pytest

from attention_seq2seq.config.training import LOWER_IS_BETTER, TrainingConfig
from attention_seq2seq.training.api import train
from attention_seq2seq.training.early_stopping import best_epoch, should_stop_early
from helpers.short_trainings import MEALS, make_config


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("val_loss", [3, 2, 2, 4], 1),
        ("val_perplexity", [3, 2, 2, 4], 1),
        ("val_character_perplexity", [3, 4, 2, 4], 2),
        ("val_accuracy", [0.1, 0.3, 0.3, 0.2], 1),
        ("sample_distinct_1", [0.1, 0.2, 0.3, 0.2], 2),
        ("sample_distinct_2", [0.4, 0.2, 0.3, 0.2], 0),
        ("sample_most_common_ratio", [0.9, 0.5, 0.3, 0.3], 2),
        ("sample_most_common_ratio", [], None),
    ],
)
def test_the_best_epoch_has_the_best_value_of_the_monitored_metric(metric, values, best):
    assert best_epoch(metric, [{metric: value, "loss": 1} for value in values]) == best
    assert best_epoch(metric, [{"loss": 1}]) is None


def test_patience_counts_epochs_since_the_best_one():
    history = [{"val_loss": loss} for loss in (3, 2, 2, 4)]
    decisions = [should_stop_early("val_loss", history, patience) for patience in (0, 2, 3)]
    assert decisions == [False, True, False]
    assert not should_stop_early("val_loss", [{"loss": 1}] * 9, 1)


def test_every_metric_can_be_monitored():
    (choices,) = (
        f.metadata["choices"] for f in dataclasses.fields(TrainingConfig) if f.name == "monitor"
    )
    assert set(choices) == set(LOWER_IS_BETTER)


def test_training_stops_when_validation_no_longer_improves(tmp_path, caplog):
    # The validation reply becomes less likely with each epoch.
    pairs = [(f"问{i}", "好") for i in range(60)]
    options = make_config(epochs=40, patience=2)
    with caplog.at_level(logging.INFO):
        history = train(pairs, tmp_path, options, [("问1", "不 好 不")], progress=False)
    num_epochs = len(history["loss"])
    assert 3 <= num_epochs < 40
    assert num_epochs == int(np.argmin(history["val_perplexity"])) + 3
    assert f"Early stopping after epoch {num_epochs} of 40" in caplog.text


def test_monitoring_a_sample_metric_requires_sample_prompts(tmp_path):
    config = make_config(monitor="sample_distinct_2")
    with pytest.raises(
        ValueError, match="monitor is 'sample_distinct_2', a metric of sample replies"
    ):
        train(MEALS.training[:20], tmp_path, config, progress=False)
