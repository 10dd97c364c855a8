"""Greedy decoding: the most probable word at each step."""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates, best_candidates
from attention_seq2seq.decoding.decode_loop import decode
from attention_seq2seq.decoding.logits_processors import Constraints
from attention_seq2seq.decoding.step import Hypotheses, Step


def greedy(
    step: Step,
    state: Any,
    constraints: Constraints,
    begin_id: int,
    end_id: int,
    max_length: tf.Tensor,
) -> Hypotheses:
    """Takes the most probable word at each step; of equal ones the first.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        constraints: what may be said, for each row.
        begin_id: fed at the first step.
        end_id: ends a row.
        max_length: int32[], at least 1: a row that has not ended by then is cut.

    Returns:
        `Hypotheses`, as long as the longest row.
    """

    def most_probable(stepped, said, time):
        best = best_candidates(stepped, 1, constraints, said, time, begin_id, end_id)
        return Candidates(*(column[:, 0] for column in best))

    return decode(step, state, most_probable, begin_id, end_id, max_length)
