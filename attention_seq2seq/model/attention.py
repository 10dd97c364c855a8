"""Luong attention around an LSTM cell: the border to `tfa.seq2seq`, which no other module crosses.

TensorFlow Addons keeps the memory on the layer, from one call to the next. Here every call brings
its memory along, and sets it up before the cell is used: nothing is remembered in between.
"""

import warnings
from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.encoder import Encoded
from attention_seq2seq.model.lstm import LSTMCell, before, lstm_state
from attention_seq2seq.model.products import loop_product, multiply

with warnings.catch_warnings():
    # Its end of life is known here and of no use to whoever runs a program.
    warnings.filterwarnings(
        "ignore",
        message=r"\s*TensorFlow Addons \(TFA\) has ended development",
        category=UserWarning,
    )
    from tensorflow_addons.seq2seq import AttentionWrapper, AttentionWrapperState, LuongAttention


_NAME = "Attention_Wrapper"


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
        self.attention_layer.build([None, 2 * units])
        # Its inputs are a word and the attention vector of the step before (input feeding).
        self.lstm = LSTMCell(units, 2 * units, name="decoder_lstm")
        self.cell = AttentionWrapper(
            self.lstm, self.mechanism, attention_layer=self.attention_layer, name=_NAME
        )

    def prepare(self, encoded: Encoded) -> Memory:
        """The memory of encoded prompts."""
        self.mechanism.setup_memory(encoded.outputs, encoded.length)
        mask = tf.sequence_mask(encoded.length, tf.shape(encoded.outputs)[1])
        return Memory(self.mechanism.values, self.mechanism.keys, mask)

    def initial_state(self, lstm: tuple[tf.Tensor, tf.Tensor]) -> AttentionState:
        """The state before the first step: no attention vector yet."""
        return AttentionState(lstm, tf.zeros_like(lstm[0]))

    def unroll(
        self,
        inputs: tf.Tensor,
        memory: Memory,
        state: AttentionState,
        dtype: tf.DType = tf.float32,
    ) -> tf.Tensor:
        """Runs over all inputs at once, as in training.

        Args:
            inputs: float32[target_time, batch, units].
            memory: from `prepare`.
            state: from `initial_state`.
            dtype: what products with the layers' kernels are computed in, float32 or bfloat16;
                scores and contexts are float32.

        Returns:
            float32[target_time, batch, units], the attention vectors.
        """
        units, layer = self.units, self.attention_layer
        kernel = tf.concat([self.lstm.kernel[units:], self.lstm.recurrent_kernel], axis=0)
        recurrent, gates = loop_product(
            kernel,
            multiply(inputs, self.lstm.kernel[:units], dtype) + self.lstm.bias,
            lambda: before(tf.concat([state.attention_vector, state.lstm[0]], 1), fed_back),
            dtype,
        )
        attending, nothing = loop_product(
            tf.convert_to_tensor(layer.kernel),
            tf.zeros_like(inputs),
            lambda: tf.concat([h, tf.einsum("tbs,bsu->tbu", weights, memory.values)], 2),
            dtype,
        )
        self._attend_to(memory)

        # What `step` has the wrapper do, but with what could be computed before the loop.
        def one(states, inputs):
            (h, c), vector, weights = states
            gates, nothing = inputs
            h, c = lstm_state(gates + recurrent(tf.concat([vector, h], axis=1)), c)
            weights, _ = self.mechanism([h, weights])
            context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], memory.values), axis=1)
            vector = layer.activation(attending(tf.concat([h, context], axis=1)) + nothing)
            return (h, c), vector, weights

        start = state.lstm, state.attention_vector, _no_weights(memory)
        (h, _), vectors, weights = tf.scan(one, (gates, nothing), start)
        fed_back = tf.concat([vectors, h], axis=2)
        return vectors

    def step(
        self, inputs: tf.Tensor, memory: Memory, state: AttentionState
    ) -> tuple[tf.Tensor, tf.Tensor, AttentionState]:
        """One step.

        Args:
            inputs: float32[batch, units].
            memory: from `prepare`.
            state: from `initial_state` or the step before.

        Returns:
            The attention vector float32[batch, units], the attention weights
            float32[batch, source_time] (padding has exactly zero), and the next state.
        """
        self._attend_to(memory)
        attention_vector, after = self.cell(inputs, self._wrapper_state(memory, state))
        h, c = after.cell_state
        return attention_vector, after.alignments, AttentionState((h, c), attention_vector)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        weights = {
            **self.lstm.named_weights(),
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
        weights = _no_weights(memory)
        return AttentionWrapperState(
            cell_state=list(state.lstm),
            attention=state.attention_vector,
            alignments=weights,
            attention_state=weights,
            alignment_history=(),
        )


def _no_weights(memory: Memory) -> tf.Tensor:
    """float[batch, source_time]; Luong attention does not read the weights of the step before."""
    return tf.zeros(tf.shape(memory.values)[:2], memory.values.dtype)


def _softmax_of_real_words(mask: tf.Tensor):
    """A softmax for the mechanism that gives padding exactly zero."""

    def softmax(scores, _):
        scores = tf.where(mask, scores, scores.dtype.min)
        # Without the rank TensorFlow's cost model logs a line at each run.
        return tf.nn.softmax(tf.ensure_shape(scores, [None, None]))

    return softmax
