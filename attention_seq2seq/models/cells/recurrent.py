"""What the LSTM and the GRU have in common: steps, and whole sequences made fast."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.models.layers.matmul import EmbeddedIds, recurrent_matmul, matmul

State = tuple[tf.Tensor, ...]


def shift_right(first: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """What each step found: `first`, then the values float[time, batch, width] without the last."""
    return tf.concat([first[tf.newaxis], values[:-1]], axis=0)


class RecurrentCell(keras.layers.Layer):
    """A cell whose next state depends on a sum, the gates, and on its state before.

    The sum is that of a product of the inputs and a product of the state's first part, h. Over a
    whole sequence what the inputs bring to the gates is computed at once, before the loop, and in
    the loop only what the step before left is multiplied. As any cell it makes single steps too,
    on its own or in an `AttentionWrapper`.

    Args:
        units: width of the state.
        inputs_size: width of the inputs.
        name: of the cell, and what its weights' names begin with.

    Call arguments:
        inputs: float32[batch, inputs_size].
        states: the parts of the state, each float32[batch, units], h the first.

    Returns:
        h after the step, and the state as a list.

    Attributes:
        num_states: how many parts the state has.
    """

    num_states: int

    def __init__(self, units: int, inputs_size: int, name: str):
        super().__init__(name=name)
        self.units = self.output_size = units
        self.inputs_size = inputs_size
        self.state_size = [units] * self.num_states

    def gate_weights(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """What makes the gates: float32[inputs_size, gates], float32[units, gates], [gates]."""
        raise NotImplementedError

    def next_state(self, gates: tf.Tensor, state: State) -> State:
        """The state after a step: gates float32[batch, gates] and the state before it."""
        raise NotImplementedError

    def zero_state(self, num_rows: tf.Tensor) -> State:
        """Zeros."""
        return (tf.zeros([num_rows, self.units]),) * self.num_states

    def unroll(
        self, inputs: tf.Tensor | EmbeddedIds, state: State, dtype: tf.DType = tf.float32
    ) -> State:
        """All steps.

        Args:
            inputs: float32[time, batch, inputs_size], or the words that they are of.
            state: before the first step.
            dtype: what products are computed in.

        Returns:
            The state after each step, each part float32[time, batch, units].
        """
        kernel, recurrent_kernel, bias = self.gate_weights()
        product, gates = recurrent_matmul(
            recurrent_kernel,
            matmul(inputs, kernel, dtype) + bias,
            lambda: shift_right(state[0], states[0]),
            dtype,
        )
        states = tf.scan(
            lambda state, gates: self.next_state(gates + product(state[0]), state), gates, state
        )
        return states

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        return {
            f"{self.name}/kernel": self.kernel,
            f"{self.name}/recurrent_kernel": self.recurrent_kernel,
            f"{self.name}/bias": self.bias,
        }
