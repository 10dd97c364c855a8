"""Toy models whose best replies can be derived by hand or by exhaustive search."""

import itertools

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.logits_processors import LogitsProcessors
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.step import StepOutput


def matrix_step(probabilities, source_time=4):
    """Returns a step function of a Markov chain, with all attention of step t on position t.

    Args:
        probabilities: float[vocab, vocab], of the next token (column) after a token (row).
        source_time: number of positions of the prompt.

    The state is the number of steps taken, int32[batch].
    """
    # A constant added to all logits of a row must not matter.
    logits = np.log(np.asarray(probabilities) + 1e-30).astype(np.float32) + 5.0

    def step(ids, state):
        return StepOutput(tf.gather(logits, ids), tf.one_hot(state, source_time), state + 1)

    return step


def random_toy_model(vocabulary_size, source_time, seed, sharpness=2.0):
    """Returns logits and attention of `toy_step`: [time, second last token, last token, ...]."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.normal(size=[9, *[vocabulary_size] * 3])
    attention = rng.dirichlet(np.ones(source_time), size=[9, *[vocabulary_size] * 2])
    return logits.astype(np.float32), attention.astype(np.float32)


def toy_step(logits, attention):
    """Returns a step function whose logits depend on the last two tokens and the time.

    The state is int32[batch, 2]: the second last token, and the number of steps taken.
    """

    def step(ids, state):
        indices = tf.stack([state[:, 1], state[:, 0], ids], axis=1)
        state = tf.stack([ids, state[:, 1] + 1], axis=1)
        return StepOutput(tf.gather_nd(logits, indices), tf.gather_nd(attention, indices), state)

    return step


def enumerate_sequences(vocabulary_size, eos_id, max_length):
    """Yields all sequences that end with eos_id, and those truncated at max_length."""
    continuing_ids = [token_id for token_id in range(vocabulary_size) if token_id != eos_id]
    for length in range(1, max_length + 1):
        for ids in itertools.product(continuing_ids, repeat=length - 1):
            yield (*ids, eos_id)
    yield from itertools.product(continuing_ids, repeat=max_length)


def make_params(max_length=9, prefix_ids=(), suppressed_sequences=(), **options) -> DecodingParams:
    """Returns parameters that have no effect, except for `options`."""
    config = DecodingConfig(**{"diversity_penalty": 0.0, "length_penalty": 0.0, **options})
    params = DecodingParams.from_config(
        config, max_length, prefix_ids=prefix_ids, suppressed_sequences=suppressed_sequences
    )
    return params.pack().unpack()


def make_beam_params(beam_width=3, **options) -> DecodingParams:
    """Returns parameters of a beam search that returns all hypotheses by default."""
    options = {"num_return_sequences": beam_width, **options}
    return make_params(method="beam", beam_width=beam_width, **options)


def make_processors(
    num_rows, processors=None, prompt_target_ids=None, **options
) -> LogitsProcessors:
    """Returns logits processors without constraints, except for options of `make_params`."""
    processors = processors or LogitsProcessors(bos_id=1, eos_id=2)
    if not options:
        return processors
    if prompt_target_ids is None:
        prompt_target_ids = tf.zeros([num_rows, 0], tf.int32)
    return processors._replace(
        params=make_params(**options), prompt_target_ids=tf.constant(prompt_target_ids, tf.int32)
    )
