"""Luong attention around an LSTM cell: the border to `tfa.seq2seq`, which no other module crosses.

TensorFlow Addons keeps the memory on the layer, from one call to the next. Here every call brings
its memory along, and sets it up before the cell is used: nothing is remembered in between.
"""

import warnings
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.encoder import Encoded
from attention_seq2seq.model.lstm import lstm_weights

with warnings.catch_warnings():
    # Its end of life is known here and of no use to whoever runs a program.
    warnings.filterwarnings(
        "ignore",
        message=r"\s*TensorFlow Addons \(TFA\) has ended development",
        category=UserWarning,
    )
    from tensorflow_addons.seq2seq import AttentionWrapper, AttentionWrapperState, LuongAttention


class Memory(NamedTuple):
    """What the decoder attends to, prepared once for a whole reply.

    Attributes:
        values: float[batch, source_time, units], the encoder outputs, zero at padding.
        keys: float[batch, source_time, units], values as the score sees them: W_a times h_s.
        mask: bool[batch, source_time], True at real words.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


class AttentionState(NamedTuple):
    """What one step leaves to the next.

    Attributes:
        lstm: (h, c), each float[batch, units].
        attention_vector: float[batch, units]; it is fed back as input (input feeding).
    """

    lstm: tuple[tf.Tensor, tf.Tensor]
    attention_vector: tf.Tensor


class AttentionLSTM(keras.layers.Layer):
    """An LSTM that looks at the memory at each step: the document's AttentionWrapper.

    With query h_t (the LSTM's output) and memory h_s (Luong et al. 2015):

        scores             = h_t W_a h_s                     (eq. 8, "general")
        attention_weights  = softmax(scores)                 (eq. 7)
        context            = sum of attention_weights h_s
        attention_vector   = W_c [h_t; context]              (eq. 5; with tanh, as an option)

    Args:
        units: the LSTM size, which is the attention size.
        attention: "luong", or "scaled_luong" for scores times a learned scale.
        attention_vector: "linear" (the document) or "tanh" (the paper).
    """

    def __init__(self, units: int, attention: str = "luong", attention_vector: str = "linear"):
        super().__init__(name="attention_lstm")
        self.units = units
        self.mechanism = LuongAttention(units, scale=attention == "scaled_luong")
        self.attention_layer = keras.layers.Dense(
            units, use_bias=False, activation=attention_vector, name="attention_layer"
        )
        self.cell = AttentionWrapper(
            keras.layers.LSTMCell(units, name="decoder_lstm"),
            self.mechanism,
            attention_layer=self.attention_layer,
            name="Attention_Wrapper",
        )
        self.rnn = keras.layers.RNN(self.cell, return_sequences=True)

    def prepare(self, encoded: Encoded) -> Memory:
        """The memory of encoded prompts."""
        self.mechanism.setup_memory(encoded.outputs, encoded.length)
        mask = tf.sequence_mask(encoded.length, tf.shape(encoded.outputs)[1])
        return Memory(self.mechanism.values, self.mechanism.keys, mask)

    def initial_state(self, lstm: tuple[tf.Tensor, tf.Tensor]) -> AttentionState:
        """The state before the first step: no attention vector yet."""
        return AttentionState(lstm, tf.zeros_like(lstm[0]))

    def unroll(self, inputs: tf.Tensor, memory: Memory, state: AttentionState) -> tf.Tensor:
        """Runs over all inputs at once, as in training.

        Args:
            inputs: float[batch, target_time, units].
            memory: from `prepare`.
            state: from `initial_state`.

        Returns:
            float[batch, target_time, units], the attention vectors.
        """
        self._attend_to(memory)
        return self.rnn(inputs, initial_state=self._wrapper_state(memory, state))

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: AttentionState
    ) -> tuple[tf.Tensor, tf.Tensor, AttentionState]:
        """One step.

        Args:
            inputs: float[batch, units].
            memory: from `prepare`.
            state: from `initial_state` or the step before.

        Returns:
            The attention vector float[batch, units], the attention weights
            float[batch, source_time] (padding has exactly zero), and the next state.
        """
        self._attend_to(memory)
        attention_vector, after = self.cell(inputs, self._wrapper_state(memory, state))
        h, c = after.cell_state
        return attention_vector, after.alignments, AttentionState((h, c), attention_vector)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        weights = {
            **lstm_weights(self.cell._cell),
            "memory_layer/kernel": self.mechanism.memory_layer.kernel,
            "attention_layer/kernel": self.attention_layer.kernel,
        }
        if self.mechanism.scale_weight is not None:
            weights["scale"] = self.mechanism.scale_weight
        return weights

    def _attend_to(self, memory: Memory) -> None:
        # What `prepare` had the mechanism compute is given back to it. To set it up once more
        # would compute keys and mask at each step of a loop: the mechanism takes its batch size
        # from the new keys, so TensorFlow cannot prune them.
        self.mechanism.values = memory.values
        self.mechanism.keys = memory.keys
        self.mechanism.batch_size = tf.shape(memory.keys)[0]
        self.mechanism.probability_fn = _softmax_of_real_words(memory.mask)

    def _wrapper_state(self, memory: Memory, state: AttentionState) -> AttentionWrapperState:
        # float[batch, source_time]; Luong attention does not read the weights of the step before.
        weights = tf.zeros(tf.shape(memory.values)[:2], memory.values.dtype)
        return AttentionWrapperState(
            cell_state=list(state.lstm),
            attention=state.attention_vector,
            alignments=weights,
            attention_state=weights,
            alignment_history=(),
        )


def _softmax_of_real_words(mask: tf.Tensor):
    """A softmax for the mechanism that gives padding exactly zero."""

    def softmax(scores, _):
        scores = tf.where(mask, scores, scores.dtype.min)
        # Without the rank TensorFlow's cost model logs a line at each run.
        return tf.nn.softmax(tf.ensure_shape(scores, [None, None]))

    return softmax
