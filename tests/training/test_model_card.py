"""The model card: data, metrics, options and versions."""

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


def test_the_card_has_data_metrics_options_and_versions(tmp_path):
    config = Config(
        DataConfig(("/home/user/chat.tsv",), data_license="MIT, by the author"),
        TextConfig(user_dictionary=""),
        ModelConfig(units=8),
        TrainingConfig(epochs=3, learning_rate=0.01, patience=0),
    )
    train(PAIRS, tmp_path, config, PAIRS[:3], progress=False)
    card = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "16 for training, 3 for validation" in card
    assert "Data: chat.tsv\n" in card
    assert "License: MIT, by the author\n" in card
    # The folder of a data file is private.
    assert "user/" not in card
    for package in ("attention_seq2seq", "tensorflow"):
        assert metadata.version(package) in card
    assert "- units: 8\n" in card
    assert "- attention" not in card
    losses = read_history(tmp_path)["val_loss"]
    assert f"| val_loss | {min(losses):.4g} |" in card
    assert f"The weights are those of epoch {losses.index(min(losses)) + 1}." in card
    assert "on the validation pairs, which also selected the epoch." in card


@pytest.mark.parametrize(
    ("options", "metrics"),
    [
        ({}, {"loss": 1.0}),
        ({"monitor": "sample_distinct_1"}, {"val_loss": 1.0, "sample_distinct_1": 0.5}),
        ({"restore_best_weights": False}, {"val_loss": 1.0, "val_perplexity": 2.7}),
    ],
    ids=["no validation pairs", "selected by sample metrics", "last epoch"],
)
def test_the_card_has_no_selection_note_if_validation_did_not_select_the_epoch(options, metrics):
    config = Config(training=TrainingConfig(**options))
    card = render_model_card(config, {"training_pairs": 9, "validation_pairs": 3}, metrics, 2)
    assert "on the validation pairs.\n" in card


def test_markup_in_file_names_and_licenses_is_escaped():
    config = Config(DataConfig(("my_[1]*`chat`.tsv",), data_license="CC|BY_4\n# own"))
    card = render_model_card(config, {"training_pairs": 9, "validation_pairs": 0}, {"loss": 1.0}, 1)
    assert r"Data: my\_\[1\]\*\`chat\`.tsv" in card
    assert r"License: CC\|BY\_4 \# own" in card


@pytest.mark.xdist_group("export")
def test_an_export_contains_the_card_of_its_model(export_dir, talk_dir):
    (exported,) = export_dir.rglob("CARD.md")
    assert exported.read_bytes() == (talk_dir / "CARD.md").read_bytes()


@pytest.mark.slow
def test_the_card_says_that_data_and_license_are_not_stated(tmp_path):
    config = Config(
        model=ModelConfig(units=8), training=TrainingConfig(epochs=2, restore_best_weights=False)
    )
    train(PAIRS, tmp_path, config, (), progress=False)
    card = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "Data: the default corpus, or pairs given in Python\n" in card
    assert "License: not stated (`data_license`)\n" in card
    assert "The weights are those of epoch 2." in card
