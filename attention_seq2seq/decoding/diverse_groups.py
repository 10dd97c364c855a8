"""Diverse beam search: groups penalize shared tokens (Vijayakumar et al. 2016)."""

import tensorflow as tf


def select_diverse_groups(
    scores: tf.Tensor,
    ids: tf.Tensor,
    is_live: tf.Tensor,
    size: tf.Tensor,
    diversity_penalty: tf.Tensor,
    vocabulary_size: tf.Tensor,
) -> tf.Tensor:
    """Selects the best candidates of each group, one group after the other.

    A candidate loses `diversity_penalty` for each time an earlier group selected its token at this
    step. The penalty only affects the selection, not the scores.

    Args:
        scores: float32[batch, groups, candidates], scores of the extended hypotheses.
        ids: int32[batch, groups, candidates], the last token of each candidate.
        is_live: bool[batch, groups, candidates], whether the token is generated at this step.
        size: int32[], number of candidates to select in each group.
        diversity_penalty: float32[], at least 0, penalty of a shared token [nats].
        vocabulary_size: int32[], number of target tokens.

    Returns:
        int32[batch, groups, size], indices of the candidates, best first.
    """
    num_prompts, num_groups = tf.shape(scores)[0], tf.shape(scores)[1]

    def select_group(group, use_counts, selected):
        num_uses = tf.gather(use_counts, ids[:, group], batch_dims=1)
        penalty = tf.where(is_live[:, group], diversity_penalty * num_uses, 0.0)
        positions = tf.math.top_k(scores[:, group] - penalty, size).indices
        group_ids = tf.gather(ids[:, group], positions, batch_dims=1)
        counts = tf.gather(tf.cast(is_live[:, group], tf.float32), positions, batch_dims=1)
        prompts = tf.repeat(tf.range(num_prompts)[:, tf.newaxis], size, axis=1)
        use_counts = tf.tensor_scatter_nd_add(
            use_counts, tf.stack([prompts, group_ids], axis=2), counts
        )
        return group + 1, use_counts, selected.write(group, positions)

    def select_in_turn():
        loop_vars = (
            tf.constant(0),
            tf.zeros([num_prompts, vocabulary_size]),
            tf.TensorArray(tf.int32, num_groups, element_shape=[None, None]),
        )
        _, _, selected = tf.while_loop(
            lambda group, *_: group < num_groups, select_group, loop_vars
        )
        return tf.transpose(selected.stack(), [1, 0, 2])

    return tf.cond(num_groups == 1, lambda: tf.math.top_k(scores, size).indices, select_in_turn)
