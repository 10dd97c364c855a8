"""What makes one hypothesis better than another of other length (Wu et al. 2016, eq. 14)."""

import tensorflow as tf


def length_normalized(total: tf.Tensor, length: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """Total / ((5 + length) / 6)^penalty.

    Args:
        total: float32, sums of log-probabilities.
        length: int32 of a shape that fits, the end counted.
        penalty: float32[]; 0: none, above 0 favours long replies.

    Example:
        >>> float(length_normalized(tf.constant(-3.0), tf.constant(13), tf.constant(1.0)))
        -1.0
    """
    return total / ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** penalty


def coverage(attended: tf.Tensor, source_mask: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """What is added to the score of a reply that looked at parts of the prompt only, at most 0.

    Args:
        attended: float32[rows, source_time], all attention that each word has received.
        source_mask: bool[rows, source_time], True at real words.
        penalty: float32[], at least 0; this times the sum of log(min(attended, 1)).

    Returns:
        float32[rows].
    """

    def measured():
        # A word that has received nothing at all would cost an infinite amount.
        logs = tf.math.log(tf.clip_by_value(attended, 1e-9, 1.0))
        return penalty * tf.reduce_sum(tf.where(source_mask, logs, 0.0), axis=1)

    return tf.cond(penalty > 0.0, measured, lambda: tf.zeros(tf.shape(attended)[:1]))
