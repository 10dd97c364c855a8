"""Teacher forcing: how probable given sequences are, step by step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import gather_candidates
from attention_seq2seq.decoding.decode_loop import dynamic_decode
from attention_seq2seq.decoding.step import Hypotheses, StepFn


def force_decode(
    step: StepFn, state: Any, ids: tf.Tensor, length: tf.Tensor, bos_id: int
) -> Hypotheses:
    """Follows given sequences instead of searching.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        ids: int32[rows, time], at least one row.
        length: int32[rows], at least 1; what comes after it has no part in the result.
        bos_id: fed at the first step.

    Returns:
        `Hypotheses` of the given ids; the score is the log-probability.
    """
    longest = tf.reduce_max(length)

    def given(output, said, time):
        return gather_candidates(output, output.logits, ids[:, time])

    # -1 ends no row: a sequence may hold any id before its own length is over.
    followed = dynamic_decode(step, state, given, bos_id, -1, longest)
    real = tf.sequence_mask(length, longest)
    token_log_probs = tf.where(real, followed.token_log_probs, 0.0)
    return Hypotheses(
        ids=tf.where(real, followed.ids, 0),
        length=length,
        token_log_probs=token_log_probs,
        score=tf.reduce_sum(token_log_probs, axis=1),
        attention_weights=tf.where(real[..., tf.newaxis], followed.attention_weights, 0.0),
    )
