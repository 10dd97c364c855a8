"""The GRU: a cell with less to learn than the LSTM."""

import tensorflow as tf

from attention_seq2seq.models.cells.recurrent import RecurrentCell


class GRUCell(RecurrentCell):
    """A GRU cell; its weights, their names and first values are those of Keras' cell.

        h' = z h + (1 - z) tanh(n_x + r n_h),  z and r the sigmoids of their gates

    n_x comes from the inputs and n_h from h, each with a bias, so that all products come before
    the reset gate. See `RecurrentCell`; the state is (h,), the gates are z, r, n_x and n_h.

    Source:
        Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014, with
        the reset after the product.
    """

    num_states = 1

    def __init__(self, units: int, inputs_size: int, name: str):
        super().__init__(units, inputs_size, name)
        self.kernel = self.add_weight(
            name="kernel", shape=[inputs_size, 3 * units], initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=[units, 3 * units], initializer="orthogonal"
        )
        self.bias = self.add_weight(name="bias", shape=[2, 3 * units], initializer="zeros")

    def gate_weights(self):
        """The weights with zeros where inputs have no part in n_h, and h none in n_x."""
        units = self.units
        kernel = tf.convert_to_tensor(self.kernel)
        recurrent_kernel = tf.convert_to_tensor(self.recurrent_kernel)
        gates, candidate = recurrent_kernel[:, : 2 * units], recurrent_kernel[:, 2 * units :]
        ours, theirs = tf.unstack(tf.convert_to_tensor(self.bias))
        bias = [ours[: 2 * units] + theirs[: 2 * units], ours[2 * units :], theirs[2 * units :]]
        return (
            tf.concat([kernel, tf.zeros([self.inputs_size, units])], axis=1),
            tf.concat([gates, tf.zeros_like(candidate), candidate], axis=1),
            tf.concat(bias, axis=0),
        )

    def next_state(self, gates, state):
        """One step's end."""
        z, r, from_inputs, from_h = tf.split(gates, 4, axis=1)
        return (self._mix(z, r, from_inputs, from_h, state[0]),)

    def call(self, inputs, states):
        """One step."""
        h = states[0]
        ours, theirs = tf.unstack(tf.convert_to_tensor(self.bias))
        z, r, from_inputs = tf.split(tf.matmul(inputs, self.kernel) + ours, 3, axis=1)
        of_h = tf.split(tf.matmul(h, self.recurrent_kernel) + theirs, 3, axis=1)
        h = self._mix(z + of_h[0], r + of_h[1], from_inputs, of_h[2], h)
        return h, [h]

    def _mix(self, z, r, from_inputs, from_h, h):
        z = tf.sigmoid(z)
        return z * h + (1 - z) * tf.tanh(from_inputs + tf.sigmoid(r) * from_h)
