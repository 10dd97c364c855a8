"""Random numbers as functions of the training seed, a batch index and a row index.

They depend on nothing else. A resumed run therefore draws the same numbers as an uninterrupted
run, and workers that share a batch draw the same numbers as a single worker.
"""

import dataclasses
import enum

import tensorflow as tf


class RngStream(enum.IntEnum):
    """Purposes of random numbers. Each purpose has an independent stream."""

    SHUFFLE_EXAMPLES = enum.auto()
    SHUFFLE_BATCHES = enum.auto()
    WORD_DROPOUT = enum.auto()
    PROMPT_DROPOUT = enum.auto()
    SAMPLED_SOFTMAX = enum.auto()
    SOURCE_DROPOUT = enum.auto()
    TARGET_DROPOUT = enum.auto()
    ATTENTION_VECTOR_DROPOUT = enum.auto()
    SCHEDULED_SAMPLING_MASK = enum.auto()
    SCHEDULED_SAMPLING_TOKENS = enum.auto()
    LAYER_DROPOUT = enum.auto()


def fold_in(stream: RngStream, *data: tf.Tensor | int) -> tf.Tensor:
    """Returns int32[2], a seed for TensorFlow's stateless random operations.

    Args:
        stream: purpose of the random numbers.
        *data: integers that the seed depends on, starting with the training seed.

    Example:
        >>> second, third = (fold_in(RngStream.SHUFFLE_EXAMPLES, 1, epoch) for epoch in (2, 3))
        >>> bool(tf.reduce_all(second == third))
        False
    """
    seed = tf.stack([tf.cast(data[0], tf.int32), int(stream)])
    for value in data[1:]:
        seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(value, tf.int32))
    return seed


@dataclasses.dataclass(frozen=True)
class BatchRng:
    """Random numbers of one batch, or of one worker's rows of a batch.

    Attributes:
        seed: the training seed.
        batch_index: int64[], index of the batch in all epochs.
        row_indices: int32[rows], indices of this worker's rows of the batch; None: all rows.
        batch_size: int32[], number of rows on all workers; None without `row_indices`.
    """

    seed: int
    batch_index: tf.Tensor
    row_indices: tf.Tensor | None = None
    batch_size: tf.Tensor | None = None

    def fold_in(self, stream: RngStream, *data: tf.Tensor | int) -> tf.Tensor:
        """Returns int32[2], a seed that is the same for all rows.

        Args:
            stream: purpose of the random numbers.
            *data: other integers that the seed depends on.
        """
        return fold_in(stream, self.seed, self.batch_index, *data)

    def uniform(
        self, shape: tf.Tensor, stream: RngStream, *data: tf.Tensor | int, batch_axis: int = 0
    ) -> tf.Tensor:
        """Returns float32[shape] in [0, 1), the same for each row as in the whole batch.

        Numbers are drawn for the whole batch, which takes 1% of the time of a step.

        Args:
            shape: int32[axes], shape of this worker's numbers.
            stream: purpose of the random numbers.
            *data: other integers that the numbers depend on.
            batch_axis: axis of the rows.
        """
        seed = self.fold_in(stream, *data)
        if self.row_indices is None:
            return tf.random.stateless_uniform(shape, seed)
        batch_shape = tf.tensor_scatter_nd_update(shape, [[batch_axis]], [self.batch_size])
        batch_numbers = tf.random.stateless_uniform(batch_shape, seed)
        return tf.gather(batch_numbers, self.row_indices, axis=batch_axis)
