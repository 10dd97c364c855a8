"""Greedy search: the most probable token at each step."""

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
    max_length: tf.Tensor,
) -> Hypotheses:
    """Selects the most probable token at each step. In case of a tie, the lowest id wins.

    Args:
        step: one step of the model.
        state: the initial state.
        processors: constraints on the next token of each row.
        max_length: int32[], at least 1, maximum length; longer rows are cut.

    Returns:
        `Hypotheses`, as long as the longest row.
    """

    def select(output, tokens, time):
        candidates = top_k_candidates(output, 1, processors, tokens, time)
        return Candidates(*(column[:, 0] for column in candidates))

    return dynamic_decode(step, state, select, processors.bos_id, processors.eos_id, max_length)
