"""The LSTM of the encoder and of both decoders."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.products import loop_product, multiply


@tf.custom_gradient
def lstm_state(gates: tf.Tensor, c: tf.Tensor):
    """The state after one step.

        h' = sigmoid(o) tanh(c'),  c' = sigmoid(f) c + sigmoid(i) tanh(g)

    Its gradient is written down: that of the single operations takes twice as long.

    Args:
        gates: float32[batch, 4 * units], i, f, g and o.
        c: float32[batch, units], the cell's state before.

    Returns:
        (h', c'), each float32[batch, units].
    """
    i, f, g, o = tf.split(gates, 4, axis=1)
    i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    after = f * c + i * g
    tanh_after = tf.tanh(after)

    def gradient(dh, dc):
        dc += dh * o * (1 - tanh_after * tanh_after)
        dgates = [
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dc * i * (1 - g * g),
            dh * tanh_after * o * (1 - o),
        ]
        return tf.concat(dgates, axis=1), dc * f

    return (o * tanh_after, after), gradient


def before(first: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """What each step found: `first`, then the values float[time, batch, width] without the last."""
    return tf.concat([first[tf.newaxis], values[:-1]], axis=0)


class LSTMCell(keras.layers.Layer):
    """An LSTM cell; its weights, their names and first values are those of Keras' cell.

    It makes single steps as any cell does, on its own or in an `AttentionWrapper`. Over a whole
    sequence what the inputs bring to the gates is computed at once, before the loop, and in the
    loop only what the step before left is multiplied.

    Args:
        units: width of the state.
        inputs_size: width of the inputs.

    Call arguments:
        inputs: float32[batch, inputs_size].
        states: h and c, each float32[batch, units].

    Returns:
        h after the step, and [h, c].
    """

    def __init__(self, units: int, inputs_size: int, name: str):
        super().__init__(name=name)
        self.units = self.output_size = units
        self.state_size = [units, units]
        self.kernel = self.add_weight(
            name="kernel", shape=[inputs_size, 4 * units], initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=[units, 4 * units], initializer="orthogonal"
        )
        self.bias = self.add_weight(
            name="bias", shape=[4 * units], initializer=_open_forget_gates(units)
        )

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        """Zeros; `AttentionWrapper` asks for it."""
        return [tf.zeros([batch_size, self.units], dtype)] * 2

    def call(self, inputs, states):
        """One step."""
        h, c = states
        gates = tf.matmul(inputs, self.kernel) + tf.matmul(h, self.recurrent_kernel) + self.bias
        h, c = lstm_state(gates, c)
        return h, [h, c]

    def unroll(self, inputs, state, dtype: tf.DType = tf.float32):
        """All steps.

        Args:
            inputs: float32[time, batch, inputs_size].
            state: h and c before the first step, each float32[batch, units].
            dtype: what products are computed in.

        Returns:
            h and c after each step, each float32[time, batch, units].
        """
        product, gates = loop_product(
            tf.convert_to_tensor(self.recurrent_kernel),
            multiply(inputs, self.kernel, dtype) + self.bias,
            lambda: before(state[0], h),
            dtype,
        )
        h, c = tf.scan(
            lambda state, gates: lstm_state(gates + product(state[0]), state[1]), gates, state
        )
        return h, c

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        return {
            "lstm/kernel": self.kernel,
            "lstm/recurrent_kernel": self.recurrent_kernel,
            "lstm/bias": self.bias,
        }


def _open_forget_gates(units: int):
    """Ones for f, so that the first gradients reach the first words; zeros elsewhere."""

    def initialize(shape, dtype=None, **_):
        return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), units)

    return initialize
