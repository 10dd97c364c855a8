"""Beam search against trying everything, and on worlds whose answers are derived by hand."""

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

BEGIN, END = 1, 2
VOCAB, LENGTH, SOURCE = 4, 4, 3


@pytest.fixture(scope="module")
def search_toy_model():
    """Beam search on any world, traced once."""

    @tf.function(reduce_retracing=True)
    def search(logits, attention, params, num_rows):
        step = toy_step(logits, attention)
        state, mask = tf.zeros([num_rows, 2], tf.int32), tf.ones([num_rows, SOURCE], tf.bool)
        return beam_search(step, state, params, make_processors(num_rows), BEGIN, END, mask)

    return search


def scored_by_hand(reply, logits, attention, length_penalty, coverage_penalty):
    """(log-probability, score) of one reply."""
    before, last, total, attended = 0, BEGIN, 0.0, 0.0
    for time, word in enumerate(reply):
        row = logits[time, before, last].astype(np.float64)
        total += row[word] - np.log(np.exp(row).sum())
        attended = attended + attention[time, before, last].astype(np.float64)
        before, last = last, word
    score = total / ((5 + len(reply)) / 6) ** length_penalty
    score += coverage_penalty * np.log(np.clip(attended, 1e-9, 1)).sum()
    return total, score


def ids_of(found) -> list[tuple[int, ...]]:
    return [tuple(ids[:length]) for ids, length in zip(found.ids.numpy().tolist(), found.lengths)]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, -0.5])
@pytest.mark.parametrize("coverage_penalty", [0.0, 0.4])
def test_a_wide_enough_beam_equals_trying_everything(
    search_toy_model, length_penalty, coverage_penalty
):
    replies = list(enumerate_sequences(VOCAB, END, LENGTH))
    params = make_beam_params(
        beam_width=len(replies),
        max_length=LENGTH,
        length_penalty=length_penalty,
        coverage_penalty=coverage_penalty,
        num_return_sequences=5,
    )
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        found = search_toy_model(logits, attention, params, len(replies))
        by_hand = [
            (*scored_by_hand(reply, logits, attention, length_penalty, coverage_penalty), reply)
            for reply in replies
        ]
        best = sorted(by_hand, key=lambda entry: -entry[1])[:5]
        assert ids_of(found) == [reply for _, _, reply in best], seed
        np.testing.assert_allclose(found.scores, [score for _, score, _ in best], atol=1e-5)
        np.testing.assert_allclose(found.log_prob, [own for own, _, _ in best], atol=1e-5)


@pytest.mark.parametrize("length_penalty", [0.0, 2.0, -1.0])
@pytest.mark.parametrize("coverage_penalty", [0.0, 0.4])
def test_stopping_early_changes_nothing(search_toy_model, length_penalty, coverage_penalty):
    """What is found equals what is found by going on to the limit, in fewer steps."""
    steps = {0: 0, LENGTH: 0}
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        # The end becomes likely with time, as in a trained model.
        logits[..., END] += 2.0
        width = 2 + seed % 3
        found = {}
        for at_least in steps:
            params = make_beam_params(
                beam_width=width,
                max_length=LENGTH,
                length_penalty=length_penalty,
                coverage_penalty=coverage_penalty,
                num_return_sequences=1 + seed % 2,
                # The search takes at least this many steps; the step function has no score bias.
                mmi_weight=1.0,
                mmi_max_tokens=at_least,
            )
            found[at_least] = search_toy_model(logits, attention, params, 3 * width)
            steps[at_least] += found[at_least].ids.shape[1]
        assert ids_of(found[0]) == ids_of(found[LENGTH])
        np.testing.assert_array_equal(found[0].scores, found[LENGTH].scores)
    assert steps[0] < steps[LENGTH] == 40 * LENGTH


def test_attention_and_log_probabilities_equal_teacher_forcing(search_toy_model):
    """Of every hypothesis, the true ones: those of its own past."""
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        params = make_beam_params(beam_width=5, max_length=LENGTH)
        found = search_toy_model(logits, attention, params, 5)
        step, state = toy_step(logits, attention), tf.zeros([5, 2], tf.int32)
        followed = force_decode(step, state, found.ids, found.lengths, BEGIN)
        np.testing.assert_allclose(found.attention_weights, followed.attention_weights, atol=1e-6)
        np.testing.assert_allclose(found.token_log_probs, followed.token_log_probs, atol=1e-5)


def test_a_beam_of_one_is_greedy(search_toy_model):
    for seed in range(40):
        logits, attention = random_toy_model(VOCAB, SOURCE, seed)
        params = make_beam_params(beam_width=1, max_length=LENGTH)
        found = search_toy_model(logits, attention, params, 2)
        step, state = toy_step(logits, attention), tf.zeros([2, 2], tf.int32)
        best = greedy_search(step, state, make_processors(2), BEGIN, END, tf.constant(LENGTH))
        assert ids_of(found) == ids_of(best)
        np.testing.assert_allclose(found.log_prob, best.log_prob, atol=1e-5)


#                pad  bos  eos   a    b    c
A, B, C = 3, 4, 5
GARDEN_PATH = [
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.1, 0.5, 0.4, 0.0],  # bos: a looks best
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.3, 0.2, 0.2, 0.3],  # a leads nowhere
    [0.0, 0.0, 0.9, 0.0, 0.1, 0.0],  # b is nearly always the last word
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # c
]


def search_garden(num_prompts=1, **options):
    params = make_beam_params(max_length=4, **options)
    rows = num_prompts * int(params.beam_width)
    state, mask = tf.zeros([rows], tf.int32), tf.ones([rows, 4], tf.bool)
    step = matrix_step(GARDEN_PATH)
    return beam_search(step, state, params, make_processors(rows), BEGIN, END, mask)


def test_the_garden_path():
    found = search_garden(beam_width=2)
    # b eos 0.36; a eos 0.15, which c's 0.15 equals and comes after.
    assert ids_of(found)[0] == (B, END)
    np.testing.assert_allclose(np.exp(found.scores[0]), 0.4 * 0.9, rtol=1e-5)
    np.testing.assert_allclose(np.exp(search_garden(beam_width=1).scores[0]), 0.5 * 0.3, rtol=1e-5)


def test_a_length_penalty_by_hand():
    found = search_garden(beam_width=4, length_penalty=1.0)
    by_hand = np.log(0.4 * 0.9) / (7 / 6)
    np.testing.assert_allclose(found.scores[0], by_hand, rtol=1e-5)


def test_groups_avoid_each_others_words():
    together = search_garden(beam_width=2, num_beam_groups=1)
    apart = search_garden(beam_width=2, num_beam_groups=2, diversity_penalty=0.0)
    assert ids_of(apart)[0] == ids_of(apart)[1], "without diversity each group finds the same"
    diverse = search_garden(beam_width=2, num_beam_groups=2, diversity_penalty=1.0)
    # The first group goes the greedy way, a; to the second a is worth 0.5 / e, less than b.
    assert {ids[0] for ids in ids_of(diverse)} == {A, B}
    assert ids_of(together) != ids_of(apart)
    # What a word loses counts in the choice only.
    by_hand = sorted([0.5 * 0.3, 0.4 * 0.9], reverse=True)
    np.testing.assert_allclose(np.exp(diverse.scores), by_hand, rtol=1e-5)


def test_where_there_are_fewer_hypotheses_than_asked_for_the_rest_is_empty():
    only_end = [[0.0, 0.0, 1.0]] * 3

    def step(ids, state):
        return tf.gather(tf.math.log(tf.constant(only_end)), ids), tf.ones([8, 1]), state

    found = beam_search(
        step,
        tf.zeros([8]),
        make_beam_params(beam_width=4, max_length=3),
        make_processors(8),
        BEGIN,
        END,
        tf.ones([8, 1], tf.bool),
    )
    assert found.lengths.numpy().tolist() == [1, 0, 0, 0] * 2
    assert np.isneginf(found.scores[1:4]).all()
    assert not found.ids[1:4].numpy().any()


def test_coverage_prefers_replies_that_look_at_everything():
    """Two replies of equal probability; one looks at one word, the other at both."""
    weights = tf.constant([[0.5, 0.5, 0.0]] * 3 + [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    logits = np.full([5, 5], -50.0, np.float32)
    logits[BEGIN, [3, 4]] = 0.0
    logits[[3, 4], END] = 0.0

    def step(ids, state):
        # The first step looks at the first word; the second depends on the word said.
        first = tf.constant([1.0, 0.0, 0.0])
        return (
            tf.gather(logits, ids),
            tf.where((ids == BEGIN)[:, tf.newaxis], first, tf.gather(weights, ids)),
            state,
        )

    def best(penalty):
        return beam_search(
            step,
            tf.zeros([2]),
            make_beam_params(beam_width=2, max_length=5, coverage_penalty=penalty),
            make_processors(2),
            BEGIN,
            END,
            tf.constant([[True, True, False]] * 2),
        )

    assert ids_of(best(0.0)) == [(3, END), (4, END)]
    found = best(0.1)
    assert ids_of(found) == [(4, END), (3, END)]
    # log(2): of two replies; the one has covered both words, the other nothing of the second.
    np.testing.assert_allclose(found.scores, [-np.log(2), -np.log(2) + 0.1 * np.log(1e-9)], 1e-4)
