"""Differences between Keras 2 and Keras 3 that would change results without an error.

Optimizers of Keras 3 always sum gradients over replicas; `test_distributed.py` trains with SGD on
gradients that are summed already.
"""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
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
    """Keras 3 wraps variables; checkpoints, exports and raw operations need the wrapped ones."""
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


def test_ids_and_lengths_of_int64_are_accepted():
    """Keras 3 does not convert the arguments of a call to int32."""
    model, batch = shared_model(CONFIGS[0]), random_batch(2, 3, 2)
    arguments = [batch[name].numpy() for name in ("source_ids", "source_length")]
    _, expected = model.initial_state(*arguments)
    _, state = model.initial_state(*(argument.astype(np.int64) for argument in arguments))
    tf.nest.map_structure(np.testing.assert_array_equal, state, expected)
