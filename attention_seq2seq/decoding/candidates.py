"""From the logits of a step to the few words that matter: the best ones, or those chosen."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.logits_processors import Constraints, constrained
from attention_seq2seq.decoding.step import Stepped, preferred
from attention_seq2seq.decoding.top_k import largest, log_of_sum


class Candidates(NamedTuple):
    """Next words of each row; of all of these [rows, k], or [rows] where there is one of each.

    Attributes:
        ids: int32.
        gained: float32, what each adds to the total of its hypothesis: its log-probability, with
            preferences and constraints.
        log_probabilities: float32, the model's own.
    """

    ids: tf.Tensor
    gained: tf.Tensor
    log_probabilities: tf.Tensor


def scored(stepped: Stepped, constraints: Constraints, said, time, begin_id, end_id) -> tf.Tensor:
    """float32[rows, vocab], log-probabilities with all that bears on the choice.

    A number for each row is missing from them: see `normalized`.
    """
    scores = preferred(tf.cast(stepped.logits, tf.float32), stepped.preference)
    return constrained(scores, constraints, said, time, begin_id, end_id)


def normalized(stepped: Stepped, scores: tf.Tensor, ids: tf.Tensor) -> Candidates:
    """The words ids int32[rows] or int32[rows, k]; only they are normalised, not all."""
    logits = tf.cast(stepped.logits, tf.float32)
    normalizer = log_of_sum(logits)
    if ids.shape.rank == 1:
        normalizer = normalizer[:, 0]
    gained = tf.gather(scores, ids, batch_dims=1) - normalizer
    return Candidates(ids, gained, tf.gather(logits, ids, batch_dims=1) - normalizer)


def best_candidates(
    stepped: Stepped, k: tf.Tensor, constraints: Constraints, said, time, begin_id, end_id
) -> Candidates:
    """The k best words of each row, the best first; of equal ones the first.

    Args:
        stepped: one step of the model.
        k: int32[].
        constraints: what may be said.
        said: int32[rows, max_length], the words before.
        time: int32[], how many they are.
        begin_id: what stands before the first.
        end_id: ends a hypothesis.
    """
    if stepped.preference is None and constraints.rules is None:
        return _best_by_itself(tf.cast(stepped.logits, tf.float32), k, constraints)
    scores = scored(stepped, constraints, said, time, begin_id, end_id)
    return normalized(stepped, scores, largest(scores, k)[1])


def _best_by_itself(logits, k, constraints: Constraints) -> Candidates:
    """Where each word is ranked by itself, few passes over the vocabulary are enough."""
    # Among so many there are k that are not forbidden.
    enough = tf.minimum(k + constraints.num_forbidden, tf.shape(logits)[1])
    best, ids = largest(logits, enough)
    log_probabilities = best - log_of_sum(logits, ids[:, :1])
    if constraints.forbidden is not None:
        allowed = log_probabilities + tf.gather(constraints.forbidden, ids)
        log_probabilities, places = tf.math.top_k(allowed, k)
        ids = tf.gather(ids, places, batch_dims=1)
    return Candidates(ids, log_probabilities, log_probabilities)
