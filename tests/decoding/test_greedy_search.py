"""Greedy decoding and teacher forcing on a matrix whose answers can be derived by hand."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import StepOutput
from helpers.toy_models import make_processors, matrix_step

# From row to column. 0 is padding, 1 begin, 2 end.
#           pad  bos  eos   a    b    c
WORLD = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],  # pad
    [0.0, 0.0, 0.1, 0.5, 0.4, 0.0],  # bos
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],  # eos
    [0.0, 0.0, 0.2, 0.1, 0.0, 0.7],  # a
    [0.0, 0.0, 0.3, 0.3, 0.4, 0.0],  # b
    [0.0, 0.0, 0.6, 0.4, 0.0, 0.0],
]  # c
BOS, EOS, A, B, C = 1, 2, 3, 4, 5


step = matrix_step(WORLD)


def decode(rows=1, max_length=9, **given):
    state = tf.zeros([rows], tf.int32)
    return greedy_search(
        step, state, make_processors(rows, **given), BOS, EOS, tf.convert_to_tensor(max_length)
    )


def test_greedy_takes_the_best_word_at_each_step():
    decoded = decode()
    assert decoded.ids.numpy().tolist() == [[A, C, EOS]]
    assert decoded.lengths.numpy().tolist() == [3]
    np.testing.assert_allclose(decoded.log_prob, [np.log(0.5 * 0.7 * 0.6)], rtol=1e-6)
    np.testing.assert_array_equal(decoded.attention_weights[0], np.eye(4)[:3])


@pytest.mark.parametrize(("max_length", "expected"), [(1, [A]), (2, [A, C])])
def test_a_reply_is_cut_at_the_limit(max_length, expected):
    decoded = decode(max_length=max_length)
    assert decoded.ids.numpy().tolist() == [expected]
    assert decoded.lengths.numpy().tolist() == [max_length]


def test_of_equally_probable_words_the_first_is_taken():
    def flat_step(ids, state):
        return StepOutput(tf.zeros([2, 6]), tf.zeros([2, 0]), state)

    flat = greedy_search(flat_step, tf.zeros([2]), make_processors(2), BOS, 0, tf.constant(3))
    assert flat.ids.numpy().tolist() == [[0], [0]]
    assert flat.attention_weights.shape == [2, 1, 0]


def countdown(ids, state):
    """Ends when the row's counter reaches zero."""
    ends = tf.cast(state == 0, tf.int32)
    logits = tf.one_hot(ends * EOS + (1 - ends) * A, 6) * 50.0
    return StepOutput(logits, tf.ones([3, 1]), state - 1)


def test_rows_end_apart_and_nothing_is_kept_of_what_comes_after():
    decoded = greedy_search(
        countdown, tf.constant([2, 0, 1]), make_processors(3), BOS, EOS, tf.constant(9)
    )
    assert decoded.ids.numpy().tolist() == [[A, A, EOS], [EOS, 0, 0], [A, EOS, 0]]
    assert decoded.lengths.numpy().tolist() == [3, 1, 2]
    assert decoded.attention_weights[..., 0].numpy().tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert np.all(decoded.token_log_probs.numpy()[decoded.ids == 0] == 0)


def test_the_loop_stops_as_soon_as_every_row_is_done():
    steps = tf.Variable(0)

    def counted(ids, state):
        steps.assign_add(1)
        return countdown(ids, state)

    @tf.function
    def run():
        return greedy_search(
            counted, tf.constant([2, 0, 1]), make_processors(3), BOS, EOS, tf.constant(100)
        ).lengths

    assert run().numpy().tolist() == [3, 1, 2]
    assert steps.numpy() == 3


def test_one_trace_serves_all_limits():
    run = tf.function(lambda limit: decode(max_length=limit).lengths)
    for limit in range(1, 6):
        run(tf.constant(limit))
    assert run.experimental_get_tracing_count() == 1


def test_teacher_forcing_follows_what_it_is_given():
    ids = tf.constant([[B, A, EOS, 0], [A, A, A, C]])
    state = tf.zeros([2], tf.int32)
    followed = force_decode(step, state, ids, tf.constant([3, 4]), BOS)
    expected = [[0.4, 0.3, 0.2, 1.0], [0.5, 0.1, 0.1, 0.7]]
    np.testing.assert_allclose(followed.token_log_probs, np.log(expected), atol=1e-6)
    np.testing.assert_array_equal(followed.ids, ids)
    assert np.all(followed.attention_weights[0, 3] == 0)


def test_teacher_forcing_reads_nothing_after_the_length():
    one, two = tf.constant([[A, C, 0]]), tf.constant([[A, C, B]])
    results = [
        force_decode(step, tf.zeros([1], tf.int32), ids, tf.constant([2]), BOS)
        for ids in (one, two)
    ]
    for left, right in zip(*results):
        np.testing.assert_array_equal(left, right)


def test_teacher_forcing_equals_what_greedy_found():
    decoded = decode(rows=2)
    followed = force_decode(step, tf.zeros([2], tf.int32), decoded.ids, decoded.lengths, BOS)
    for one, other in zip(decoded, followed):
        np.testing.assert_allclose(one, other, atol=1e-6)
