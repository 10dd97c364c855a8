"""Sampling: draws each token at random from the model's distribution.

Each row has a seed, which depends on its prompt and on its index among the samples of that prompt.
It determines one random number for each step. At each step:

1. The logits processors apply to the logits.
2. The scores are divided by the temperature.
3. Tokens excluded by top_k and top_p are removed.
4. The cumulative distribution is inverted at the random number of the step.
"""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import gather_candidates, process_logits
from attention_seq2seq.decoding.decode_loop import dynamic_decode
from attention_seq2seq.decoding.logits_processors import NEG_INF, LogitsProcessors
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.step import Hypotheses, StepFn

# A multiplier of Fishman and Moore (1986) for the multiplicative generator modulo this prime.
_PRIME, _MULTIPLIER = 2**31 - 1, 742_938_285
_POWERS = [pow(_MULTIPLIER, exponent, _PRIME) for exponent in range(1, 1025)]


def sample(
    step: StepFn,
    state: Any,
    params: DecodingParams,
    processors: LogitsProcessors,
    seeds: tf.Tensor,
) -> Hypotheses:
    """Samples tokens until every row is finished or max_length is reached.

    The random numbers of a row depend only on its seed, not on other rows or max_length.

    Args:
        step: one step of the model.
        state: the initial state.
        params: parameters of the call; max_length, temperature, top_k and top_p are used.
        processors: constraints on the next token of each row.
        seeds: int64[rows, 2], from `sampling_seeds`.

    Returns:
        `Hypotheses`; the score is the log-probability before temperature, top_k and top_p.
    """
    noise = uniform_noise(seeds, params.max_length)
    has_filter = (params.top_k > 0) | (params.top_p < 1.0)

    def select(output, tokens, time):
        scores = process_logits(output, processors, tokens, time)
        scaled, step_noise = scores / params.temperature, noise[:, time]
        ids = tf.cond(
            has_filter,
            lambda: _sample_filtered(scaled, step_noise, params),
            lambda: sample_inverse_cdf(step_noise, scaled),
        )
        return gather_candidates(output, scores, ids)

    return dynamic_decode(
        step, state, select, processors.bos_id, processors.eos_id, params.max_length
    )


def prompt_hashes(source_ids: tf.Tensor, source_length: tf.Tensor) -> tf.Tensor:
    """Returns a hash of each prompt, int64[batch], below 2**31. Padding is ignored.

    Each id is multiplied by a power that depends on its position, modulo a prime. Prompts that
    differ in one id never collide, and other prompts rarely do.

    Args:
        source_ids: int32[batch, source_time], the prompts, padded with 0.
        source_length: int32[batch], number of tokens of each prompt.

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
    mask = tf.sequence_mask(source_length, source_time)
    return tf.reduce_sum(tf.where(mask, terms, 0), axis=1) % _PRIME


def sampling_seeds(
    sampling_seed: tf.Tensor, hashes: tf.Tensor, sample_indices: tf.Tensor
) -> tf.Tensor:
    """Returns a seed for each row, int64[rows, 2], that depends on its prompt and sample.

    Args:
        sampling_seed: int32[], seed of the call.
        hashes: int64[rows], hash of each row's prompt.
        sample_indices: int32[rows], index of the row among the samples of its prompt.
    """
    row_seeds = hashes * 2**32 + tf.cast(sample_indices, tf.int64)
    return tf.stack(
        [tf.fill(tf.shape(row_seeds), tf.cast(sampling_seed, tf.int64)), row_seeds], axis=1
    )


def uniform_noise(seeds: tf.Tensor, num_steps: tf.Tensor) -> tf.Tensor:
    """Returns random numbers float32[rows, num_steps] in [0, 1) for seeds int64[rows, 2]."""

    def row_noise(seed):
        return tf.random.stateless_uniform([num_steps], seed, alg="philox")

    return tf.map_fn(row_noise, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))


def _sample_filtered(logits, noise, params: DecodingParams):
    """Returns ids int32[rows], sampled from the tokens that top_k and top_p allow."""
    vocabulary_size = tf.shape(logits)[1]
    sorted_logits, ids = tf.math.top_k(logits, vocabulary_size)
    previous = tf.cumsum(tf.nn.softmax(sorted_logits), axis=1, exclusive=True)
    limit = tf.where(params.top_k > 0, params.top_k, vocabulary_size)
    # The most probable token always remains.
    rank = tf.range(vocabulary_size)
    mask = (rank == 0) | ((rank < limit) & (previous < params.top_p))
    index = sample_inverse_cdf(noise, tf.where(mask, sorted_logits, NEG_INF))
    return tf.gather(ids, index, batch_dims=1)


def sample_inverse_cdf(noise: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Samples ids by inverting the cumulative distribution at random numbers.

    Args:
        noise: float32[rows], random numbers in [0, 1).
        logits: float32[rows, vocab], unnormalized log-probabilities.

    Returns:
        int32[rows], the sampled ids.

    Example:
        >>> logits = tf.math.log([[0.25, 0.0, 0.75]] * 3)
        >>> sample_inverse_cdf(tf.constant([0.2, 0.3, 0.99]), logits).numpy().tolist()
        [0, 2, 2]
    """
    probs = tf.nn.softmax(logits)
    cumulative = tf.cumsum(probs, axis=1)
    thresholds = noise[:, tf.newaxis] * cumulative[:, -1:]
    ids = tf.reduce_sum(tf.cast(cumulative <= thresholds, tf.int32), axis=1)
    # Rounding may move the threshold past the last token with a nonzero probability.
    last = (
        tf.shape(logits)[1]
        - 1
        - tf.argmax(tf.reverse(probs, [1]) > 0, axis=1, output_type=tf.int32)
    )
    return tf.minimum(ids, last)
