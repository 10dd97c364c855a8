"""Forced decoding: the log-probabilities of given sequences."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import gather_candidates
from attention_seq2seq.decoding.decode_loop import dynamic_decode
from attention_seq2seq.decoding.step import Hypotheses, StepFn


def force_decode(
    step: StepFn, state: Any, ids: tf.Tensor, length: tf.Tensor, bos_id: int
) -> Hypotheses:
    """Scores given sequences instead of searching.

    Args:
        step: one step of the model.
        state: the state before the first token.
        ids: int32[rows, time], at least one row.
        length: int32[rows], at least 1; later ids are ignored.
        bos_id: fed at the first step.

    Returns:
        `Hypotheses` of the given ids; the score is the log-probability.
    """
    max_length = tf.reduce_max(length)

    def select(output, tokens, time):
        return gather_candidates(output, output.logits, ids[:, time])

    # -1 ends no row: a sequence may contain any id, the end token too.
    hypotheses = dynamic_decode(step, state, select, bos_id, -1, max_length)
    mask = tf.sequence_mask(length, max_length)
    token_log_probs = tf.where(mask, hypotheses.token_log_probs, 0.0)
    return Hypotheses(
        ids=tf.where(mask, hypotheses.ids, 0),
        lengths=length,
        token_log_probs=token_log_probs,
        scores=tf.reduce_sum(token_log_probs, axis=1),
        attention_weights=tf.where(mask[..., tf.newaxis], hypotheses.attention_weights, 0.0),
    )
