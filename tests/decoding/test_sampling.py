"""Sampling fits its distribution, and each row draws for itself."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.sampling import sample, uniform_noise
from helpers.toy_models import (
    make_params,
    make_processors,
    matrix_step,
    random_toy_model,
    toy_step,
)

BOS, EOS = 1, 2
#            pad  bos  eos  a    b    c    d
FIRST_WORD = [0.0, 0.0, 0.1, 0.4, 0.3, 0.15, 0.05]
WORLD = [[0, 0, 1, 0, 0, 0, 0], FIRST_WORD] + [[0, 0, 1, 0, 0, 0, 0]] * 5


def draw(num_rows, step=None, length=3, seed=1, state=None, seeds=None, **options):
    if seeds is None:
        seeds = np.stack([np.full(num_rows, seed), np.arange(num_rows)], axis=1)
    seeds, params = tf.constant(seeds, tf.int32), make_params(max_length=length, **options)
    state = tf.zeros([num_rows], tf.int32) if state is None else state
    step = step or matrix_step(WORLD)

    # Traced: a draw for each row, one after the other, takes long outside of a graph.
    @tf.function
    def run():
        return sample(step, state, params, make_processors(num_rows), BOS, EOS, seeds)

    return run()


def expected(temperature=1.0, top_k=0, top_p=1.0):
    """The distribution of the first word, word by word."""
    shares = np.array(FIRST_WORD) ** (1 / temperature)
    shares /= shares.sum()
    order = sorted(range(len(shares)), key=lambda word: -shares[word])
    kept, mass = [], 0.0
    for word in order:
        if kept and (mass >= top_p or len(kept) == top_k):
            break
        kept.append(word)
        mass += shares[word]
    shares = np.array([share if word in kept else 0.0 for word, share in enumerate(shares)])
    return shares / shares.sum()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 3.0},
        {"top_k": 2},
        {"top_k": 99},
        {"top_p": 0.65},
        {"top_p": 0.75},
        {"top_k": 3, "top_p": 0.95, "temperature": 2.0},
    ],
    ids=str,
)
def test_frequencies_fit_the_distribution(options):
    num_rows = 4000
    words = draw(num_rows, **options).ids[:, 0].numpy()
    counts = np.bincount(words, minlength=7)
    shares = expected(**options)
    assert np.all(counts[shares == 0] == 0)
    possible = shares > 0
    chi_square = np.sum((counts - num_rows * shares)[possible] ** 2 / (num_rows * shares[possible]))
    # The 99.9th percentile of chi-square for 4 degrees of freedom, the most there are here.
    assert chi_square < 18.5


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.0}, {"temperature": 0.01}], ids=str)
def test_with_one_word_left_sampling_is_greedy(options):
    step = toy_step(*random_toy_model(6, 3, seed=4))
    state = tf.zeros([5, 2], tf.int32)
    drawn = draw(5, step, length=6, state=state, **options)
    best = greedy_search(step, state, make_processors(5), BOS, EOS, tf.constant(6))
    np.testing.assert_array_equal(drawn.ids, best.ids)
    np.testing.assert_allclose(drawn.scores, best.scores, atol=1e-5)


def test_a_row_draws_the_same_in_any_batch_and_at_any_limit():
    step = toy_step(*random_toy_model(6, 3, seed=5, sharpness=0.5))
    seeds = np.array([[seed, number] for seed in (3, 7) for number in range(20)])
    together = draw(40, step, length=6, state=tf.zeros([40, 2], tf.int32), seeds=seeds)
    for row in (0, 1, 19, 20, 39):
        state = tf.zeros([2, 2], tf.int32)
        alone = draw(2, step, length=8, state=state, seeds=seeds[[row, 0]])
        length = min(int(together.lengths[row]), 6)
        np.testing.assert_array_equal(together.ids[row, :length], alone.ids[0, :length])
    assert len({tuple(row) for row in together.ids.numpy().tolist()}) > 20


def test_more_draws_begin_as_fewer_do():
    seeds = tf.constant([[1, 0], [1, 1], [2, 0]])
    fewer, more = uniform_noise(seeds, tf.constant(5)), uniform_noise(seeds, tf.constant(77))
    np.testing.assert_array_equal(fewer, more[:, :5])
    assert len(np.unique(more)) == more.numpy().size


def test_the_score_is_the_log_probability_before_any_knob():
    drawn = draw(50, temperature=2.0, top_k=3)
    by_hand = np.log([FIRST_WORD[word] for word in drawn.ids[:, 0].numpy()])
    np.testing.assert_allclose(drawn.log_prob, by_hand, atol=1e-5)
    np.testing.assert_allclose(drawn.scores, by_hand, atol=1e-5)
