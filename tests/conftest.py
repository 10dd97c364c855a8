"""Shared by all tests: quiet TensorFlow, and one small trained model."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest


@pytest.fixture(scope="session")
def meals_dir(tmp_path_factory):
    """The folder of a small model that has learnt meal talk; to be read, not written."""
    from attention_seq2seq.config import Config, ModelConfig, TrainingConfig
    from attention_seq2seq.data.meals import meal_talk
    from attention_seq2seq.training.trainer import train

    folder = tmp_path_factory.mktemp("meals")
    config = Config(
        model=ModelConfig(units=48),
        training=TrainingConfig(epochs=8, batch_size=32, learning_rate=0.01, patience=0),
    )
    train(meal_talk().training, folder, config, meal_talk().validation, progress=False)
    return folder


@pytest.fixture(scope="session")
def chat(meals_dir):
    """The same, loaded."""
    from attention_seq2seq.chat import Chat

    return Chat.load(meals_dir)
