"""Scripted models whose best replies can be derived by hand, or by trying everything."""

import itertools

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.logits_processors import LogitsProcessors
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.step import StepOutput


def matrix_step(probabilities, source_time=4):
    """The next word depends on the word before alone; attention lies on place t at step t.

    The state is the number of steps taken, int32[rows].
    """
    # A constant added to all logits of a row must not matter.
    logits = np.log(np.asarray(probabilities) + 1e-30).astype(np.float32) + 5.0

    def step(ids, state):
        return StepOutput(tf.gather(logits, ids), tf.one_hot(state, source_time), state + 1)

    return step


def random_toy_model(vocabulary_size, source_time, seed, sharpness=2.0):
    """Returns logits and attention of `toy_step`: [time, token before last, last token, ...]."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.normal(size=[9, *[vocabulary_size] * 3])
    attention = rng.dirichlet(np.ones(source_time), size=[9, *[vocabulary_size] * 2])
    return logits.astype(np.float32), attention.astype(np.float32)


def toy_step(logits, attention):
    """A model with a memory: what it says depends on the last two words and the time.

    The state is int32[rows, 2]: the word before the last, and the number of steps taken.
    """

    def step(ids, state):
        indices = tf.stack([state[:, 1], state[:, 0], ids], axis=1)
        state = tf.stack([ids, state[:, 1] + 1], axis=1)
        return StepOutput(tf.gather_nd(logits, indices), tf.gather_nd(attention, indices), state)

    return step


def enumerate_sequences(vocabulary_size, eos_id, max_length):
    """Yields all sequences that end with eos_id, and those truncated at max_length."""
    other_ids = [token_id for token_id in range(vocabulary_size) if token_id != eos_id]
    for length in range(1, max_length + 1):
        for ids in itertools.product(other_ids, repeat=length - 1):
            yield (*ids, eos_id)
    yield from itertools.product(other_ids, repeat=max_length)


def make_params(max_length=9, prefix_ids=(), **options) -> DecodingParams:
    """Returns parameters without any effect, except for overrides."""
    config = DecodingConfig(**{"diversity_penalty": 0.0, "length_penalty": 0.0, **options})
    params = DecodingParams.from_config(config, max_length, prefix_ids=prefix_ids)
    return params.pack().unpack()


def make_beam_params(beam_width=3, **options) -> DecodingParams:
    """Returns such parameters for beam search, which return all hypotheses by default."""
    options = {"num_return_sequences": beam_width, **options}
    return make_params(method="beam", beam_width=beam_width, **options)


def make_processors(
    num_rows, processors=None, prompt_target_ids=None, **options
) -> LogitsProcessors:
    """Returns logits processors without constraints, except for options of `make_params`."""
    processors = processors or LogitsProcessors()
    if not options:
        return processors
    if prompt_target_ids is None:
        prompt_target_ids = tf.zeros([num_rows, 0], tf.int32)
    return processors._replace(
        params=make_params(**options), prompt_target_ids=tf.constant(prompt_target_ids, tf.int32)
    )
