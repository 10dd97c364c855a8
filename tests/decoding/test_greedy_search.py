"""Greedy search and forced decoding on a toy model with results derived by hand."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import StepOutput
from helpers.toy_models import make_processors, matrix_step

# Probabilities of the next token (column) after a token (row).
#           pad  bos  eos   a    b    c
TRANSITIONS = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.1, 0.5, 0.4, 0.0],  # bos
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.2, 0.1, 0.0, 0.7],  # a
    [0.0, 0.0, 0.3, 0.3, 0.4, 0.0],  # b
    [0.0, 0.0, 0.6, 0.4, 0.0, 0.0],  # c
]
BOS, EOS, A, B, C = 1, 2, 3, 4, 5


step = matrix_step(TRANSITIONS)


def decode(num_rows=1, max_length=9):
    state, limit = tf.zeros([num_rows], tf.int32), tf.convert_to_tensor(max_length)
    return greedy_search(step, state, make_processors(num_rows), limit)


def test_each_step_takes_the_most_probable_token():
    decoded = decode()
    assert decoded.ids.numpy().tolist() == [[A, C, EOS]]
    assert decoded.lengths.numpy().tolist() == [3]
    np.testing.assert_allclose(decoded.log_prob, [np.log(0.5 * 0.7 * 0.6)], rtol=1e-6)
    np.testing.assert_array_equal(decoded.attention_weights[0], np.eye(4)[:3])


@pytest.mark.parametrize(("max_length", "expected"), [(1, [A]), (2, [A, C])])
def test_replies_are_truncated_at_the_maximum_length(max_length, expected):
    decoded = decode(max_length=max_length)
    assert decoded.ids.numpy().tolist() == [expected]
    assert decoded.lengths.numpy().tolist() == [max_length]


def test_ties_are_broken_by_the_lowest_id():
    def uniform_step(ids, state):
        return StepOutput(tf.zeros([2, 6]), tf.zeros([2, 0]), state)

    hypotheses = greedy_search(
        uniform_step, tf.zeros([2]), make_processors(2)._replace(eos_id=0), tf.constant(3)
    )
    assert hypotheses.ids.numpy().tolist() == [[0], [0]]
    assert hypotheses.attention_weights.shape == [2, 1, 0]


def countdown_step(ids, state):
    """Ends the reply of a row when the counter of the row, its state, reaches zero."""
    logits = tf.one_hot(tf.where(state == 0, EOS, A), 6) * 50.0
    return StepOutput(logits, tf.ones([3, 1]), state - 1)


def test_positions_after_the_end_of_a_row_are_padding():
    decoded = greedy_search(
        countdown_step, tf.constant([2, 0, 1]), make_processors(3), tf.constant(9)
    )
    assert decoded.ids.numpy().tolist() == [[A, A, EOS], [EOS, 0, 0], [A, EOS, 0]]
    assert decoded.lengths.numpy().tolist() == [3, 1, 2]
    assert decoded.attention_weights[..., 0].numpy().tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert np.all(decoded.token_log_probs.numpy()[decoded.ids == 0] == 0)


def test_the_loop_stops_when_all_rows_have_ended():
    num_steps = tf.Variable(0)

    def counting_step(ids, state):
        num_steps.assign_add(1)
        return countdown_step(ids, state)

    @tf.function
    def run():
        return greedy_search(
            counting_step, tf.constant([2, 0, 1]), make_processors(3), tf.constant(100)
        ).lengths

    assert run().numpy().tolist() == [3, 1, 2]
    assert num_steps.numpy() == 3


def test_all_maximum_lengths_share_one_trace():
    run = tf.function(lambda limit: decode(max_length=limit).lengths)
    for limit in range(1, 6):
        run(tf.constant(limit))
    assert run.experimental_get_tracing_count() == 1


def test_forced_decoding_scores_the_given_tokens():
    ids = tf.constant([[B, A, EOS, 0], [A, A, A, C]])
    state = tf.zeros([2], tf.int32)
    hypotheses = force_decode(step, state, ids, tf.constant([3, 4]), BOS)
    expected = [[0.4, 0.3, 0.2, 1.0], [0.5, 0.1, 0.1, 0.7]]
    np.testing.assert_allclose(hypotheses.token_log_probs, np.log(expected), atol=1e-6)
    np.testing.assert_array_equal(hypotheses.ids, ids)
    assert np.all(hypotheses.attention_weights[0, 3] == 0)


def test_forced_decoding_ignores_the_ids_in_the_padding():
    zero_padded, noisy = tf.constant([[A, C, 0]]), tf.constant([[A, C, B]])
    results = [
        force_decode(step, tf.zeros([1], tf.int32), ids, tf.constant([2]), BOS)
        for ids in (zero_padded, noisy)
    ]
    for expected, actual in zip(*results):
        np.testing.assert_array_equal(actual, expected)


def test_forced_decoding_of_a_greedy_reply_gives_the_same_hypotheses():
    decoded = decode(num_rows=2)
    forced = force_decode(step, tf.zeros([2], tf.int32), decoded.ids, decoded.lengths, BOS)
    for expected, actual in zip(decoded, forced):
        np.testing.assert_allclose(actual, expected, atol=1e-6)
