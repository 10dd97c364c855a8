"""Validation metrics after each epoch, and the weights that they are computed with."""

import csv
import math

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.models.weights import load_weights
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import SPECIALS
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from helpers.short_trainings import MEALS, make_config, read_weights

PAIRS = MEALS.training[:64]


def loss_of_last_weights(folder, pairs) -> float:
    """Returns the loss of pairs in nats per token, computed by `Chat.score`."""
    chat = Chat.load(folder)
    load_weights(chat.model, folder / "last.npz")
    scores = chat.score(
        [pair.prompt for pair in pairs],
        [pair.reply for pair in pairs],
        DecodingConfig(length_penalty=0.0),
    )
    return -sum(scores) / sum(len(chat.tokenizer.target.encode(pair.reply)) for pair in pairs)


@pytest.fixture(scope="module")
def default_weights(tmp_path_factory):
    """The weights after each epoch of a training with default options."""
    folder, weights = tmp_path_factory.mktemp("default"), []

    class RecordWeights(Callback):
        def on_epoch_end(self, info):
            weights.append(read_weights(folder / "last.npz"))

    train(PAIRS, folder, make_config(), PAIRS, progress=False, callbacks=[RecordWeights()])
    return weights


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"compute_dtype": "bfloat16"}, {"num_sampled": 9}, {"optimizer": "adam"}], ids=str
)
def test_validation_is_exact_for_any_training_options(tmp_path, default_weights, options):
    history = train(PAIRS, tmp_path, make_config(**options), PAIRS, progress=False)
    weights = read_weights(tmp_path / "last.npz")
    assert any(np.any(value != weights[name]) for name, value in default_weights[-1].items())
    assert loss_of_last_weights(tmp_path, PAIRS) == pytest.approx(history["val_loss"][-1], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("averaging", ["ema", "last"])
def test_averaged_weights_are_validated_and_saved(tmp_path, default_weights, averaging):
    options = make_config(averaging=averaging, ema_decay=0.9, average_last_epochs=2)
    history = train(PAIRS, tmp_path, options, PAIRS, progress=False)
    assert loss_of_last_weights(tmp_path, PAIRS) == pytest.approx(history["val_loss"][-1], rel=1e-4)
    first, last = default_weights
    for name, value in read_weights(tmp_path / "last.npz").items():
        if averaging == "last":
            np.testing.assert_allclose(value, (first[name] + last[name]) / 2, atol=1e-6)
        else:
            assert np.any(np.abs(value - last[name]) > 1e-4), name


def test_perplexities_are_means_over_tokens_and_over_characters(tmp_path):
    history = train(MEALS.training[:50], tmp_path, make_config(), MEALS.validation, progress=False)
    tokenizer = Seq2SeqTokenizer.load(tmp_path, TextConfig()).target
    tokens = [
        token
        for pair in MEALS.validation
        for token in tokenizer.vocabulary.tokens(tokenizer.encode(pair.reply))
    ]
    num_characters = sum(1 if token in SPECIALS else len(token) for token in tokens)
    assert num_characters > len(tokens)
    for name, count in (
        ("val_perplexity", len(tokens)),
        ("val_character_perplexity", num_characters),
    ):
        for loss, perplexity in zip(history["val_loss"], history[name]):
            expected = math.exp(loss * len(tokens) / count)
            assert math.isclose(perplexity, expected, rel_tol=1e-5)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])
