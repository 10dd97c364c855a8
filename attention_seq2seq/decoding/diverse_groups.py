"""Groups of a beam that avoid each other's words (diverse beam search, Vijayakumar et al. 2016)."""

import tensorflow as tf


def select_diverse_groups(
    scores: tf.Tensor,
    ids: tf.Tensor,
    live: tf.Tensor,
    size: tf.Tensor,
    diversity: tf.Tensor,
    vocab: tf.Tensor,
) -> tf.Tensor:
    """The best candidates of each group; a later group knows what the earlier ones chose.

    For each time an earlier group has chosen a word at this step, a candidate with that word
    loses `diversity`. What is lost so counts for this choice only, in no score.

    Args:
        scores: float32[prompts, groups, candidates].
        ids: int32[prompts, groups, candidates], the word each candidate ends with.
        live: bool[prompts, groups, candidates], whether that word is said at this step.
        size: int32[], how many are chosen in each group.
        diversity: float32[], at least 0.
        vocab: int32[], the number of words.

    Returns:
        int32[prompts, groups, size], places among the candidates, the best first.
    """
    num_prompts, num_groups = tf.shape(scores)[0], tf.shape(scores)[1]

    def one_group(group, used, chosen):
        unwelcome = tf.gather(used, ids[:, group], batch_dims=1)
        cost = tf.where(live[:, group], diversity * unwelcome, 0.0)
        places = tf.math.top_k(scores[:, group] - cost, size).indices
        words = tf.gather(ids[:, group], places, batch_dims=1)
        counts = tf.gather(tf.cast(live[:, group], tf.float32), places, batch_dims=1)
        prompts = tf.repeat(tf.range(num_prompts)[:, tf.newaxis], size, axis=1)
        used = tf.tensor_scatter_nd_add(used, tf.stack([prompts, words], axis=2), counts)
        return group + 1, used, chosen.write(group, places)

    def one_after_the_other():
        start = (
            tf.constant(0),
            tf.zeros([num_prompts, vocab]),
            tf.TensorArray(tf.int32, num_groups, element_shape=[None, None]),
        )
        _, _, chosen = tf.while_loop(lambda group, *_: group < num_groups, one_group, start)
        return tf.transpose(chosen.stack(), [1, 0, 2])

    return tf.cond(
        num_groups == 1, lambda: tf.math.top_k(scores, size).indices, one_after_the_other
    )
