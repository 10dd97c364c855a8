"""Interrupted trainings."""

import numpy as np
import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback

PAIRS = meal_dialogues().training[:64]


def make_config(text: TextConfig | None = None, **training) -> Config:
    options = {"epochs": 3, "batch_size": 8, "patience": 0, "compute_dtype": "float32", **training}
    return Config(
        text=text or TextConfig(), model=ModelConfig(units=8), training=TrainingConfig(**options)
    )


class PowerFailure(Exception):
    pass


class StopAtStep(Callback):
    """Raises `PowerFailure` after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, info):
        if info.step == self.step:
            raise PowerFailure


def train_until(folder, step, sample_prompts=(), **options):
    with pytest.raises(PowerFailure):
        train(
            *(PAIRS, folder, make_config(**options), []),
            progress=False,
            sample_prompts=sample_prompts,
            callbacks=[StopAtStep(step)],
            checkpoint_minutes=0,
        )


def read_last_weights(folder):
    with np.load(folder / "last.npz") as archive:
        return dict(archive)
