"""Small models and batches that the tests share; all sizes differ."""

import itertools

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config import ModelConfig
from attention_seq2seq.model.seq2seq import Seq2Seq

SOURCE_WORDS, TARGET_WORDS, UNITS = 13, 11, 3

CONFIGURATIONS = [
    ModelConfig(units=UNITS, attention=attention, attention_vector=vector, initial_state=start)
    for attention, vector, start in itertools.product(
        ("luong", "scaled_luong"), ("linear", "tanh"), ("zero", "encoder")
    )
] + [ModelConfig(units=UNITS, attention="none")]


def name_of(config: ModelConfig) -> str:
    return f"{config.attention}-{config.attention_vector}-{config.initial_state}"


def random_model(config: ModelConfig, seed: int = 1, scale: float = 0.8, target=TARGET_WORDS):
    """A model with weights large enough for attention to be anything but flat."""
    keras.utils.set_random_seed(seed)
    model = Seq2Seq(config, SOURCE_WORDS, target)
    draw = np.random.default_rng(seed)
    for variable in model.named_weights().values():
        variable.assign(draw.normal(0, scale, variable.shape).astype(np.float32))
    return model


def random_batch(rows: int, source_time: int, target_time: int, seed: int = 1, target=TARGET_WORDS):
    """A batch as the trainer sees it, every length from 1 to the whole possible."""
    draw = np.random.default_rng(seed)
    source_length = draw.integers(1, source_time + 1, rows)
    target_length = draw.integers(1, target_time + 1, rows)
    source_length[0], target_length[-1] = source_time, target_time

    def ids(size, lengths, time):
        real = np.arange(time) < lengths[:, np.newaxis]
        return np.where(real, draw.integers(5, size, [rows, time]), 0)

    arrays = {
        "source_ids": ids(SOURCE_WORDS, source_length, source_time),
        "source_length": source_length,
        "target_ids": ids(target, target_length, target_time),
        "target_length": target_length,
    }
    return {name: tf.constant(array, tf.int32) for name, array in arrays.items()}


def as_arrays(model) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.named_weights().items()}
