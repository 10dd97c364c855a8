"""LazyAdam is Adam where everything is seen, and gradients are clipped as TensorFlow clips them."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.training.gradients import clip_by_global_norm, deduplicate_slices
from attention_seq2seq.training.optimizers import LazyAdam


def drawn(seed, shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def variables():
    return [tf.Variable(drawn(1, [5, 3])), tf.Variable(drawn(2, [4]))]


def test_dense_gradients_and_rows_of_all_words_are_updated_as_by_adam():
    ours, theirs = variables(), variables()
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    lazy, adam = LazyAdam(rate), keras.optimizers.Adam(rate)
    order = tf.constant([3, 0, 4, 1, 2])
    for step in range(7):
        matrix, vector = drawn(10 + step, [5, 3]), drawn(20 + step, [4])
        rows = tf.IndexedSlices(tf.gather(matrix, order), order, [5, 3])
        lazy.apply_gradients(zip([rows, vector], ours))
        adam.apply_gradients(zip([matrix, vector], theirs))
    for one, other, before in zip(ours, theirs, variables()):
        np.testing.assert_allclose(one, other, atol=1e-5)
        assert np.all(np.abs(one - before) > 1e-3)


def test_rows_without_a_gradient_stay_and_keep_their_momentum():
    table = tf.Variable(drawn(1, [5, 3]))
    before = table.numpy()
    lazy = LazyAdam(0.1)
    for rows in ([1, 3], [3, 4], [1, 3]):
        lazy.apply_gradients([(tf.IndexedSlices(tf.ones([2, 3]), rows, [5, 3]), table)])
    changed = np.any(table.numpy() != before, axis=1)
    assert changed.tolist() == [False, True, False, True, True]
    # Equal gradients at every update that counts: steps of the learning rate, bias corrected by
    # the number of all updates.
    mean, square = 0.0, 0.0
    expected = before[1].copy()
    for step in (1, 3):
        mean, square = 0.9 * mean + 0.1, 0.999 * square + 0.001
        rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        expected -= rate * mean / (np.sqrt(square) + 1e-7)
    np.testing.assert_allclose(table[1], expected, atol=1e-6)


def test_it_can_be_made_again_from_its_configuration():
    lazy = LazyAdam(0.5, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    again = LazyAdam.from_config(lazy.get_config())
    assert again.get_config() == lazy.get_config()


def as_dense(gradients):
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


@pytest.mark.parametrize("norm", [0.5, 4.0, 1e6])
def test_clipping_is_that_of_the_dense_gradients(norm):
    uses = tf.IndexedSlices(drawn(1, [6, 3]), tf.constant([2, 0, 2, 2, 4, 0]), [5, 3])
    gradients = [uses, drawn(2, [4])]
    expected, _ = tf.clip_by_global_norm(as_dense(gradients), norm)
    found, found_norm = clip_by_global_norm(
        [deduplicate_slices(gradient) for gradient in gradients], norm
    )
    np.testing.assert_allclose(found_norm, tf.linalg.global_norm(as_dense(gradients)), rtol=1e-6)
    assert isinstance(found[0], tf.IndexedSlices)
    assert len(set(found[0].indices.numpy())) == len(found[0].indices) == 3
    for one, other in zip(as_dense(found), expected):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_gradient_that_is_no_number_is_not_passed_on_as_one():
    for gradient in clip_by_global_norm([tf.constant([np.nan, 1.0]), tf.constant([2.0])], 5.0)[0]:
        assert np.all(np.isnan(gradient))
