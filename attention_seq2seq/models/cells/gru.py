"""GRU cell, with fewer weights than the LSTM cell."""

import tensorflow as tf

from attention_seq2seq.models.cells.recurrent import RecurrentCell


class GRUCell(RecurrentCell):
    """A GRU cell with the weights, weight names and initializers of the Keras cell.

        h' = z h + (1 - z) tanh(n_x + r n_h),  where z and r are sigmoids of their gates

    n_x depends on the inputs and n_h on h. Both have a bias, so all products precede the reset
    gate. The state is (h,), and the gates are z, r, n_x and n_h.

    Source:
        Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014. The
        reset gate is applied after the product.
    """

    num_states = 1
    num_gates = 3

    def __init__(self, units: int, input_size: int, name: str):
        super().__init__(units, input_size, name)
        self.bias = self.add_weight(name="bias", shape=[2, 3 * units], initializer="zeros")

    def gate_weights(self):
        """Returns the weights. Zeros keep the inputs out of n_h, and h out of n_x."""
        units = self.units
        kernel = tf.convert_to_tensor(self.kernel)
        recurrent_kernel = tf.convert_to_tensor(self.recurrent_kernel)
        gates, candidate = recurrent_kernel[:, : 2 * units], recurrent_kernel[:, 2 * units :]
        input_bias, h_bias = tf.unstack(tf.convert_to_tensor(self.bias))
        bias = [
            input_bias[: 2 * units] + h_bias[: 2 * units],
            input_bias[2 * units :],
            h_bias[2 * units :],
        ]
        return (
            tf.concat([kernel, tf.zeros([self.input_size, units])], axis=1),
            tf.concat([gates, tf.zeros_like(candidate), candidate], axis=1),
            tf.concat(bias, axis=0),
        )

    def next_state(self, gates, state):
        """Returns the state after one step."""
        z, r, n_x, n_h = tf.split(gates, 4, axis=1)
        return (self._combine_gates(z, r, n_x, n_h, state[0]),)

    def call(self, inputs, states):
        """Computes one step."""
        h = states[0]
        input_bias, h_bias = tf.unstack(tf.convert_to_tensor(self.bias))
        z_x, r_x, n_x = tf.split(tf.matmul(inputs, self.kernel) + input_bias, 3, axis=1)
        z_h, r_h, n_h = tf.split(tf.matmul(h, self.recurrent_kernel) + h_bias, 3, axis=1)
        h = self._combine_gates(z_x + z_h, r_x + r_h, n_x, n_h, h)
        return h, [h]

    def _combine_gates(self, z, r, n_x, n_h, h):
        z = tf.sigmoid(z)
        return z * h + (1 - z) * tf.tanh(n_x + tf.sigmoid(r) * n_h)
