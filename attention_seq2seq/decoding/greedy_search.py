"""Greedy decoding: the most probable word at each step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates, top_k_candidates
from attention_seq2seq.decoding.decode_loop import dynamic_decode
from attention_seq2seq.decoding.logits_processors import LogitsProcessors
from attention_seq2seq.decoding.step import Hypotheses, StepFn


def greedy_search(
    step: StepFn,
    state: Any,
    processors: LogitsProcessors,
    bos_id: int,
    eos_id: int,
    max_length: tf.Tensor,
) -> Hypotheses:
    """Takes the most probable word at each step; of equal ones the first.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        processors: what may be said, for each row.
        bos_id: fed at the first step.
        eos_id: ends a row.
        max_length: int32[], at least 1: a row that has not ended by then is cut.

    Returns:
        `Hypotheses`, as long as the longest row.
    """

    def most_probable(output, said, time):
        best = top_k_candidates(output, 1, processors, said, time, bos_id, eos_id)
        return Candidates(*(column[:, 0] for column in best))

    return dynamic_decode(step, state, most_probable, bos_id, eos_id, max_length)
