"""`Chat.load`: incomplete folders, choice of weights, mismatched weights and ensembles."""

import dataclasses
import shutil

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from helpers.short_trainings import read_weights

QUESTION = "今天晚上吃什么"


def copy_dir(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        ("config.json", FileNotFoundError, "has no trained model"),
        ("vocabulary.txt", FileNotFoundError, "is missing: training did not finish"),
        ("best.npz", FileNotFoundError, "no weights, because training was stopped before"),
    ],
)
def test_incomplete_folders_raise(meals_dir, tmp_path, file, error, message):
    folder = copy_dir(meals_dir, tmp_path)
    (folder / file).unlink()
    with pytest.raises(error, match=message):
        Chat.load(folder)


@pytest.mark.parametrize("restore_best_weights", [True, False])
def test_only_the_configured_weights_are_loaded(meals_dir, tmp_path, restore_best_weights):
    folder = copy_dir(meals_dir, tmp_path)
    config = Config.load(folder)
    training = dataclasses.replace(config.training, restore_best_weights=restore_best_weights)
    dataclasses.replace(config, training=training).save(folder)
    for path in folder.glob("*.npz"):
        if path.name != training.weights_file:
            path.unlink()
    chat = Chat.load(folder)
    expected = read_weights(folder / training.weights_file)
    for name, variable in chat.model.named_weights().items():
        np.testing.assert_array_equal(variable, expected[name])


def test_a_vocabulary_of_the_wrong_size_raises(meals_dir, tmp_path):
    folder = copy_dir(meals_dir, tmp_path)
    with (folder / "vocabulary.txt").open("a", encoding="utf-8") as file:
        file.write("龘\n")
    with pytest.raises(ValueError, match="weights of another model: decoder/embedding has shape"):
        Chat.load(folder)


def test_an_ensemble_of_equal_models_replies_like_a_single_one(chat, meals_dir):
    ensemble = Chat.load(meals_dir, meals_dir)
    for decoding in (DecodingConfig(), DecodingConfig(method="beam")):
        replies = [model.reply([QUESTION, "龘"], decoding) for model in (chat, ensemble)]
        for expected, reply in zip(*replies):
            assert reply.text == expected.text
            np.testing.assert_allclose(reply.score, expected.score, atol=1e-4)
            np.testing.assert_allclose(reply.contributions, expected.contributions, atol=1e-3)


def test_ensembles_require_equal_vocabularies(meals_dir, tmp_path):
    folder = copy_dir(meals_dir, tmp_path)
    tokens = (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    text = "".join(f"{token}\n" for token in [*tokens[:-2], tokens[-1], tokens[-2]])
    (folder / "vocabulary.txt").write_text(text, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"Cannot ensemble .* and .*copy: their vocabularies differ"
    ):
        Chat.load(meals_dir, folder)
