import dataclasses
import json

import pytest

from attention_seq2seq.config.config import CONFIG_FORMAT, Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig


def test_defaults():
    model = ModelConfig()
    assert (model.attention, model.attention_layer_activation, model.dropout) == (
        "luong",
        "linear",
        0.0,
    )
    assert not model.starts_from_encoder


def test_round_trip(tmp_path):
    config = Config(
        DataConfig(data=("a.tsv", "b.tsv"), validation_fraction=0.25),
        TextConfig(source_tokenizer="characters"),
        ModelConfig(units=7, attention="none"),
        TrainingConfig(seed=9),
    )
    config.save(tmp_path)
    assert Config.load(tmp_path) == config


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ModelConfig(units=0), "units is 0; expected between 1 and 16384"),
        (lambda: ModelConfig(units="8"), "units is '8', a str; expected a int"),
        (lambda: ModelConfig(units=True), "units is True, a bool"),
        (lambda: ModelConfig(dropout=float("nan")), "dropout is nan; expected a finite"),
        (
            lambda: ModelConfig(attention="bahdanau2"),
            "choose one of luong, scaled_luong, bahdanau",
        ),
        (lambda: ModelConfig(attention="none", initial_state="zero"), "never see the prompt"),
        (
            lambda: ModelConfig(attention="none", attention_layer_activation="tanh"),
            "there is no attention layer",
        ),
        (
            lambda: ModelConfig(num_layers=2, num_decoder_layers=3),
            "cannot have more. Use at most 2",
        ),
        (lambda: TrainingConfig(clip_norm=0.0), "clip_norm is 0.0; expected at least"),
        (lambda: TextConfig(vocabulary_size=5), "vocabulary_size is 5; expected at least 6"),
    ],
)
def test_invalid_options_raise_with_a_reason(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_integers_are_accepted_for_float_fields():
    assert TrainingConfig(clip_norm=1).clip_norm == 1.0


def test_without_attention_the_decoder_starts_from_the_encoder():
    assert ModelConfig(attention="none").starts_from_encoder
    assert ModelConfig(initial_state="encoder").starts_from_encoder


def test_fields_have_help_and_unique_names():
    fields = [f for group in dataclasses.fields(Config) for f in dataclasses.fields(group.type)]
    assert all(len(field.metadata["help"]) > 15 for field in fields)
    assert len({field.name for field in fields}) == len(fields)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "not a valid configuration"),
        (lambda text: "[]", "not a valid configuration"),
        (
            lambda text: text.replace(f'"format": {CONFIG_FORMAT}', '"format": 1'),
            "has format 1; expected",
        ),
        (lambda text: text.replace('"units"', '"unitz"'), "has an unknown option"),
        (lambda text: text.replace('"model"', '"modle"'), "has an unknown option"),
        (lambda text: text.replace('"units": 256', '"units": -1'), "units is -1"),
    ],
)
def test_damaged_files_raise(tmp_path, damage, message):
    Config().save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=message):
        Config.load(tmp_path)


def test_an_empty_folder_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no trained model"):
        Config.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="none: no such directory"):
        Config.load(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match="file is a file"):
        Config.load(tmp_path / "file")


def test_the_file_is_readable(tmp_path):
    Config(DataConfig(data=("聊天.tsv",))).save(tmp_path)
    text = (tmp_path / "config.json").read_text(encoding="utf-8")
    assert "聊天.tsv" in text
    assert json.loads(text)["model"]["units"] == 256
