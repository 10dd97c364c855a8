"""Beam search matches exhaustive search, and results derived by hand on toy models."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from helpers.toy_models import (
    enumerate_sequences,
    make_beam_params,
    make_processors,
    matrix_step,
    random_toy_model,
    toy_step,
)

BOS, EOS = 1, 2
VOCAB, LENGTH, SOURCE = 4, 4, 3


@pytest.fixture(scope="module")
def search_toy_model():
    """Returns a beam search for any toy model, traced once."""

    @tf.function(reduce_retracing=True)
    def search(logits, attention, params, num_rows):
        step = toy_step(logits, attention)
        state, mask = tf.zeros([num_rows, 2], tf.int32), tf.ones([num_rows, SOURCE], tf.bool)
        return beam_search(step, state, params, make_processors(num_rows), mask)

    return search


def score_sequence(sequence, logits, attention, length_penalty, coverage_penalty):
    """Returns the log-probability and the score of a sequence, computed in float64."""
    second_last, last, log_prob, coverage = 0, BOS, 0.0, 0.0
    for time, token in enumerate(sequence):
        token_logits = logits[time, second_last, last].astype(np.float64)
        log_prob += token_logits[token] - np.log(np.exp(token_logits).sum())
        coverage = coverage + attention[time, second_last, last].astype(np.float64)
        second_last, last = last, token
    score = log_prob / ((5 + len(sequence)) / 6) ** length_penalty
    score += coverage_penalty * np.log(np.clip(coverage, 1e-9, 1)).sum()
    return log_prob, score


def unpadded_ids(hypotheses) -> list[tuple[int, ...]]:
    return [
        tuple(ids[:length])
        for ids, length in zip(hypotheses.ids.numpy().tolist(), hypotheses.lengths)
    ]


@pytest.mark.parametrize(
    ("length_penalty", "coverage_penalty"), [(0.0, 0.0), (1.0, 0.4), (-0.5, 0.4)]
)
def test_a_beam_of_all_sequences_matches_exhaustive_search(
    search_toy_model, length_penalty, coverage_penalty
):
    sequences = list(enumerate_sequences(VOCAB, EOS, LENGTH))
    params = make_beam_params(
        beam_width=len(sequences),
        max_length=LENGTH,
        length_penalty=length_penalty,
        coverage_penalty=coverage_penalty,
        num_return_sequences=5,
    )
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        hypotheses = search_toy_model(logits, attention, params, len(sequences))
        entries = [
            (
                *score_sequence(sequence, logits, attention, length_penalty, coverage_penalty),
                sequence,
            )
            for sequence in sequences
        ]
        log_probs, scores, best_sequences = zip(*sorted(entries, key=lambda entry: -entry[1])[:5])
        assert unpadded_ids(hypotheses) == list(best_sequences), seed
        np.testing.assert_allclose(hypotheses.scores, scores, atol=1e-5)
        np.testing.assert_allclose(hypotheses.log_prob, log_probs, atol=1e-5)


@pytest.mark.parametrize(
    ("length_penalty", "coverage_penalty"), [(0.0, 0.0), (2.0, 0.4), (-1.0, 0.4)]
)
def test_early_stopping_does_not_change_the_hypotheses(
    search_toy_model, length_penalty, coverage_penalty
):
    """The hypotheses are those of a search up to the maximum length, in fewer steps."""
    num_steps = {0: 0, LENGTH: 0}
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        # Most hypotheses end early, as those of a trained model do.
        logits[..., EOS] += 2.0
        width = 2 + seed % 3
        hypotheses = {}
        for min_steps in num_steps:
            params = make_beam_params(
                beam_width=width,
                max_length=LENGTH,
                length_penalty=length_penalty,
                coverage_penalty=coverage_penalty,
                num_return_sequences=1 + seed % 2,
                # The search takes at least this many steps; the step function has no score bias.
                mmi_weight=1.0,
                mmi_max_tokens=min_steps,
            )
            hypotheses[min_steps] = search_toy_model(logits, attention, params, 3 * width)
            num_steps[min_steps] += hypotheses[min_steps].ids.shape[1]
        assert unpadded_ids(hypotheses[0]) == unpadded_ids(hypotheses[LENGTH])
        np.testing.assert_array_equal(hypotheses[0].scores, hypotheses[LENGTH].scores)
    assert num_steps[0] < num_steps[LENGTH] == 40 * LENGTH


def test_attention_and_log_probabilities_match_forced_decoding(search_toy_model):
    """They are traced back through the parent beams of each hypothesis."""
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        params = make_beam_params(beam_width=5, max_length=LENGTH)
        actual = search_toy_model(logits, attention, params, 5)
        step, state = toy_step(logits, attention), tf.zeros([5, 2], tf.int32)
        expected = force_decode(step, state, actual.ids, actual.lengths, BOS)
        np.testing.assert_allclose(actual.attention_weights, expected.attention_weights, atol=1e-6)
        np.testing.assert_allclose(actual.token_log_probs, expected.token_log_probs, atol=1e-5)


def test_beam_width_1_matches_greedy_search(search_toy_model):
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        params = make_beam_params(beam_width=1, max_length=LENGTH)
        hypotheses = search_toy_model(logits, attention, params, 2)
        step, state = toy_step(logits, attention), tf.zeros([2, 2], tf.int32)
        expected = greedy_search(step, state, make_processors(2), tf.constant(LENGTH))
        assert unpadded_ids(hypotheses) == unpadded_ids(expected)
        np.testing.assert_allclose(hypotheses.log_prob, expected.log_prob, atol=1e-5)


#                pad  bos  eos   a    b    c
A, B, C = 3, 4, 5
# The likeliest first token does not begin the likeliest sequence.
GARDEN_PATH = [
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.1, 0.5, 0.4, 0.0],  # bos: a is the likeliest first token
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.3, 0.2, 0.2, 0.3],  # a: no likely continuation
    [0.0, 0.0, 0.9, 0.0, 0.1, 0.0],  # b: almost always followed by eos
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # c
]


def search_garden_path(num_prompts=1, **options):
    params = make_beam_params(max_length=4, **options)
    rows = num_prompts * int(params.beam_width)
    state, mask = tf.zeros([rows], tf.int32), tf.ones([rows, 4], tf.bool)
    step = matrix_step(GARDEN_PATH)
    return beam_search(step, state, params, make_processors(rows), mask)


def test_a_wider_beam_recovers_the_likeliest_sequence():
    hypotheses = search_garden_path(beam_width=2)
    # The best sequence is b eos with 0.36; a eos and a c have 0.15.
    assert unpadded_ids(hypotheses)[0] == (B, EOS)
    np.testing.assert_allclose(np.exp(hypotheses.scores[0]), 0.4 * 0.9, rtol=1e-5)
    greedy_hypotheses = search_garden_path(beam_width=1)
    np.testing.assert_allclose(np.exp(greedy_hypotheses.scores[0]), 0.5 * 0.3, rtol=1e-5)


def test_length_penalty_divides_the_log_probability():
    hypotheses = search_garden_path(beam_width=4, length_penalty=1.0)
    expected = np.log(0.4 * 0.9) / (7 / 6)
    np.testing.assert_allclose(hypotheses.scores[0], expected, rtol=1e-5)


def test_diversity_penalty_makes_beam_groups_choose_different_tokens():
    single_group = search_garden_path(beam_width=2, num_beam_groups=1)
    independent = search_garden_path(beam_width=2, num_beam_groups=2, diversity_penalty=0.0)
    assert unpadded_ids(independent)[0] == unpadded_ids(independent)[1], (
        "groups without a diversity penalty have equal hypotheses"
    )
    diverse = search_garden_path(beam_width=2, num_beam_groups=2, diversity_penalty=1.0)
    # The first group chooses a. The penalty reduces a to 0.5 / e for the second group.
    assert {ids[0] for ids in unpadded_ids(diverse)} == {A, B}
    assert unpadded_ids(single_group) != unpadded_ids(independent)
    # The penalty affects the choice of tokens, but not the scores.
    expected = sorted([0.5 * 0.3, 0.4 * 0.9], reverse=True)
    np.testing.assert_allclose(np.exp(diverse.scores), expected, rtol=1e-5)


def test_missing_hypotheses_are_empty():
    eos_only = [[0.0, 0.0, 1.0]] * 3

    def step(ids, state):
        return tf.gather(tf.math.log(tf.constant(eos_only)), ids), tf.ones([8, 1]), state

    hypotheses = beam_search(
        step,
        tf.zeros([8]),
        make_beam_params(beam_width=4, max_length=3),
        make_processors(8),
        tf.ones([8, 1], tf.bool),
    )
    assert hypotheses.lengths.numpy().tolist() == [1, 0, 0, 0] * 2
    assert np.isneginf(hypotheses.scores[1:4]).all()
    assert not hypotheses.ids[1:4].numpy().any()


def test_coverage_penalty_prefers_replies_that_attend_to_all_prompt_tokens():
    """Two equally probable replies attend to one and to both tokens of the prompt."""
    weights = tf.constant([[0.5, 0.5, 0.0]] * 3 + [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    logits = np.full([5, 5], -50.0, np.float32)
    logits[BOS, [3, 4]] = 0.0
    logits[[3, 4], EOS] = 0.0

    def step(ids, state):
        # The first step attends to the first position, the second depends on the reply token.
        first = tf.constant([1.0, 0.0, 0.0])
        return (
            tf.gather(logits, ids),
            tf.where((ids == BOS)[:, tf.newaxis], first, tf.gather(weights, ids)),
            state,
        )

    def search(penalty):
        return beam_search(
            step,
            tf.zeros([2]),
            make_beam_params(beam_width=2, max_length=5, coverage_penalty=penalty),
            make_processors(2),
            tf.constant([[True, True, False]] * 2),
        )

    assert unpadded_ids(search(0.0)) == [(3, EOS), (4, EOS)]
    hypotheses = search(0.1)
    assert unpadded_ids(hypotheses) == [(4, EOS), (3, EOS)]
    # Each reply has probability 1/2. The second reply has no attention on the second token.
    expected = [-np.log(2), -np.log(2) + 0.1 * np.log(1e-9)]
    np.testing.assert_allclose(hypotheses.scores, expected, 1e-4)
