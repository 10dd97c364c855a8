"""Sampling follows its distribution, and rows are sampled independently."""

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
FIRST_TOKEN_PROBABILITIES = [0.0, 0.0, 0.1, 0.4, 0.3, 0.15, 0.05]
EOS_ONLY = [0, 0, 1, 0, 0, 0, 0]
# Probabilities of the next token (column) after a token (row).
TRANSITIONS = [EOS_ONLY, FIRST_TOKEN_PROBABILITIES, *[EOS_ONLY] * 5]


def generate(num_rows, step=None, max_length=3, seed=1, state=None, seeds=None, **options):
    if seeds is None:
        seeds = np.stack([np.full(num_rows, seed), np.arange(num_rows)], axis=1)
    seeds, params = tf.constant(seeds, tf.int32), make_params(max_length=max_length, **options)
    state = tf.zeros([num_rows], tf.int32) if state is None else state
    step = step or matrix_step(TRANSITIONS)

    # Sampling row by row is slow outside of a graph.
    @tf.function
    def run():
        return sample(step, state, params, make_processors(num_rows), seeds)

    return run()


def first_token_distribution(temperature=1.0, top_k=0, top_p=1.0):
    """Returns the probabilities float[vocab] of the first token, computed by a plain loop."""
    probabilities = np.array(FIRST_TOKEN_PROBABILITIES) ** (1 / temperature)
    probabilities /= probabilities.sum()
    candidates, cumulative = [], 0.0
    for token in np.argsort(-probabilities, kind="stable"):
        if candidates and (cumulative >= top_p or len(candidates) == top_k):
            break
        candidates.append(token)
        cumulative += probabilities[token]
    is_candidate = np.isin(np.arange(len(probabilities)), candidates)
    probabilities = np.where(is_candidate, probabilities, 0.0)
    return probabilities / probabilities.sum()


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
def test_frequencies_match_the_distribution(options):
    num_rows = 4000
    tokens = generate(num_rows, **options).ids[:, 0].numpy()
    counts = np.bincount(tokens, minlength=7)
    expected_counts = num_rows * first_token_distribution(**options)
    is_possible = expected_counts > 0
    assert np.all(counts[~is_possible] == 0)
    chi_square = np.sum(
        ((counts - expected_counts) ** 2)[is_possible] / expected_counts[is_possible]
    )
    # The 99.9th percentile of the chi-square distribution with at most 4 degrees of freedom.
    assert chi_square < 18.5


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_p": 0.0}, {"temperature": 0.01}], ids=str)
def test_sampling_of_a_single_candidate_matches_greedy_search(options):
    step = toy_step(*random_toy_model(6, 3, seed=4))
    state = tf.zeros([5, 2], tf.int32)
    sampled = generate(5, step, max_length=6, state=state, **options)
    expected = greedy_search(step, state, make_processors(5), tf.constant(6))
    np.testing.assert_array_equal(sampled.ids, expected.ids)
    np.testing.assert_allclose(sampled.scores, expected.scores, atol=1e-5)


def test_samples_depend_on_the_seed_of_the_row_only():
    """They do not depend on the rest of the batch or on the maximum length."""
    step = toy_step(*random_toy_model(6, 3, seed=5, sharpness=0.5))
    seeds = np.array([[seed, index] for seed in (3, 7) for index in range(20)])
    batch = generate(40, step, max_length=6, state=tf.zeros([40, 2], tf.int32), seeds=seeds)
    for row in (0, 1, 19, 20, 39):
        state = tf.zeros([2, 2], tf.int32)
        small_batch = generate(2, step, max_length=8, state=state, seeds=seeds[[row, 0]])
        length = min(int(batch.lengths[row]), 6)
        np.testing.assert_array_equal(batch.ids[row, :length], small_batch.ids[0, :length])
    assert len({tuple(row) for row in batch.ids.numpy().tolist()}) > 20


def test_noise_does_not_depend_on_the_maximum_length():
    seeds = tf.constant([[1, 0], [1, 1], [2, 0]])
    short, long = uniform_noise(seeds, tf.constant(5)), uniform_noise(seeds, tf.constant(77))
    np.testing.assert_array_equal(short, long[:, :5])
    assert len(np.unique(long)) == long.numpy().size


def test_scores_are_log_probabilities_without_temperature_and_top_k():
    sampled = generate(50, temperature=2.0, top_k=3)
    expected = np.log(np.array(FIRST_TOKEN_PROBABILITIES)[sampled.ids[:, 0].numpy()])
    np.testing.assert_allclose(sampled.log_prob, expected, atol=1e-5)
    np.testing.assert_allclose(sampled.scores, expected, atol=1e-5)
