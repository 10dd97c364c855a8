"""From the logits of a step to the few words that matter: the best ones, or those chosen."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.logits_processors import LogitsProcessors, process
from attention_seq2seq.decoding.step import StepOutput, add_score_bias
from attention_seq2seq.decoding.top_k import blocked_top_k, row_logsumexp


class Candidates(NamedTuple):
    """Next words of each row; of all of these [rows, k], or [rows] where there is one of each.

    Attributes:
        ids: int32.
        scores: float32, what each adds to the total of its hypothesis: its log-probability, with
            preferences and constraints.
        log_probabilities: float32, the model's own.
    """

    ids: tf.Tensor
    scores: tf.Tensor
    token_log_probs: tf.Tensor


def process_logits(
    output: StepOutput, processors: LogitsProcessors, said, time, bos_id, eos_id
) -> tf.Tensor:
    """float32[rows, vocab], log-probabilities with all that bears on the choice.

    A number for each row is missing from them: see `gather_candidates`.
    """
    scores = add_score_bias(tf.cast(output.logits, tf.float32), output.score_bias)
    return process(scores, processors, said, time, bos_id, eos_id)


def gather_candidates(output: StepOutput, scores: tf.Tensor, ids: tf.Tensor) -> Candidates:
    """The words ids int32[rows] or int32[rows, k]; only they are normalised, not all."""
    logits = tf.cast(output.logits, tf.float32)
    normalizer = row_logsumexp(logits)
    if ids.shape.rank == 1:
        normalizer = normalizer[:, 0]
    gained = tf.gather(scores, ids, batch_dims=1) - normalizer
    return Candidates(ids, gained, tf.gather(logits, ids, batch_dims=1) - normalizer)


def top_k_candidates(
    output: StepOutput, k: tf.Tensor, processors: LogitsProcessors, said, time, bos_id, eos_id
) -> Candidates:
    """The k best words of each row, the best first; of equal ones the first.

    Args:
        output: one step of the model.
        k: int32[].
        processors: what may be said.
        said: int32[rows, max_length], the words before.
        time: int32[], how many they are.
        bos_id: what stands before the first.
        eos_id: ends a hypothesis.
    """
    if output.score_bias is None and processors.rules is None:
        return _top_k_unconstrained(tf.cast(output.logits, tf.float32), k, processors)
    scores = process_logits(output, processors, said, time, bos_id, eos_id)
    return gather_candidates(output, scores, blocked_top_k(scores, k)[1])


def _top_k_unconstrained(logits, k, processors: LogitsProcessors) -> Candidates:
    """Where each word is ranked by itself, few passes over the vocabulary are enough."""
    # Among so many there are k that are not forbidden.
    enough = tf.minimum(k + processors.num_forbidden, tf.shape(logits)[1])
    best, ids = blocked_top_k(logits, enough)
    token_log_probs = best - row_logsumexp(logits, ids[:, :1])
    if processors.forbidden is not None:
        allowed = token_log_probs + tf.gather(processors.forbidden, ids)
        token_log_probs, places = tf.math.top_k(allowed, k)
        ids = tf.gather(ids, places, batch_dims=1)
    return Candidates(ids, token_log_probs, token_log_probs)
