"""The LSTM, the document's cell."""

import tensorflow as tf

from attention_seq2seq.models.cells.recurrent import RecurrentCell


@tf.custom_gradient
def lstm_step(gates: tf.Tensor, c: tf.Tensor):
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


class LSTMCell(RecurrentCell):
    """An LSTM cell; its weights, their names and first values are those of Keras' cell.

    See `RecurrentCell`; the state is (h, c).
    """

    num_states = 2

    def __init__(self, units: int, inputs_size: int, name: str):
        super().__init__(units, inputs_size, name)
        self.kernel = self.add_weight(
            name="kernel", shape=[inputs_size, 4 * units], initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=[units, 4 * units], initializer="orthogonal"
        )
        self.bias = self.add_weight(
            name="bias", shape=[4 * units], initializer=_unit_forget_bias(units)
        )

    def gate_weights(self):
        """The weights as they are."""
        return tuple(map(tf.convert_to_tensor, (self.kernel, self.recurrent_kernel, self.bias)))

    def next_state(self, gates, state):
        """See `lstm_step`."""
        return lstm_step(gates, state[1])

    def call(self, inputs, states):
        """One step."""
        h, c = states
        gates = tf.matmul(inputs, self.kernel) + tf.matmul(h, self.recurrent_kernel) + self.bias
        h, c = lstm_step(gates, c)
        return h, [h, c]


def _unit_forget_bias(units: int):
    """Ones for f, so that the first gradients reach the first words; zeros elsewhere."""

    def initialize(shape, dtype=None, **_):
        return tf.repeat(tf.constant([0.0, 1.0, 0.0, 0.0], dtype), units)

    return initialize
