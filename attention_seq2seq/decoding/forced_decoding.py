"""Teacher forcing: how probable given sequences are, step by step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import normalized
from attention_seq2seq.decoding.decode_loop import decode
from attention_seq2seq.decoding.step import Hypotheses, Step


def teacher_forcing(
    step: Step, state: Any, ids: tf.Tensor, length: tf.Tensor, begin_id: int
) -> Hypotheses:
    """Follows given sequences instead of searching.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        ids: int32[rows, time], at least one row.
        length: int32[rows], at least 1; what comes after it has no part in the result.
        begin_id: fed at the first step.

    Returns:
        `Hypotheses` of the given ids; the score is the log-probability.
    """
    longest = tf.reduce_max(length)

    def given(stepped, said, time):
        return normalized(stepped, stepped.logits, ids[:, time])

    # -1 ends no row: a sequence may hold any id before its own length is over.
    followed = decode(step, state, given, begin_id, -1, longest)
    real = tf.sequence_mask(length, longest)
    log_probabilities = tf.where(real, followed.log_probabilities, 0.0)
    return Hypotheses(
        ids=tf.where(real, followed.ids, 0),
        length=length,
        log_probabilities=log_probabilities,
        score=tf.reduce_sum(log_probabilities, axis=1),
        attention_weights=tf.where(real[..., tf.newaxis], followed.attention_weights, 0.0),
    )
