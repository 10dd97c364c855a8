"""What is measured after each epoch, and which epoch answers."""

import csv
import logging
import math

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.decoding_config import DecodingConfig
from attention_seq2seq.model.weights import load_weights
from attention_seq2seq.training import loop
from attention_seq2seq.training.folder import is_finished
from attention_seq2seq.training.listeners import Listener
from attention_seq2seq.training.trainer import train
from trainings import MEALS, config, weights_in


def test_the_best_and_the_last_epoch(tmp_path, monkeypatch):
    perplexities = iter([5.0, 3.0, 4.0])

    class Scripted(loop.Validation):
        def __call__(self):
            return {**super().__call__(), "val_perplexity": next(perplexities)}

    class Kept(Listener):
        def __init__(self):
            self.weights = []

        def measured(self, epoch):
            self.weights.append(weights_in(tmp_path / "last.npz"))

    monkeypatch.setattr(loop, "Validation", Scripted)
    kept = Kept()
    history = train(
        *(MEALS.training[:64], tmp_path, config(epochs=3), MEALS.validation[:9]),
        progress=False,
        listeners=[kept],
    )
    assert history["val_perplexity"] == [5.0, 3.0, 4.0]
    best, last = weights_in(tmp_path / "best.npz"), weights_in(tmp_path / "last.npz")
    for name in last:
        np.testing.assert_array_equal(last[name], kept.weights[2][name])
        np.testing.assert_array_equal(best[name], kept.weights[1][name])
    assert not np.array_equal(best["decoder/embedding"], last["decoder/embedding"])


@pytest.mark.parametrize("answer_with", ["best", "last"])
def test_the_checkpoint_that_answers_is_the_one_asked_for(tmp_path, answer_with):
    pairs = MEALS.training[:64]
    train(pairs, tmp_path, config(answer_with=answer_with), MEALS.validation[:9], progress=False)
    for path in tmp_path.glob("*.npz"):
        if path.stem != answer_with:
            path.unlink()
    chat = Chat.load(tmp_path)
    load_weights(chat.model, tmp_path / f"{answer_with}.npz")


def test_training_stops_when_validation_no_longer_improves(tmp_path, caplog):
    # Validation replies that training contradicts more and more.
    pairs = [(f"问{i}", "好") for i in range(60)]
    options = config(epochs=40, patience=2)
    with caplog.at_level(logging.INFO):
        history = train(pairs, tmp_path, options, [("问1", "不 好 不")], progress=False)
    stopped = len(history["loss"])
    assert 3 <= stopped < 40
    assert stopped == int(np.argmin(history["val_perplexity"])) + 3
    assert f"stopped after epoch {stopped} of 40" in caplog.text


def loss_of_last_weights(folder, pairs) -> float:
    """In nats a word, by what answers."""
    chat = Chat.load(folder)
    load_weights(chat.model, folder / "last.npz")
    sides = [pair.prompt for pair in pairs], [pair.reply for pair in pairs]
    scores = chat.scores(*sides, DecodingConfig(length_penalty=0.0))
    return -sum(scores) / sum(len(chat.codec.encode_reply(pair.reply)) for pair in pairs)


@pytest.fixture(scope="module")
def default_weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    train(MEALS.training[:64], folder, config(), MEALS.training[:64], progress=False)
    return weights_in(folder / "last.npz")


@pytest.mark.parametrize(
    "options", [{"dtype": "bfloat16"}, {"sampled_words": 9}, {"optimizer": "adam"}], ids=str
)
def test_how_it_is_trained_changes_the_weights_and_not_how_it_is_measured(
    tmp_path, default_weights, options
):
    pairs = MEALS.training[:64]
    history = train(pairs, tmp_path, config(**options), pairs, progress=False)
    other = weights_in(tmp_path / "last.npz")
    assert any(np.any(weights != other[name]) for name, weights in default_weights.items())
    assert loss_of_last_weights(tmp_path, pairs) == pytest.approx(history["val_loss"][-1], rel=1e-5)


def test_perplexity_is_that_of_the_mean_over_words(tmp_path):
    history = train(MEALS.training[:50], tmp_path, config(), MEALS.validation, progress=False)
    for loss, perplexity in zip(history["val_loss"], history["val_perplexity"]):
        assert math.isclose(perplexity, math.exp(loss), rel_tol=1e-5)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])


@pytest.mark.parametrize("averaging", ["ema", "last"])
def test_averaged_weights_are_what_is_measured_and_saved(tmp_path, averaging):
    pairs = MEALS.training[:64]
    options = config(averaging=averaging, ema_decay=0.9, averaged_epochs=2)
    history = train(pairs, tmp_path, options, pairs, progress=False)
    assert loss_of_last_weights(tmp_path, pairs) == pytest.approx(history["val_loss"][-1], rel=1e-4)
    assert history["val_loss"][-1] != pytest.approx(history["loss"][-1], rel=1e-3)


def test_the_best_epoch_by_replies_needs_prompts(tmp_path):
    with pytest.raises(ValueError, match="best_by is 'distinct_2', which"):
        train(MEALS.training[:20], tmp_path, config(best_by="distinct_2"), progress=False)


def test_a_listener_may_stop_a_training(tmp_path, caplog):
    class Enough(Listener):
        def measured(self, epoch):
            return epoch.number == 2

    options = config(epochs=9, patience=5)
    with caplog.at_level(logging.INFO):
        history = train(
            MEALS.training[:20], tmp_path, options, progress=False, listeners=[Enough()]
        )
    assert len(history["loss"]) == 2
    assert is_finished(tmp_path)
    assert "none better" not in caplog.text
