"""Teacher forcing: how probable given sequences are, step by step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.loop import decode
from attention_seq2seq.decoding.step import Decoded, Step


def teacher_forcing(
    step: Step, state: Any, ids: tf.Tensor, length: tf.Tensor, begin_id: int
) -> Decoded:
    """Follows given sequences instead of searching.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        ids: int32[rows, time], at least one row.
        length: int32[rows], at least 1; what comes after it has no part in the result.
        begin_id: fed at the first step.

    Returns:
        `Decoded` of the given ids.
    """
    num_rows, longest = tf.shape(ids)[0], tf.reduce_max(length)
    # -1 ends no row: a sequence may hold any id before its own length is over.
    decoded = decode(
        step, state, num_rows, begin_id, -1, longest, lambda time, _: tf.gather(ids, time, axis=1)
    )
    real = tf.sequence_mask(length, longest)
    return Decoded(
        ids=tf.where(real, decoded.ids, 0),
        length=length,
        log_probabilities=tf.where(real, decoded.log_probabilities, 0.0),
        attention_weights=tf.where(real[..., tf.newaxis], decoded.attention_weights, 0.0),
    )
