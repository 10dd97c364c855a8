"""Recurrent cell that attends to a memory after each step."""

from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.mechanisms import AttentionMechanism


class AttentionWrapperState(NamedTuple):
    """State of an `AttentionWrapper` between two steps.

    Attributes:
        cell_state: state of the wrapped cell.
        attention: float[batch, attention_size], the attention vector.
        alignments: float[batch, time], the attention weights.
        alignment_history: always empty.
        attention_state: float[batch, time], state of the attention mechanism.
    """

    cell_state: Any
    attention: tf.Tensor
    alignments: tf.Tensor
    alignment_history: Any
    attention_state: tf.Tensor


class AttentionWrapper(keras.layers.Layer):
    """Wraps a recurrent cell with attention (input feeding).

    The cell reads the inputs and the attention vector of the previous step. Its output is the
    query, and the attention layer combines it with the context.

    Args:
        cell: the recurrent cell.
        attention_mechanism: the attention mechanism, whose memory is set up before each call.
        attention_layer: layer from the query and the context to the attention vector.
        name: name of the layer.

    Call arguments:
        inputs: float[batch, input_size], inputs of the step.
        state: `AttentionWrapperState`.

    Returns:
        The attention vector float[batch, attention_size], and the next state.
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        attention_mechanism: AttentionMechanism,
        attention_layer: keras.layers.Layer,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._cell = cell
        self._attention_mechanism = attention_mechanism
        self._attention_layer = attention_layer
        self.built = True

    def call(self, inputs, state):
        """Computes one step."""
        query, cell_state = self._cell(
            tf.concat([inputs, state.attention], axis=-1), state.cell_state
        )
        mechanism = self._attention_mechanism
        weights, attention_state = mechanism([query, state.attention_state])
        context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], mechanism.values), axis=1)
        attention = self._attention_layer(tf.concat([query, context], axis=1))
        return attention, AttentionWrapperState(
            cell_state, attention, weights, state.alignment_history, attention_state
        )
