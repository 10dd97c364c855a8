"""Random draws of a training: functions of its seed, of the batch's number and of the row in it.

They depend on nothing else, so a resumed training draws what an unbroken one would have drawn,
and machines that share a batch draw for their rows what one machine would have drawn.
"""

import enum
from typing import NamedTuple

import tensorflow as tf


class RngStream(enum.IntEnum):
    """What is drawn; each has random numbers of its own."""

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


def fold_in(draw: RngStream, *numbers: tf.Tensor | int) -> tf.Tensor:
    """int32[2], a seed for TensorFlow's stateless random operations.

    Args:
        draw: what is drawn.
        numbers: what it depends on, whole numbers: the training's seed first.

    Example:
        >>> one, other = (fold_in(RngStream.SHUFFLE_EXAMPLES, 1, epoch) for epoch in (2, 3))
        >>> bool(tf.reduce_all(one == other))
        False
    """
    seed = tf.stack([tf.cast(numbers[0], tf.int32), int(draw)])
    for number in numbers[1:]:
        seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32))
    return seed


class BatchRng(NamedTuple):
    """Where the random numbers of an update come from.

    Attributes:
        seed: of the training.
        batch: int64[], the number of the batch.
        rows: int32[rows], which rows of the batch are here; None: all of them.
        num_rows: int32[], the rows of the whole batch; None: as many as are here.
    """

    seed: int
    batch: tf.Tensor
    rows: tf.Tensor | None = None
    num_rows: tf.Tensor | None = None

    def fold_in(self, draw: RngStream, *numbers: tf.Tensor | int) -> tf.Tensor:
        """int32[2], the same for all rows.

        Args:
            draw: what is drawn.
            numbers: what else it depends on.
        """
        return fold_in(draw, self.seed, self.batch, *numbers)

    def uniform(
        self, shape: tf.Tensor, draw: RngStream, *numbers: tf.Tensor | int, batch_axis: int = 0
    ) -> tf.Tensor:
        """float32[shape], in [0, 1): for each row what it would have in the whole batch.

        The whole batch is drawn for: drawing takes a hundredth of the time that an update does.

        Args:
            shape: int32[axes], of what is here.
            draw: what is drawn.
            numbers: what else it depends on.
            batch_axis: of the shape.
        """
        seed = self.fold_in(draw, *numbers)
        if self.rows is None:
            return tf.random.stateless_uniform(shape, seed)
        whole = tf.tensor_scatter_nd_update(shape, [[batch_axis]], [self.num_rows])
        return tf.gather(tf.random.stateless_uniform(whole, seed), self.rows, axis=batch_axis)
