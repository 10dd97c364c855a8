"""Sampler that feeds the targets (teacher forcing)."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.seq2seq.batch_time import transpose_batch_time, unstack_time
from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.sampler_base import BatchSampler


class TrainingSampler(BatchSampler):
    """Sampler that feeds the targets (teacher forcing).

    The inputs of `initialize` are float[batch, target_time, ...]. With `time_major=True`, inputs
    and mask are [target_time, batch, ...].

    Args:
        time_major: whether inputs and mask are [target_time, batch, ...].

    Example:
        >>> sampler = TrainingSampler()
        >>> inputs = tf.constant([[[1.0], [2.0]]])
        >>> finished, first_inputs = sampler.initialize(inputs, sequence_length=[2])
        >>> finished.numpy().tolist(), first_inputs.numpy().tolist()
        ([False], [[1.0]])
    """

    inputs = CallAttribute()
    input_tas = CallAttribute()
    sequence_length = CallAttribute()
    zero_inputs = CallAttribute()

    def __init__(self, time_major: bool = False):
        self.time_major = time_major

    def initialize(self, inputs, sequence_length=None, mask=None):
        """Returns the finished rows and the first inputs.

        Args:
            inputs: float[batch, target_time, ...], nested; inputs of all steps.
            sequence_length: int[batch], number of steps; None: all steps.
            mask: bool[batch, target_time], False at padding on the right.

        Raises:
            ValueError: both lengths and a mask, or a wrong number of axes.
            tf.errors.InvalidArgumentError: padding on the left.
        """
        inputs = tf.nest.map_structure(tf.convert_to_tensor, inputs)
        self.inputs = inputs
        if not self.time_major:
            inputs = tf.nest.map_structure(transpose_batch_time, inputs)
        time, self._batch_size = tf.unstack(tf.shape(tf.nest.flatten(inputs)[0])[:2])
        self.input_tas = tf.nest.map_structure(unstack_time, inputs)
        if sequence_length is not None and mask is not None:
            raise ValueError(
                "sequence_length and mask can't be provided at the same time. Pass one of them."
            )
        if sequence_length is not None:
            self.sequence_length = tf.convert_to_tensor(sequence_length)
            if self.sequence_length.shape.rank != 1:
                raise ValueError(
                    "Expected sequence_length to be vector, but received shape: "
                    f"{self.sequence_length.shape}"
                )
        elif mask is not None:
            self.sequence_length = self._mask_length(tf.convert_to_tensor(mask))
        else:
            self.sequence_length = tf.fill([self._batch_size], time)
        self.zero_inputs = tf.nest.map_structure(lambda x: tf.zeros_like(x[0]), inputs)
        finished = tf.equal(0, self.sequence_length)
        return finished, self._read_inputs(finished, 0)

    def sample(self, time, outputs, state):
        """Returns int32[batch], the most probable ids."""
        return tf.cast(tf.argmax(outputs, axis=-1), tf.int32)

    def next_inputs(self, time, outputs, state, sample_ids):
        """Returns the finished rows, the inputs of the next step, and the state."""
        finished = time + 1 >= self.sequence_length
        return finished, self._read_inputs(finished, time + 1), state

    def _read_inputs(self, finished: tf.Tensor, time: int | tf.Tensor) -> Any:
        """Returns the inputs of a step, or zeros after the last step."""
        return tf.cond(
            tf.reduce_all(finished),
            lambda: self.zero_inputs,
            lambda: tf.nest.map_structure(lambda array: array.read(time), self.input_tas),
        )

    def _mask_length(self, mask: tf.Tensor) -> tf.Tensor:
        """Returns int32[batch], the lengths of a mask."""
        if mask.shape.rank != 2:
            raise ValueError(f"Expected mask to a 2D tensor, but received shape: {mask.shape}")
        if not mask.dtype.is_bool:
            raise ValueError(
                f"Expected mask to be a boolean tensor, but received dtype: {mask.dtype!r}"
            )
        if self.time_major:
            mask = tf.transpose(mask)
        length = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        is_right_padded = tf.reduce_all(mask == tf.sequence_mask(length, tf.shape(mask)[1]))
        check = tf.debugging.Assert(is_right_padded, ["The input sequence should be right padded."])
        with tf.control_dependencies([check]):
            return tf.identity(length)
