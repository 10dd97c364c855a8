"""Selects candidates for the next token from the logits of a step."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.logits_processors import LogitsProcessors, process
from attention_seq2seq.decoding.step import StepOutput
from attention_seq2seq.decoding.top_k import blocked_top_k, row_logsumexp


class Candidates(NamedTuple):
    """Candidates for the next token of each row, each [rows, k], or [rows] for one candidate.

    Attributes:
        ids: int32.
        scores: float32, the increments of the hypotheses' scores: log-probabilities with score bias
            and logits processors.
        token_log_probs: float32, the log-probability of the model.
    """

    ids: tf.Tensor
    scores: tf.Tensor
    token_log_probs: tf.Tensor


def process_logits(output: StepOutput, processors: LogitsProcessors, tokens, time) -> tf.Tensor:
    """Applies the score bias and the logits processors.

    Returns:
        float32[rows, vocab], unnormalized; `gather_candidates` subtracts the normalizer.
    """
    scores = logits = tf.cast(output.logits, tf.float32)
    if output.score_bias is not None:
        has_bias = tf.shape(output.score_bias)[1] > 0
        scores = tf.cond(has_bias, lambda: logits + output.score_bias, lambda: logits)
    return process(scores, processors, tokens, time)


def gather_candidates(output: StepOutput, scores: tf.Tensor, ids: tf.Tensor) -> Candidates:
    """Returns the candidates with ids int32[rows] or int32[rows, k]."""
    logits = tf.cast(output.logits, tf.float32)
    normalizer = row_logsumexp(logits)
    if ids.shape.rank == 1:
        normalizer = normalizer[:, 0]
    candidate_scores = tf.gather(scores, ids, batch_dims=1) - normalizer
    return Candidates(ids, candidate_scores, tf.gather(logits, ids, batch_dims=1) - normalizer)


def top_k_candidates(
    output: StepOutput, k: tf.Tensor, processors: LogitsProcessors, tokens, time
) -> Candidates:
    """Returns the k best tokens of each row, best first. Ties are ordered by id.

    Args:
        output: one step of the model.
        k: int32[], number of candidates.
        processors: constraints on the next token.
        tokens: int32[rows, max_length], the tokens so far.
        time: int32[], number of tokens so far.
    """
    if output.score_bias is None and processors.params is None:
        return _top_k_unconstrained(tf.cast(output.logits, tf.float32), k, processors)
    scores = process_logits(output, processors, tokens, time)
    return gather_candidates(output, scores, blocked_top_k(scores, k)[1])


def _top_k_unconstrained(logits, k, processors: LogitsProcessors) -> Candidates:
    """Computes `top_k_candidates` without score bias and parameters, in fewer passes."""
    # At least k of these tokens are not suppressed.
    num_candidates = tf.minimum(k + processors.num_suppressed, tf.shape(logits)[1])
    top_logits, ids = blocked_top_k(logits, num_candidates)
    token_log_probs = top_logits - row_logsumexp(logits, ids[:, :1])
    if processors.suppressed is not None:
        allowed_log_probs = token_log_probs + tf.gather(processors.suppressed, ids)
        token_log_probs, positions = tf.math.top_k(allowed_log_probs, k)
        ids = tf.gather(ids, positions, batch_dims=1)
    return Candidates(ids, token_log_probs, token_log_probs)
