"""Greedy decoding: the most probable word at each step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.loop import decode
from attention_seq2seq.decoding.step import Decoded, Step


def greedy(
    step: Step,
    state: Any,
    num_rows: tf.Tensor,
    begin_id: int,
    end_id: int,
    max_length: tf.Tensor,
) -> Decoded:
    """Takes the most probable word at each step; of equal ones the first.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        num_rows: int32[], the number of rows, at least 1.
        begin_id: fed at the first step.
        end_id: ends a row.
        max_length: int32[], at least 1: a row that has not ended by then is cut.

    Returns:
        `Decoded`, as long as its longest row.
    """

    def most_probable(time, log_probabilities):
        return tf.argmax(log_probabilities, axis=1, output_type=tf.int32)

    return decode(step, state, num_rows, begin_id, end_id, max_length, most_probable)
