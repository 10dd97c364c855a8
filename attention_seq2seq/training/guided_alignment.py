"""Guided alignment: a loss that rewards attention on copied tokens."""

import tensorflow as tf

# Keeps the loss finite if the attention weight is zero.
_EPSILON = 1e-4


def guided_alignment_loss(
    attention_weights: tf.Tensor,
    source_ids: tf.Tensor,
    target_ids: tf.Tensor,
    source_to_target_ids: tf.Tensor,
) -> tf.Tensor:
    """Returns the negative log of the attention weight on the copies of each reply token.

    A reply token that also occurs in the prompt is aligned with its copies in the prompt. The loss
    is the negative logarithm of the total attention weight of these copies. Other reply tokens
    have a loss of zero.

    Args:
        attention_weights: float32[batch, target_time, source_time], weights of each target token.
        source_ids: int32[batch, source_time], the prompts.
        target_ids: int32[batch, target_time], the tokens to predict.
        source_to_target_ids: int32[source_vocab], the target id of each source token, -1 if it has
            none.

    Returns:
        float32[batch, target_time], in nats.

    Source:
        Mi, Wang, Ittycheriah: Supervised Attentions for Neural Machine Translation, EMNLP 2016.
        The paper compares the weights with an external alignment. Here, a token is aligned with all
        its copies in the prompt.

    Example:
        >>> weights = tf.constant([[[0.25, 0.75], [0.5, 0.5]]])
        >>> same = tf.range(10)
        >>> losses = guided_alignment_loss(
        ...     weights, tf.constant([[7, 8]]), tf.constant([[8, 9]]), same
        ... )
        >>> [round(float(loss), 3) for loss in losses[0]]  # -log(0.75); not in the prompt
        [0.288, 0.0]
    """
    prompt_target_ids = tf.gather(source_to_target_ids, source_ids)
    # [batch, target_time, source_time]
    is_copy = target_ids[:, :, tf.newaxis] == prompt_target_ids[:, tf.newaxis]
    weight = tf.reduce_sum(tf.where(is_copy, attention_weights, 0.0), axis=2)
    losses = -tf.math.log(tf.maximum(weight, 0.0) * (1 - _EPSILON) + _EPSILON)
    return tf.where(tf.reduce_any(is_copy, axis=2), losses, 0.0)
