"""What makes one hypothesis better than another of other length (Wu et al. 2016, eq. 14)."""

from typing import NamedTuple

import tensorflow as tf


class SequenceScorer(NamedTuple):
    """How hypotheses are ranked: by log-probability, length and coverage.

    Attributes:
        divisors: float32[max_length + 1], from `length_penalties`.
        source_mask: bool[rows, source_time], True at real words.
        coverage_penalty: float32[].
    """

    length_penalties: tf.Tensor
    source_mask: tf.Tensor
    coverage_penalty: tf.Tensor

    def by_length(self, total: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        """The totals float32 of hypotheses, divided as their lengths int32 ask for."""
        return total / tf.gather(self.length_penalties, length)

    def score(self, total: tf.Tensor, length: tf.Tensor, attended: tf.Tensor) -> tf.Tensor:
        """float32[rows]: what a hypothesis of each row is ranked by.

        Args:
            total: float32[rows].
            length: int32[rows].
            attended: float32[rows, source_time], all attention that each word has received.
        """
        return self.by_length(total, length) + self.coverage(attended)

    def coverage(self, attended: tf.Tensor) -> tf.Tensor:
        """float32[rows], at most 0: what `coverage` adds."""
        return coverage(attended, self.source_mask, self.coverage_penalty)


def length_penalties(max_length: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """float32[max_length + 1], ((5 + length) / 6)^penalty, the end counted.

    Computed once for all lengths, so that every hypothesis of a length is divided by the same
    number: a power rounds differently from place to place.

    Args:
        max_length: int32[].
        penalty: float32[]; 0: none, above 0 favours long replies.

    Example:
        >>> length_penalties(tf.constant(7), tf.constant(1.0)).numpy()[[1, 7]].tolist()
        [1.0, 2.0]
    """
    length = tf.range(max_length + 1)
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** penalty


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
