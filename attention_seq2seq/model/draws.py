"""Random draws of a training: functions of its seed and of the batch's number, and of nothing else.

So a training that is killed and goes on draws what it would have drawn.
"""

import enum

import tensorflow as tf


class Draw(enum.IntEnum):
    """What is drawn; each has random numbers of its own."""

    PAIRS = enum.auto()
    BATCHES = enum.auto()
    UNKNOWN_WORDS = enum.auto()
    EMPTY_PROMPTS = enum.auto()
    SAMPLED_WORDS = enum.auto()
    SOURCE_DROPOUT = enum.auto()
    TARGET_DROPOUT = enum.auto()
    VECTOR_DROPOUT = enum.auto()
    OWN_WORDS = enum.auto()
    WORDS_SAID = enum.auto()


def seed_of(draw: Draw, *numbers: tf.Tensor | int) -> tf.Tensor:
    """int32[2], a seed for TensorFlow's stateless random operations.

    Args:
        draw: what is drawn.
        numbers: what it depends on, whole numbers: the training's seed first.

    Example:
        >>> bool(tf.reduce_all(seed_of(Draw.PAIRS, 1, 2) == seed_of(Draw.PAIRS, 1, 3)))
        False
    """
    seed = tf.stack([tf.cast(numbers[0], tf.int32), int(draw)])
    for number in numbers[1:]:
        seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int32))
    return seed


def dropped(
    inputs: tf.Tensor, rate: float, draw: Draw, seed: tf.Tensor | None, number: int = 0
) -> tf.Tensor:
    """Dropout: a share of the entries zero, the others scaled up, so that the mean stays.

    Args:
        inputs: float32[...].
        rate: the share.
        draw: what for.
        seed: int32[2], of the training and the batch's number; None: nothing is dropped.
        number: where there are several of a kind.
    """
    if seed is None or not rate:
        return inputs
    seed = seed_of(draw, *tf.unstack(seed), number)
    return tf.nn.experimental.stateless_dropout(inputs, rate, seed)
