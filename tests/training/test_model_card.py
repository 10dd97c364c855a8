"""The card of a model: what it learnt from, how good it is, what made it."""

from importlib import metadata

import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.api import train
from attention_seq2seq.training.model_card import render_model_card
from attention_seq2seq.training.model_dir import read_history

PAIRS = [("你好", "你好呀"), ("吃什么", "吃烤鸭")] * 8


def test_it_tells_data_licence_numbers_and_versions(tmp_path):
    config = Config(
        DataConfig(("/home/somebody/chat.tsv",), data_license="MIT, somebody's"),
        TextConfig(user_dictionary=""),
        ModelConfig(units=8),
        TrainingConfig(epochs=3, learning_rate=0.01, patience=0),
    )
    train(PAIRS, tmp_path, config, PAIRS[:3], progress=False)
    card = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    for words in ("16 pairs; 3 others", "Data: chat.tsv.", "Licence of the data: MIT, somebody's."):
        assert words in card
    assert "somebody/" not in card
    for package in ("attention_seq2seq", "tensorflow"):
        assert metadata.version(package) in card
    assert "- units: 8\n" in card
    assert "- attention" not in card
    losses = read_history(tmp_path)["val_loss"]
    assert f"| val_loss | {min(losses):.4g} |" in card
    assert f"After epoch {losses.index(min(losses)) + 1}, whose weights answer" in card
    assert "on the validation pairs (which chose the epoch)" in card


@pytest.mark.parametrize(
    ("options", "measured"),
    [
        ({}, {"loss": 1.0}),
        ({"monitor": "sample_distinct_1"}, {"val_loss": 1.0, "sample_distinct_1": 0.5}),
        ({"restore_best_weights": False}, {"val_loss": 1.0, "val_perplexity": 2.7}),
    ],
    ids=["no validation pairs", "chosen by sample prompts", "the last answers"],
)
def test_validation_pairs_that_chose_nothing_are_not_said_to(options, measured):
    config = Config(training=TrainingConfig(**options))
    card = render_model_card(config, {"training_pairs": 9, "validation_pairs": 3}, measured, 2)
    assert "on the validation pairs, `sample_`" in card


def test_names_of_files_are_shown_as_they_are():
    config = Config(DataConfig(("my_[1]*`chat`.tsv",), data_license="CC|BY_4\n# own"))
    card = render_model_card(config, {"training_pairs": 9, "validation_pairs": 0}, {"loss": 1.0}, 1)
    assert r"Data: my\_\[1\]\*\`chat\`.tsv." in card
    assert r"Licence of the data: CC\|BY\_4 \# own." in card


@pytest.mark.xdist_group("export")
def test_an_export_carries_the_card_of_its_model(export_dir, talk_dir):
    (exported,) = export_dir.rglob("CARD.md")
    assert exported.read_bytes() == (talk_dir / "CARD.md").read_bytes()


def test_what_is_not_known_is_said(tmp_path):
    config = Config(
        model=ModelConfig(units=8), training=TrainingConfig(epochs=2, restore_best_weights=False)
    )
    train(PAIRS, tmp_path, config, (), progress=False)
    card = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "Data: the default corpus, or pairs given in Python." in card
    assert "not stated by whoever trained the model" in card
    assert "After epoch 2, " in card
