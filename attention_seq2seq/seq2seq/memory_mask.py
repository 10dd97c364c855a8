"""Masks of a memory with padding."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, eq=False)
class MaskedProbabilityFn:
    """Probability function that gives padding no weight.

    Attributes:
        probability_fn: function from scores and a state to attention weights.
        mask: bool[batch, source_time], False at padding.
        sequence_length: int[batch], lengths that must be positive; None: unknown.
    """

    probability_fn: Callable
    mask: tf.Tensor
    sequence_length: tf.Tensor | None

    def __call__(self, scores: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Returns the attention weights float[batch, source_time] of scores and a state."""
        checks = []
        if self.sequence_length is not None:
            checks.append(
                tf.debugging.assert_positive(
                    self.sequence_length,
                    message="All values in memory_sequence_length must greater than zero",
                )
            )
        with tf.control_dependencies(checks):
            scores = tf.where(self.mask, scores, scores.dtype.min)
        return self.probability_fn(scores, state)


def check_inner_dimensions(memory: tf.Tensor) -> None:
    """Checks that all axes of a memory but batch and time are known.

    Raises:
        ValueError: an unknown axis.
    """
    if not memory.shape[2:].is_fully_defined():
        raise ValueError(
            f"Invalid memory of shape {memory.shape}: Expected memory to have fully defined inner "
            "dims. Set its static shape with `tf.ensure_shape`."
        )


def mask_memory(memory: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns a memory that is zero at padding.

    Args:
        memory: float[batch, source_time, ...].
        mask: bool[batch, source_time], False at padding.
    """
    shape = tf.concat([tf.shape(mask), tf.ones([tf.rank(memory) - 2], tf.int32)], axis=0)
    return memory * tf.reshape(tf.cast(mask, memory.dtype), shape)
