"""Forced decoding: computes the log-probabilities of given sequences."""

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
        state: the initial state.
        ids: int32[rows, time], the sequences; at least one row.
        length: int32[rows], number of tokens of each sequence, at least 1; later ids are ignored.
        bos_id: id of the BOS token, the first input.

    Returns:
        `Hypotheses` of the given ids; the score is the log-probability.
    """
    max_length = tf.reduce_max(length)

    def select(output, tokens, time):
        return gather_candidates(output, output.logits, ids[:, time])

    # No id is -1, so no row ends early: a sequence may contain any id, even EOS.
    return dynamic_decode(step, state, select, bos_id, -1, max_length, length)
