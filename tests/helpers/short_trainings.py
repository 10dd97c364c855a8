"""Configs of short trainings on meal dialogues."""

import numpy as np

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues

MEALS = meal_dialogues()


def make_config(**training) -> Config:
    """Returns the config of a short training."""
    options = {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "patience": 0}
    options = {**options, "compute_dtype": "float32", **training}
    return Config(model=ModelConfig(units=16), training=TrainingConfig(**options))


def read_weights(path) -> dict[str, np.ndarray]:
    """Returns the weights in a file by name."""
    with np.load(path) as archive:
        return dict(archive)
