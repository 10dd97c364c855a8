"""The loop that greedy decoding and teacher forcing share: step, choose, write down."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.step import Decoded, Step

Choose = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def decode(
    step: Step,
    state: Any,
    num_rows: tf.Tensor,
    begin_id: int,
    end_id: int,
    max_length: tf.Tensor,
    choose: Choose,
) -> Decoded:
    """Steps until every row has ended or `max_length` is reached.

    Args:
        step: one step of the model.
        state: its state before the first word.
        num_rows: int32[], the number of rows, at least 1.
        begin_id: fed at the first step.
        end_id: ends a row.
        max_length: int32[], at least 1: the most steps taken.
        choose: (time int32[], log_probabilities float32[rows, vocab]) to ids int32[rows].

    Returns:
        What was chosen, and how probable and attentive it was.
    """

    def body(time, ids, alive, state, columns):
        logits, weights, state = step(ids, state)
        log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))
        chosen = tf.where(alive, choose(time, log_probabilities), 0)
        row = Decoded(
            ids=chosen,
            length=tf.cast(alive, tf.int32),
            log_probabilities=tf.where(
                alive, tf.gather(log_probabilities, chosen, batch_dims=1), 0.0
            ),
            attention_weights=tf.where(alive[:, tf.newaxis], tf.cast(weights, tf.float32), 0.0),
        )
        columns = tf.nest.map_structure(lambda array, x: array.write(time, x), columns, row)
        # A row that has ended runs on with its last id; nothing of it is kept.
        return time + 1, chosen, alive & (chosen != end_id), state, columns

    columns = Decoded(
        *(
            tf.TensorArray(dtype, size=0, dynamic_size=True, clear_after_read=False)
            for dtype in (tf.int32, tf.int32, tf.float32, tf.float32)
        )
    )
    start = (tf.constant(0), tf.fill([num_rows], begin_id), tf.fill([num_rows], True), state)
    *_, columns = tf.while_loop(
        lambda time, ids, alive, *_: (time < max_length) & tf.reduce_any(alive),
        body,
        (*start, columns),
    )
    # [time, rows, ...] to [rows, time, ...]
    ids, alive, log_probabilities, weights = (
        tf.einsum("tr...->rt...", column.stack()) for column in columns
    )
    return Decoded(ids, tf.reduce_sum(alive, axis=1), log_probabilities, weights)
