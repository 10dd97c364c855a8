"""Sampling: each word drawn at random, as probable words more often than others."""

from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.candidates import gather_candidates, process_logits
from attention_seq2seq.decoding.decode_loop import dynamic_decode
from attention_seq2seq.decoding.logits_processors import NEG_INF, LogitsProcessors
from attention_seq2seq.decoding.step import Hypotheses, StepFn

# A multiplier of Fishman and Moore (1986) for the multiplicative generator modulo this prime.
_PRIME, _MULTIPLIER = 2**31 - 1, 742_938_285
_POWERS = [pow(_MULTIPLIER, number, _PRIME) for number in range(1, 1025)]


class Sampling(NamedTuple):
    """How words are drawn. All are tensors, so they change from call to call.

    Attributes:
        temperature: float32[], above 0: log-probabilities are divided by it; below 1 the probable
            becomes more so.
        top_k: int32[], draw from the k most probable words; 0: from all.
        top_p: float32[], draw from the fewest words that together are at least this probable;
            1: from all.
        seeds: int64[rows, 2], of each row, see `sampling_seeds`.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    seeds: tf.Tensor


def sample(
    step: StepFn,
    state: Any,
    sampling: Sampling,
    processors: LogitsProcessors,
    bos_id: int,
    eos_id: int,
    max_length: tf.Tensor,
) -> Hypotheses:
    """Draws each word at random.

    What a row draws depends on its own seed, on nothing else: not on the other rows, and not on
    `max_length`.

    Args:
        step: one step of the model, see `decoding.step`.
        state: its state before the first word.
        sampling: how words are drawn.
        processors: what may be said, for each row.
        bos_id: fed at the first step.
        eos_id: ends a row.
        max_length: int32[], at least 1: a row that has not ended by then is cut.

    Returns:
        `Hypotheses`; the score is the log-probability before temperature, top_k and top_p.
    """
    draws = uniform_noise(sampling.seeds, max_length)
    filters = (sampling.top_k > 0) | (sampling.top_p < 1.0)

    def drawn(output, said, time):
        scores = process_logits(output, processors, said, time, bos_id, eos_id)
        scaled, draw = scores / sampling.temperature, draws[:, time]
        ids = tf.cond(
            filters,
            lambda: _sample_filtered(scaled, draw, sampling),
            lambda: sample_inverse_cdf(draw, scaled),
        )
        return gather_candidates(output, scores, ids)

    return dynamic_decode(step, state, drawn, bos_id, eos_id, max_length)


def prompt_hashes(source_ids: tf.Tensor, source_length: tf.Tensor) -> tf.Tensor:
    """int64[batch], below 2**31: numbers that differ where prompts do; padding has no influence.

    Each id is multiplied by a power that depends on its position, modulo a prime, so that prompts
    that differ in one id never have the same hash, and others hardly ever.

    Args:
        source_ids: int32[batch, source_time].
        source_length: int32[batch].

    Example:
        >>> ids = tf.constant([[5, 7, 0], [7, 5, 0], [5, 7, 5]])
        >>> hashes = prompt_hashes(ids, tf.constant([2, 2, 3])).numpy()
        >>> len(set(hashes))
        3
        >>> bool(prompt_hashes(ids[:1, :2], tf.constant([2]))[0] == hashes[0])
        True
    """
    source_time = tf.shape(source_ids)[1]
    factors = tf.gather(tf.constant(_POWERS, tf.int64), tf.range(source_time) % len(_POWERS))
    # Products of two numbers below 2**31 fit into int64.
    terms = (tf.cast(source_ids, tf.int64) + 1) * factors % _PRIME
    real = tf.sequence_mask(source_length, source_time)
    return tf.reduce_sum(tf.where(real, terms, 0), axis=1) % _PRIME


def sampling_seeds(
    sampling_seed: tf.Tensor, hashes: tf.Tensor, sample_numbers: tf.Tensor
) -> tf.Tensor:
    """int64[rows, 2], a seed for each row: two prompts share no random numbers, nor two samples.

    Args:
        sampling_seed: int32[].
        hashes: int64[rows], see `prompt_hashes`.
        sample_numbers: int32[rows], which sample of its prompt a row is.
    """
    of_rows = hashes * 2**32 + tf.cast(sample_numbers, tf.int64)
    return tf.stack([tf.fill(tf.shape(of_rows), tf.cast(sampling_seed, tf.int64)), of_rows], axis=1)


def uniform_noise(seeds: tf.Tensor, num_draws: tf.Tensor) -> tf.Tensor:
    """float32[rows, num_draws], in [0, 1), a sequence of its own for each int64[rows, 2] seed."""

    def one_row(seed):
        return tf.random.stateless_uniform([num_draws], seed, alg="philox")

    return tf.map_fn(one_row, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))


def _sample_filtered(scaled, draw, sampling: Sampling):
    vocab = tf.shape(scaled)[1]
    ordered, ids = tf.math.top_k(scaled, vocab)
    probabilities = tf.nn.softmax(ordered)
    before = tf.cumsum(probabilities, axis=1, exclusive=True)
    few = tf.where(sampling.top_k > 0, sampling.top_k, vocab)
    # The most probable word is always left.
    kept = (tf.range(vocab) == 0) | ((tf.range(vocab) < few) & (before < sampling.top_p))
    place = sample_inverse_cdf(draw, tf.where(kept, ordered, NEG_INF))
    return tf.gather(ids, place, batch_dims=1)


def sample_inverse_cdf(draw: tf.Tensor, scaled: tf.Tensor) -> tf.Tensor:
    """The words that random numbers come to, by inverting the cumulative distribution.

    Args:
        draw: float32[rows], in [0, 1).
        scaled: float32[rows, vocab], logits.

    Returns:
        int32[rows].

    Example:
        >>> logits = tf.math.log([[0.25, 0.0, 0.75]] * 3)
        >>> sample_inverse_cdf(tf.constant([0.2, 0.3, 0.99]), logits).numpy().tolist()
        [0, 2, 2]
    """
    probabilities = tf.nn.softmax(scaled)
    upto = tf.cumsum(probabilities, axis=1)
    place = tf.reduce_sum(tf.cast(upto <= draw[:, tf.newaxis] * upto[:, -1:], tf.int32), axis=1)
    # Rounding may carry the draw past the last word that has any probability.
    last = (
        tf.shape(scaled)[1]
        - 1
        - tf.argmax(tf.reverse(probabilities, [1]) > 0, axis=1, output_type=tf.int32)
    )
    return tf.minimum(place, last)
