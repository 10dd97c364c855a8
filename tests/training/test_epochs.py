"""What is measured after each epoch, and which epoch answers."""

import csv
import dataclasses
import logging
import math
import shutil

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS
from attention_seq2seq.training import trainer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from attention_seq2seq.training.callbacks.sample_replies import SampleReply, sample_metrics
from attention_seq2seq.training.early_stopping import LOWER_IS_BETTER, best_epoch, should_stop_early
from attention_seq2seq.training.model_dir import is_finished
from helpers.short_trainings import MEALS, make_config, read_weights


def test_the_best_and_the_last_epoch(tmp_path, monkeypatch):
    perplexities = iter([5.0, 3.0, 4.0])

    class Scripted(trainer.Validator):
        def __call__(self):
            return {**super().__call__(), "val_perplexity": next(perplexities)}

    class Kept(Callback):
        def __init__(self):
            self.weights = []

        def on_epoch_end(self, info):
            self.weights.append(read_weights(tmp_path / "last.npz"))

    monkeypatch.setattr(trainer, "Validator", Scripted)
    kept = Kept()
    history = train(
        *(MEALS.training[:64], tmp_path, make_config(epochs=3), MEALS.validation[:9]),
        progress=False,
        callbacks=[kept],
    )
    assert history["val_perplexity"] == [5.0, 3.0, 4.0]
    best, last = read_weights(tmp_path / "best.npz"), read_weights(tmp_path / "last.npz")
    for name in last:
        np.testing.assert_array_equal(last[name], kept.weights[2][name])
        np.testing.assert_array_equal(best[name], kept.weights[1][name])
    assert not np.array_equal(best["decoder/embedding"], last["decoder/embedding"])


@pytest.mark.parametrize("restore_best_weights", [True, False])
def test_replies_use_the_configured_weights(meals_dir, tmp_path, restore_best_weights):
    folder = shutil.copytree(meals_dir, tmp_path / "model")
    options = Config.load(folder)
    training = dataclasses.replace(options.training, restore_best_weights=restore_best_weights)
    dataclasses.replace(options, training=training).save(folder)
    for path in folder.glob("*.npz"):
        if path.name != training.weights_file:
            path.unlink()
    chat = Chat.load(folder)
    expected = read_weights(folder / training.weights_file)
    for name, variable in chat.model.named_weights().items():
        np.testing.assert_array_equal(variable, expected[name])


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
def test_an_epoch_is_the_best_by_any_metric(metric, values, best):
    assert best_epoch(metric, [{metric: value, "loss": 1} for value in values]) == best
    assert best_epoch(metric, [{"loss": 1}]) is None


def test_patience_counts_epochs_since_the_best():
    history = [{"val_loss": loss} for loss in (3, 2, 2, 4)]
    assert [should_stop_early("val_loss", history, patience) for patience in (0, 2, 3)] == [
        False,
        True,
        False,
    ]
    assert not should_stop_early("val_loss", [{"loss": 1}] * 9, 1)


def test_every_metric_can_choose():
    (choices,) = (
        f.metadata["choices"] for f in dataclasses.fields(TrainingConfig) if f.name == "monitor"
    )
    assert set(choices) == set(LOWER_IS_BETTER)


def test_what_is_measured_on_replies():
    flat, sharp = np.full([1, 2], 0.5), np.array([[1.0, 0.0]])
    said = [("好 的", flat), ("好 的", sharp), ("好 吃", flat), ("不", sharp)]
    samples = [SampleReply(["吃", "什么"], r.split(), r, weights, ["_"]) for r, weights in said]
    assert sample_metrics(samples) == {
        "sample_most_common_ratio": 1 / 2,
        "sample_distinct_1": 4 / 7,
        "sample_distinct_2": 2 / 3,
        "attention_entropy": pytest.approx(1 / 2),
    }


def test_training_stops_when_validation_no_longer_improves(tmp_path, caplog):
    # Validation replies that training contradicts more and more.
    pairs = [(f"问{i}", "好") for i in range(60)]
    options = make_config(epochs=40, patience=2)
    with caplog.at_level(logging.INFO):
        history = train(pairs, tmp_path, options, [("问1", "不 好 不")], progress=False)
    stopped = len(history["loss"])
    assert 3 <= stopped < 40
    assert stopped == int(np.argmin(history["val_perplexity"])) + 3
    assert f"Early stopping after epoch {stopped} of 40" in caplog.text


def loss_of_last_weights(folder, pairs) -> float:
    """In nats a word, by what answers."""
    chat = Chat.load(folder)
    load_weights(chat.model, folder / "last.npz")
    sides = [pair.prompt for pair in pairs], [pair.reply for pair in pairs]
    scores = chat.score(*sides, DecodingConfig(length_penalty=0.0))
    return -sum(scores) / sum(len(chat.tokenizer.target.encode(pair.reply)) for pair in pairs)


@pytest.fixture(scope="module")
def default_weights(tmp_path_factory):
    """The weights after each epoch of a training with no options."""
    folder, found = tmp_path_factory.mktemp("default"), []

    class Kept(Callback):
        def on_epoch_end(self, info):
            found.append(read_weights(folder / "last.npz"))

    pairs = MEALS.training[:64]
    train(pairs, folder, make_config(), pairs, progress=False, callbacks=[Kept()])
    return found


@pytest.mark.parametrize(
    "options", [{"compute_dtype": "bfloat16"}, {"num_sampled": 9}, {"optimizer": "adam"}], ids=str
)
def test_how_it_is_trained_changes_the_weights_and_not_how_it_is_measured(
    tmp_path, default_weights, options
):
    pairs = MEALS.training[:64]
    history = train(pairs, tmp_path, make_config(**options), pairs, progress=False)
    other = read_weights(tmp_path / "last.npz")
    assert any(np.any(weights != other[name]) for name, weights in default_weights[-1].items())
    assert loss_of_last_weights(tmp_path, pairs) == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_perplexity_is_that_of_the_mean_over_words(tmp_path):
    history = train(MEALS.training[:50], tmp_path, make_config(), MEALS.validation, progress=False)
    tokenizer = Seq2SeqTokenizer.load(tmp_path, TextConfig())

    def said(reply):
        return tokenizer.target.vocabulary.tokens(tokenizer.target.encode(reply))

    words = [w for p in MEALS.validation for w in said(p.reply)]
    characters = sum(1 if word in SPECIALS else len(word) for word in words)
    assert characters > len(words)
    for name, number in (("val_perplexity", len(words)), ("val_character_perplexity", characters)):
        for loss, perplexity in zip(history["val_loss"], history[name]):
            expected = math.exp(loss * len(words) / number)
            assert math.isclose(perplexity, expected, rel_tol=1e-5)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])


@pytest.mark.parametrize("averaging", ["ema", "last"])
def test_averaged_weights_are_what_is_measured_and_saved(tmp_path, default_weights, averaging):
    pairs = MEALS.training[:64]
    options = make_config(averaging=averaging, ema_decay=0.9, average_last_epochs=2)
    history = train(pairs, tmp_path, options, pairs, progress=False)
    assert loss_of_last_weights(tmp_path, pairs) == pytest.approx(history["val_loss"][-1], rel=1e-4)
    first, last = default_weights
    for name, value in read_weights(tmp_path / "last.npz").items():
        if averaging == "last":
            np.testing.assert_allclose(value, (first[name] + last[name]) / 2, atol=1e-6)
        else:
            assert np.any(np.abs(value - last[name]) > 1e-4), name


def test_the_best_epoch_by_replies_needs_prompts(tmp_path):
    with pytest.raises(
        ValueError, match="monitor is 'sample_distinct_2', a metric of sample replies"
    ):
        train(
            MEALS.training[:20], tmp_path, make_config(monitor="sample_distinct_2"), progress=False
        )


def test_a_listener_may_stop_a_training(tmp_path, caplog):
    class Enough(Callback):
        def on_epoch_end(self, info):
            return info.epoch == 2

    options = make_config(epochs=9, patience=5)
    with caplog.at_level(logging.INFO):
        history = train(
            MEALS.training[:20], tmp_path, options, progress=False, callbacks=[Enough()]
        )
    assert len(history["loss"]) == 2
    assert is_finished(tmp_path)
    assert "Early stopping" not in caplog.text
