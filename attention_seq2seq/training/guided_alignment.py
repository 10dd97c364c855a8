"""A reward for looking where a word of the reply stands in the prompt."""

import tensorflow as tf

# So that a weight of zero costs much, but not everything.
_SMALLEST = 1e-4


def guidance(
    attention_weights: tf.Tensor,
    source_ids: tf.Tensor,
    target_ids: tf.Tensor,
    said_as: tf.Tensor,
) -> tf.Tensor:
    """How far attention is from the words of the prompt that recur in the reply.

    Where a word of the reply stands in the prompt too, the model could have read it there, and a
    reader of the attention weights expects that it did: it costs the negative logarithm of the
    weight on all its places together. Other words of the reply cost nothing.

    Args:
        attention_weights: float32[batch, target_time, source_time].
        source_ids: int32[batch, source_time].
        target_ids: int32[batch, target_time], the words to predict.
        said_as: int32[source_vocab], each source word's id as a word of a reply; -1 of words that
            no reply says.

    Returns:
        float32[batch, target_time], in nats.

    Source:
        Mi, Wang, Ittycheriah: Supervised Attentions for Neural Machine Translation, EMNLP 2016.
        Theirs compares the weights with those of a given alignment; here a word is aligned with
        all places where it stands in the prompt, whichever of them the weight lies on.

    Example:
        >>> weights = tf.constant([[[0.25, 0.75], [0.5, 0.5]]])
        >>> same = tf.range(10)
        >>> costs = guidance(weights, tf.constant([[7, 8]]), tf.constant([[8, 9]]), same)
        >>> [round(float(cost), 3) for cost in costs[0]]  # -log(0.75); not in the prompt
        [0.288, 0.0]
    """
    said = tf.gather(said_as, source_ids)
    # bool[batch, target_time, source_time]
    recurs = target_ids[:, :, tf.newaxis] == said[:, tf.newaxis]
    on_them = tf.reduce_sum(tf.where(recurs, attention_weights, 0.0), axis=2)
    costs = -tf.math.log(tf.maximum(on_them, 0.0) * (1 - _SMALLEST) + _SMALLEST)
    return tf.where(tf.reduce_any(recurs, axis=2), costs, 0.0)
