"""Scores of hypotheses of different lengths (Wu et al. 2016, equation 14)."""

from typing import NamedTuple

import tensorflow as tf


class SequenceScorer(NamedTuple):
    """Scores hypotheses by log-probability, length and coverage.

    Attributes:
        length_penalties: float32[max_length + 1], length penalty of each length.
        source_mask: bool[rows, source_time], True at tokens, False at padding.
        coverage_penalty: float32[], at least 0, weight of the sum of log(min(attention, 1)) over
            the prompt tokens, where attention is accumulated over the reply.
    """

    length_penalties: tf.Tensor
    source_mask: tf.Tensor
    coverage_penalty: tf.Tensor

    def normalize(self, total: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        """Divides totals float32[rows, ...] by the penalties of lengths int32[rows, ...]."""
        return total / tf.gather(self.length_penalties, length)

    def score(
        self, total: tf.Tensor, length: tf.Tensor, accumulated_attention: tf.Tensor
    ) -> tf.Tensor:
        """Returns the scores float32[rows].

        Args:
            total: float32[rows], sum of the scores of the tokens.
            length: int32[rows], number of tokens, EOS included.
            accumulated_attention: float32[rows, source_time], sum of the attention weights of each
                prompt token.
        """
        return self.normalize(total, length) + self.coverage(accumulated_attention)

    def coverage(self, accumulated_attention: tf.Tensor) -> tf.Tensor:
        """Returns the coverage term of the score, float32[rows], at most 0."""

        def compute():
            # Keeps the logarithm finite for tokens without attention.
            logs = tf.math.log(tf.clip_by_value(accumulated_attention, 1e-9, 1.0))
            masked_logs = tf.where(self.source_mask, logs, 0.0)
            return self.coverage_penalty * tf.reduce_sum(masked_logs, axis=1)

        num_rows = tf.shape(accumulated_attention)[:1]
        return tf.cond(self.coverage_penalty > 0.0, compute, lambda: tf.zeros(num_rows))


def length_penalties(max_length: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """Returns ((5 + length) / 6)^penalty for all lengths, float32[max_length + 1].

    A table ensures that all hypotheses of a length are divided by the same number. A power computed
    in each row could round differently.

    Args:
        max_length: int32[], maximum length, EOS included.
        penalty: float32[]; 0 disables it, values above 0 favor long replies.

    Example:
        >>> length_penalties(tf.constant(7), tf.constant(1.0)).numpy()[[1, 7]].tolist()
        [1.0, 2.0]
    """
    length = tf.range(max_length + 1)
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** penalty
