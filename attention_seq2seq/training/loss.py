"""Cross-entropy over real words only."""

import tensorflow as tf


def token_cross_entropy(
    logits: tf.Tensor, target_ids: tf.Tensor, target_length: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The summed cross-entropy of the real words, and their number.

    The loss is one divided by the other: padding has no part in either.

    Args:
        logits: float32[batch, target_time, vocab].
        target_ids: int32[batch, target_time], the words to predict, end of reply included.
        target_length: int32[batch], the number of real words.

    Returns:
        float32[] the sum in nats, float32[] the number of words.

    Example:
        >>> logits, ids = tf.zeros([1, 2, 8]), tf.constant([[5, 0]])
        >>> total, words = token_cross_entropy(logits, ids, tf.constant([1]))
        >>> round(float(total / words), 4)  # log(8)
        2.0794
    """
    real = tf.sequence_mask(target_length, tf.shape(target_ids)[1])
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(target_ids, logits)
    total = tf.reduce_sum(tf.where(real, cross_entropy, 0.0))
    return total, tf.cast(tf.reduce_sum(target_length), tf.float32)
