"""Base class of recurrent cells, with single steps and fast unrolling over a sequence."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.models.layers.matmul import EmbeddedIds, RecurrentMatmul, matmul

State = tuple[tf.Tensor, ...]


def shift_right(first: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Prepends `first` to float[time, batch, width], and drops the last value."""
    return tf.concat([first[tf.newaxis], values[:-1]], axis=0)


class RecurrentCell(keras.layers.Layer):
    """Recurrent cell whose next state is a function of its gates and its state.

    The gates are the product of the inputs and a kernel, plus the product of h (the first part of
    the state) and a recurrent kernel, plus a bias. `unroll` computes the first product for a whole
    sequence before the loop. Calling a cell computes a single step, as in an `AttentionWrapper`.

    Args:
        units: width of the state.
        input_size: width of the inputs.
        name: name of the cell, and prefix of the names of its weights.

    Call arguments:
        inputs: float32[batch, input_size], inputs of the step.
        states: the parts of the state, each float32[batch, units], h first.

    Returns:
        h after the step, and the next state as a list.

    Attributes:
        num_states: number of parts of the state.
        num_gates: number of gates, each with as many units as the state.
    """

    num_states: int
    num_gates: int

    def __init__(self, units: int, input_size: int, name: str):
        super().__init__(name=name)
        self.built = True
        self.units = self.output_size = units
        self.input_size = input_size
        self.state_size = [units] * self.num_states
        self.kernel = self.add_weight(
            name="kernel", shape=[input_size, self.num_gates * units], initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=[units, self.num_gates * units], initializer="orthogonal"
        )

    def gate_weights(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns kernel [input_size, gates], recurrent kernel [units, gates] and bias [gates]."""
        raise NotImplementedError

    def next_state(self, gates: tf.Tensor, state: State) -> State:
        """Returns the state after a step with gates float32[batch, gates]."""
        raise NotImplementedError

    def zero_state(self, num_rows: tf.Tensor) -> State:
        """Returns a state of zeros."""
        return (tf.zeros([num_rows, self.units]),) * self.num_states

    def unroll(
        self, inputs: tf.Tensor | EmbeddedIds, state: State, dtype: tf.DType = tf.float32
    ) -> State:
        """Runs the cell over a whole sequence.

        Args:
            inputs: float32[time, batch, input_size], or ids with embeddings of that width.
            state: the initial state.
            dtype: dtype of the matrix products.

        Returns:
            The state after each step, each part float32[time, batch, units].
        """
        kernel, recurrent_kernel, bias = self.gate_weights()
        gates = matmul(inputs, kernel, dtype) + bias
        product = RecurrentMatmul(recurrent_kernel, dtype)
        gates = product.with_kernel_gradient(gates)  # [time, batch, gates]
        states = tf.scan(
            lambda state, gates: self.next_state(gates + product(state[0]), state), gates, state
        )
        product.inputs = shift_right(state[0], states[0])
        return states

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns the variables by their names in saved weights."""
        return {
            f"{self.name}/kernel": self.kernel,
            f"{self.name}/recurrent_kernel": self.recurrent_kernel,
            f"{self.name}/bias": self.bias,
        }
