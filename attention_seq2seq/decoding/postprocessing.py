"""Postprocesses hypotheses: drops duplicates, and replaces unknown tokens."""

from collections.abc import Sequence

import tensorflow as tf

from attention_seq2seq.decoding.step import Hypotheses


def select_hypotheses(hypotheses: Hypotheses, ranks: tf.Tensor, rows_per_prompt) -> Hypotheses:
    """Selects and orders the hypotheses of each prompt.

    Args:
        hypotheses: rows_per_prompt rows for each prompt.
        ranks: int32[batch, selected], indices among the hypotheses of each prompt.
        rows_per_prompt: int32[], number of rows of each prompt.

    Returns:
        `Hypotheses`, `selected` rows for each prompt.
    """
    first_rows = tf.range(tf.shape(ranks)[0])[:, tf.newaxis] * rows_per_prompt
    rows = tf.reshape(first_rows + ranks, [-1])
    return Hypotheses(*(tf.gather(column, rows) for column in hypotheses))


def deduplicate(hypotheses: Hypotheses, rows_per_prompt: tf.Tensor) -> Hypotheses:
    """Drops duplicates of better hypotheses. Groups of beams may find the same reply.

    Args:
        hypotheses: rows_per_prompt rows for each prompt, the best first.
        rows_per_prompt: int32[], number of rows of each prompt.

    Returns:
        The same number of rows. Empty rows come last for each prompt, and are all 0.
    """
    time = tf.shape(hypotheses.ids)[1]
    ids = tf.reshape(hypotheses.ids, tf.stack([-1, rows_per_prompt, time]))
    lengths = tf.reshape(hypotheses.lengths, [-1, rows_per_prompt])
    is_equal = tf.reduce_all(ids[:, :, tf.newaxis] == ids[:, tf.newaxis], axis=3)
    is_equal &= lengths[:, :, tf.newaxis] == lengths[:, tf.newaxis]  # [batch, rows, rows]
    is_better = tf.range(rows_per_prompt) < tf.range(rows_per_prompt)[:, tf.newaxis]
    is_dropped = (lengths == 0) | tf.reduce_any(is_equal & is_better, axis=2)
    ranks = tf.argsort(tf.cast(is_dropped, tf.int32), axis=1, stable=True)
    is_dropped = tf.reshape(tf.gather(is_dropped, ranks, batch_dims=1), [-1])

    def blank(column):
        mask = tf.reshape(is_dropped, [-1] + [1] * (column.shape.rank - 1))
        return tf.where(mask, tf.zeros_like(column), column)

    return Hypotheses(*map(blank, select_hypotheses(hypotheses, ranks, rows_per_prompt)))


def copied_positions(
    ids: tf.Tensor,
    attention_weights: tf.Tensor,
    source_ids: tf.Tensor,
    unk_id: int,
    excluded_ids: Sequence[int],
) -> tf.Tensor:
    """Returns the position of the prompt token that replaces each unknown token of a reply.

    This is the prompt token with the largest attention weight.

    Args:
        ids: int32[rows, target_time], the reply.
        attention_weights: float32[rows, target_time, source_time], source_time at least 1.
        source_ids: int32[rows, source_time], the prompt.
        unk_id: id of the unknown token.
        excluded_ids: ids of prompt tokens that are never copied, such as padding.

    Returns:
        int32[rows, target_time], -1 for all other tokens.
    """
    is_excluded = tf.equal(tf.expand_dims(source_ids, axis=2), tf.constant(excluded_ids))
    is_copyable = ~tf.reduce_any(is_excluded, axis=2)
    weights = tf.where(is_copyable[:, tf.newaxis], attention_weights, -1.0)
    return tf.where(tf.equal(ids, unk_id), tf.argmax(weights, axis=2, output_type=tf.int32), -1)
