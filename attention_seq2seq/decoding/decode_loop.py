"""The loop that greedy decoding, sampling and teacher forcing share: step, choose, write down."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput

SelectFn = Callable[[StepOutput, tf.Tensor, tf.Tensor], Candidates]


def dynamic_decode(
    step: StepFn, state: Any, choose: SelectFn, bos_id: int, eos_id: int, max_length: tf.Tensor
) -> Hypotheses:
    """Steps until every row has ended or `max_length` is reached.

    Args:
        step: one step of the model.
        state: its state before the first word.
        choose: what a step gave, the words before int32[rows, max_length] and their number
            int32[] to `Candidates`, one for each row.
        bos_id: fed at the first step.
        eos_id: ends a row.
        max_length: int32[], at least 1: the most steps taken.

    Returns:
        What was chosen, and how probable and attentive it was; the score is the sum of what the
        words gained.
    """
    num_rows = tf.shape(tf.nest.flatten(state)[0])[0]
    steps = tf.range(max_length)

    def body(time, fed, alive, state, said, columns):
        output = StepOutput(*step(fed, state))
        chosen = choose(output, said, time)
        # A gathered tensor then keeps the shape that it has as a loop variable.
        chosen.ids.set_shape(fed.shape)
        column = (*chosen[1:], tf.cast(output.attention_weights, tf.float32))
        columns = tf.nest.map_structure(lambda array, x: array.write(time, x), columns, column)
        said = tf.where(steps == time, chosen.ids[:, tf.newaxis], said)
        # A row that has ended runs on; what it says then is cut off below.
        alive &= chosen.ids != eos_id
        return time + 1, chosen.ids, alive, output.state, said, columns

    start = (
        *(tf.constant(0), tf.fill([num_rows], bos_id), tf.fill([num_rows], True), state),
        tf.zeros([num_rows, max_length], tf.int32),
        tuple(tf.TensorArray(tf.float32, max_length) for _ in range(3)),
    )
    time, _, alive, _, said, columns = tf.while_loop(
        lambda time, _, alive, *__: (time < max_length) & tf.reduce_any(alive), body, start
    )
    # [time, rows, ...] to [rows, time, ...]
    columns = (tf.einsum("tr...->rt...", column.stack()[:time]) for column in columns)
    gained, token_log_probs, weights = columns
    end = tf.argmax(said == eos_id, axis=1, output_type=tf.int32)
    length = tf.where(alive, time, end + 1)
    real = tf.sequence_mask(length, time)
    return Hypotheses(
        ids=tf.where(real, said[:, :time], 0),
        length=length,
        token_log_probs=tf.where(real, token_log_probs, 0.0),
        score=tf.reduce_sum(tf.where(real, gained, 0.0), axis=1),
        attention_weights=tf.where(real[..., tf.newaxis], weights, 0.0),
    )
