"""Decoder that runs a cell, and takes its next inputs from a sampler."""

from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.decoder import BaseDecoder
from attention_seq2seq.seq2seq.keras_versions import output_size, require_cell
from attention_seq2seq.seq2seq.sampler import Sampler


class BasicDecoderOutput(NamedTuple):
    """Outputs of a `BasicDecoder`.

    Attributes:
        rnn_output: float[batch, target_time, vocab], outputs of the cell or of the output layer; of
            one step, float[batch, vocab].
        sample_id: int32[batch, target_time], ids from the sampler; of one step, int32[batch].
    """

    rnn_output: Any
    sample_id: Any


class BasicDecoder(BaseDecoder):
    """Decoder that feeds a cell with the inputs chosen by a sampler.

    Args:
        cell: the recurrent cell.
        sampler: the sampler.
        output_layer: layer applied to each output of the cell; None: no output layer.
        **kwargs: arguments of `BaseDecoder`.

    Call arguments:
        inputs: first argument of `sampler.initialize`.
        initial_state: initial state of the cell.
        training: whether the model is being trained.
        **kwargs: further arguments of `sampler.initialize`.

    Returns:
        `BasicDecoderOutput`, the final state of the cell, and lengths int32[batch].

    Raises:
        TypeError: the cell is not a recurrent cell, or the sampler is not a sampler.
        ValueError: no initial state.

    Example:
        >>> from attention_seq2seq import seq2seq
        >>> decoder = seq2seq.BasicDecoder(
        ...     keras.layers.SimpleRNNCell(4), seq2seq.TrainingSampler(), keras.layers.Dense(7)
        ... )
        >>> outputs, _, lengths = decoder(
        ...     tf.ones([2, 5, 3]), initial_state=tf.zeros([2, 4]), sequence_length=[5, 2]
        ... )
        >>> outputs.rnn_output.shape, lengths.numpy().tolist()
        (TensorShape([2, 5, 7]), [5, 2])
    """

    _cell_dtype = CallAttribute()

    def __init__(
        self,
        cell: keras.layers.Layer,
        sampler: Sampler,
        output_layer: keras.layers.Layer | None = None,
        **kwargs,
    ):
        require_cell(cell)
        if not isinstance(sampler, Sampler):
            raise TypeError(f"The sampler is {sampler!r}. Expected an instance of a Sampler.")
        self.cell = cell
        self.sampler = sampler
        self.output_layer = output_layer
        super().__init__(**kwargs)

    @property
    def batch_size(self):
        """Number of rows of the inputs."""
        return self.sampler.batch_size

    @property
    def output_size(self):
        """Shapes of the outputs of a step, without batch."""
        return BasicDecoderOutput(self._rnn_output_size(), self.sampler.sample_ids_shape)

    def _rnn_output_size(self) -> tf.TensorShape:
        return output_size(self.cell, self.output_layer)

    @property
    def output_dtype(self):
        """Dtypes of the outputs of a step."""
        return BasicDecoderOutput(self._cell_dtype, self.sampler.sample_ids_dtype)

    def initialize(self, inputs, initial_state=None, **kwargs):
        """Returns the finished rows, the first inputs of the sampler, and the initial state."""
        if initial_state is None:
            raise ValueError(
                "The initial_state is None. Expected a state of the cell, such as "
                "cell.get_initial_state(batch_size=..., dtype=...)."
            )
        self._cell_dtype = tf.nest.flatten(initial_state)[0].dtype
        return *self.sampler.initialize(inputs, **kwargs), initial_state

    def step(self, time, inputs, state, training=None):
        """Computes one step of the cell, and takes the next inputs from the sampler."""
        outputs, next_state = self.cell(inputs, state, training=training)
        next_state = tf.nest.pack_sequence_as(state, tf.nest.flatten(next_state))
        if self.output_layer is not None:
            outputs = self.output_layer(outputs)
        sample_ids = self.sampler.sample(time=time, outputs=outputs, state=next_state)
        finished, next_inputs, next_state = self.sampler.next_inputs(
            time=time, outputs=outputs, state=next_state, sample_ids=sample_ids
        )
        return BasicDecoderOutput(outputs, sample_ids), next_state, next_inputs, finished
