"""Small models and batches. All sizes differ."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.training.objective import Seq2SeqObjective

SOURCE_VOCABULARY_SIZE, TARGET_VOCABULARY_SIZE, UNITS = 13, 11, 3
BOS_ID = 1

CONFIGURATIONS = [
    ModelConfig(
        units=UNITS,
        attention=attention,
        attention_layer_activation=activation,
        initial_state=initial_state,
    )
    for attention, activation, initial_state in itertools.product(
        ("luong", "scaled_luong"), ("linear", "tanh"), ("zero", "encoder")
    )
] + [ModelConfig(units=UNITS, attention="none")]

# Each further option on its own and combined.
FURTHER_CONFIGURATIONS = [
    ModelConfig(units=UNITS, attention=attention, initial_state=initial_state)
    for attention, initial_state in itertools.product(
        ("bahdanau", "normed_bahdanau", "luong_monotonic", "bahdanau_monotonic"),
        ("zero", "encoder"),
    )
] + [
    ModelConfig(**options)
    for options in (
        {"units": UNITS, "cell": "gru"},
        {"units": UNITS, "num_layers": 2},
        {"units": 4, "bidirectional": True, "initial_state": "encoder"},
        {"units": UNITS, "tie_output_projection": True},
        {"units": UNITS, "cell": "gru", "attention": "none"},
        {"units": UNITS, "num_layers": 3, "num_decoder_layers": 2, "initial_state": "encoder"},
        {
            "units": 4,
            "cell": "gru",
            "num_layers": 2,
            "bidirectional": True,
            "attention": "bahdanau",
        },
        {
            "units": 4,
            "num_layers": 2,
            "num_decoder_layers": 1,
            "bidirectional": True,
            "attention": "none",
        },
        {"units": UNITS, "cell": "gru", "num_layers": 2, "attention": "luong_monotonic"},
    )
]
# Shared vocabularies.
SHARED_EMBEDDING_CONFIGURATIONS = [
    ModelConfig(units=UNITS, share_embeddings=True),
    ModelConfig(units=UNITS, share_embeddings=True, tie_output_projection=True),
]


def config_id(config: ModelConfig) -> str:
    """Returns the options that differ from their defaults."""
    non_defaults = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(config)
        if field.name != "units" and getattr(config, field.name) != field.default
    }
    return ",".join(f"{name}={value}" for name, value in non_defaults.items()) or "default"


def make_objective(model, **options) -> Seq2SeqObjective:
    """Returns the training objective of a model."""
    return Seq2SeqObjective(
        model, BOS_ID, TrainingConfig(**{"compute_dtype": "float32", **options})
    )


def training_losses(objective, batch, sampling_probability=0.0):
    """Returns the training loss float32[tokens] of each token without padding."""
    return tf.add(*objective.token_losses(batch, sampling_probability))


def mean_loss(objective, batch):
    """Returns the mean loss over tokens without padding."""
    return tf.reduce_mean(training_losses(objective, batch))


def random_model(
    config: ModelConfig, seed: int = 1, scale: float = 0.8, target=TARGET_VOCABULARY_SIZE
):
    """Returns a model with random weights, large enough for non-uniform attention."""
    keras.utils.set_random_seed(seed)
    model = make_model(
        config, target if config.share_embeddings else SOURCE_VOCABULARY_SIZE, target
    )
    randomize_weights(model, seed, scale)
    return model


def randomize_weights(model, seed: int, scale: float = 0.8) -> None:
    """Assigns normally distributed weights."""
    rng = np.random.default_rng(seed)
    for variable in model.named_weights().values():
        variable.assign(rng.normal(0, scale, variable.shape).astype(np.float32))


@functools.cache
def shared_model(config: ModelConfig):
    """Returns the cached random model of a config. Its weights are read-only."""
    return random_model(config)


def parametrize_configs(configs):
    """Parametrizes a test by model configs; tests of equal configs run in one process.

    Those that are not in `covering_configs` are slow.
    """
    quick = covering_configs(configs)
    params = [
        pytest.param(
            config,
            id=config_id(config),
            marks=[
                pytest.mark.xdist_group(config_id(config)),
                *([] if config in quick else [pytest.mark.slow]),
            ],
        )
        for config in configs
    ]
    return pytest.mark.parametrize("config", params)


def covering_configs(configs) -> list[ModelConfig]:
    """Returns the configs that have an option value which no config before them has."""
    quick, covered = [], set()
    for config in configs:
        values = set(dataclasses.asdict(config).items())
        if not values <= covered:
            quick.append(config)
        covered |= values
    return quick


def source_vocabulary_size(config: ModelConfig) -> int:
    """Returns the size of the source vocabulary."""
    return TARGET_VOCABULARY_SIZE if config.share_embeddings else SOURCE_VOCABULARY_SIZE


def random_batch(
    rows: int,
    source_time: int,
    target_time: int,
    seed: int = 1,
    target=TARGET_VOCABULARY_SIZE,
    source=SOURCE_VOCABULARY_SIZE,
):
    """Returns a training batch with lengths from 1 to the maximum."""
    rng = np.random.default_rng(seed)
    source_length = rng.integers(1, source_time + 1, rows)
    target_length = rng.integers(1, target_time + 1, rows)
    source_length[0], target_length[-1] = source_time, target_time

    def ids(size, lengths, time):
        mask = np.arange(time) < lengths[:, np.newaxis]
        return np.where(mask, rng.integers(5, size, [rows, time]), 0)

    arrays = {
        "source_ids": ids(source, source_length, source_time),
        "source_length": source_length,
        "target_ids": ids(target, target_length, target_time),
        "target_length": target_length,
    }
    batch = {name: tf.constant(array, tf.int32) for name, array in arrays.items()}
    return {**batch, "batch_index": tf.constant(seed, tf.int64)}


def to_arrays(model) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.named_weights().items()}
