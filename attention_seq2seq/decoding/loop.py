"""The loop that greedy decoding, sampling and teacher forcing share: step, choose, write down."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.constraints import Constraints, constrained
from attention_seq2seq.decoding.step import Hypotheses, Step, Stepped, preferred

Choose = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def decode(
    step: Step,
    state: Any,
    constraints: Constraints,
    begin_id: int,
    end_id: int,
    max_length: tf.Tensor,
    choose: Choose,
) -> Hypotheses:
    """Steps until every row has ended or `max_length` is reached.

    Args:
        step: one step of the model.
        state: its state before the first word.
        constraints: what may be said; of as many rows as are decoded, at least 1.
        begin_id: fed at the first step.
        end_id: ends a row.
        max_length: int32[], at least 1: the most steps taken.
        choose: (time int32[], scores float32[rows, vocab]) to ids int32[rows].

    Returns:
        What was chosen, and how probable and attentive it was; the score is the sum of the
        log-probabilities with preferences and constraints.
    """
    num_rows = tf.shape(constraints.prefix_length)[0]
    bind = constraints.bind

    def body(time, ids, alive, state, said, score, columns):
        logits, weights, state, preference = Stepped(*step(ids, state))
        log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        scores = preferred(log_probabilities, preference)
        scores = tf.cond(
            bind,
            lambda: constrained(scores, constraints, said, time, begin_id, end_id),
            lambda: scores,
        )
        chosen = tf.where(alive, choose(time, scores), 0)
        gained = tf.where(alive, tf.gather(scores, chosen, batch_dims=1), 0.0)
        column = (
            tf.cast(alive, tf.int32),
            tf.where(alive, tf.gather(log_probabilities, chosen, batch_dims=1), 0.0),
            tf.where(alive[:, tf.newaxis], tf.cast(weights, tf.float32), 0.0),
        )
        columns = tf.nest.map_structure(lambda array, x: array.write(time, x), columns, column)
        said = written(said, time, chosen)
        # A row that has ended runs on with its last id; nothing of it is kept.
        alive &= chosen != end_id
        return time + 1, chosen, alive, state, said, score + gained, columns

    columns = tuple(
        tf.TensorArray(dtype, size=0, dynamic_size=True)
        for dtype in (tf.int32, tf.float32, tf.float32)
    )
    start = (
        tf.constant(0),
        tf.fill([num_rows], begin_id),
        tf.fill([num_rows], True),
        state,
        tf.zeros([num_rows, max_length], tf.int32),
        tf.zeros([num_rows]),
        columns,
    )
    time, _, _, _, said, score, columns = tf.while_loop(
        lambda time, ids, alive, *_: (time < max_length) & tf.reduce_any(alive), body, start
    )
    # [time, rows, ...] to [rows, time, ...]
    alive, log_probabilities, weights = (
        tf.einsum("tr...->rt...", column.stack()) for column in columns
    )
    return Hypotheses(
        ids=said[:, :time],
        length=tf.reduce_sum(alive, axis=1),
        log_probabilities=log_probabilities,
        score=score,
        attention_weights=weights,
    )


def written(table: tf.Tensor, time: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """`table` [rows, time] with one column replaced."""
    here = tf.range(tf.shape(table)[1]) == time
    return tf.where(here, column[:, tf.newaxis], table)
