"""Differences between Keras 2 and Keras 3 that would change results without an error.

Optimizers of Keras 3 always sum gradients over replicas; `test_distributed.py` trains with SGD on
gradients that are summed already.
"""

import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention import backend
from helpers.scripts import ROOT
from helpers.small_models import (
    make_objective,
    parametrize_configs,
    random_batch,
    random_model,
    shared_model,
)

CONFIGS = [
    ModelConfig(units=4),
    ModelConfig(units=4, attention="none"),
    ModelConfig(units=4, attention="normed_bahdanau", cell="gru", num_layers=2, bidirectional=True),
    ModelConfig(units=4, share_embeddings=True, tie_output_projection=True),
]


@parametrize_configs(CONFIGS)
def test_weights_are_variables_of_tensorflow(config):
    """Keras 3 wraps variables; a checkpoint, an export and raw operations need those inside."""
    weights = shared_model(config).named_weights().values()
    assert all(isinstance(weight, tf.Variable) for weight in weights)
    assert len({weight.ref() for weight in weights}) == len(weights)


@parametrize_configs(CONFIGS)
def test_no_layer_is_built_again_by_its_first_call(config):
    """Keras 3 calls a layer that is not built with symbolic inputs, and may replace weights."""
    model = shared_model(config)
    layers = [
        layer
        for layer in model._flatten_layers()
        if not type(layer).__module__.startswith("tensorflow_addons")
    ]
    assert len(layers) > 5
    assert not [layer.name for layer in layers if not layer.built]
    names = set(model.named_weights())
    source = 11 if config.share_embeddings else 13
    make_objective(model).logits(random_batch(2, 3, 2, source=source))
    assert set(model.named_weights()) == names
    assert len(model.weights) == len(names)


def test_gradients_of_embeddings_are_sparse():
    """Dense ones would update the rows of all tokens, at the cost of the whole vocabulary."""
    model = random_model(ModelConfig(units=4))
    gradients, _ = make_objective(model).gradients(random_batch(2, 3, 2), 5.0, 0.0)
    for name, gradient in zip(model.named_weights(), gradients):
        assert isinstance(gradient, tf.IndexedSlices) == name.endswith("/embedding"), name


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_ids_and_lengths_of_any_integer_type_are_accepted(dtype):
    """Keras 3 does not convert the arguments of a call to int32."""
    model, batch = shared_model(CONFIGS[0]), random_batch(2, 3, 2)
    arguments = [batch[name].numpy() for name in ("source_ids", "source_length")]
    _, expected = model.initial_state(*arguments)
    _, state = model.initial_state(*(argument.astype(dtype) for argument in arguments))
    tf.nest.map_structure(np.testing.assert_array_equal, state, expected)


def test_legacy_keras_is_refused_with_later_versions_of_tensorflow(monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setattr(tf, "__version__", "2.21.0")
    with pytest.raises(ImportError, match=r"2\.21\.0 with Keras 2 .* Unset .*TF_USE_LEGACY_KERAS"):
        runpy.run_path(backend.__file__)


@pytest.mark.skipif(not hasattr(keras, "ops"), reason="Keras 2 is supported by TensorFlow 2.15")
def test_legacy_keras_is_refused_by_commands_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "attention_seq2seq", "train", f"--model_dir={tmp_path}/model"]
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert re.fullmatch(r"Error: TensorFlow .* with Keras 2 [^.]*\. Unset [^.]*\.\n", result.stderr)
