"""Scripted models whose best replies can be derived by hand, or by trying everything."""

import itertools

import numpy as np
import tensorflow as tf

from attention_seq2seq.decoding.beam_search import Beam
from attention_seq2seq.decoding.logits_processors import LogitsProcessorParams, LogitsProcessors
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


def random_toy_model(vocab, source_time, seed, sharpness=2.0):
    """Logits and attention [time, word before the last, last word, ...], for `toy_step`."""
    rng = np.random.default_rng(seed)
    logits = (sharpness * rng.normal(size=[9, vocab, vocab, vocab])).astype(np.float32)
    attention = rng.dirichlet(np.ones(source_time), size=[9, vocab, vocab]).astype(np.float32)
    return logits, attention


def toy_step(logits, attention):
    """A model with a memory: what it says depends on the last two words and the time.

    The state is int32[rows, 2]: the word before the last, and the number of steps taken.
    """

    def step(ids, state):
        indices = tf.stack([state[:, 1], state[:, 0], ids], axis=1)
        state = tf.stack([ids, state[:, 1] + 1], axis=1)
        return StepOutput(tf.gather_nd(logits, indices), tf.gather_nd(attention, indices), state)

    return step


def enumerate_sequences(vocab, eos_id, max_length):
    """All sequences that end with end_id, and those cut at max_length."""
    other_ids = [token_id for token_id in range(vocab) if token_id != eos_id]
    for length in range(1, max_length + 1):
        for ids in itertools.product(other_ids, repeat=length - 1):
            yield (*ids, eos_id)
    yield from itertools.product(other_ids, repeat=max_length)


def make_beam(**overrides) -> Beam:
    """Beam search without any penalty, but for what is given."""
    options = {
        "width": 3,
        "groups": 1,
        "diversity_penalty": 0.0,
        "length_penalty": 0.0,
        "coverage_penalty": 0.0,
        "num_return_sequences": overrides.get("width", 3),
        "min_steps": 0,
        **overrides,
    }
    return Beam(**{name: tf.constant(value) for name, value in options.items()})


def make_processors(num_rows, processors=None, **overrides) -> LogitsProcessors:
    """No constraints, but for what is given."""
    processors = processors or LogitsProcessors()
    if not overrides:
        return processors
    overrides = {
        name: tf.constant(value, None if isinstance(value, float) else tf.int32)
        for name, value in overrides.items()
    }
    return processors._replace(rules=LogitsProcessorParams.none(num_rows)._replace(**overrides))
