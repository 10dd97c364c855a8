"""LazyAdam equals Adam for dense gradients, and clipping equals TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.training.gradients import clip_by_global_norm, deduplicate_slices
from attention_seq2seq.training.optimizers import LazyAdam


def random_normal(seed, shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def make_variables():
    """Returns an embedding and a bias with the same values at each call."""
    return [tf.Variable(random_normal(1, [5, 3])), tf.Variable(random_normal(2, [4]))]


def test_lazy_adam_equals_adam_if_all_rows_have_gradients():
    lazy_variables, adam_variables = make_variables(), make_variables()
    learning_rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    lazy_adam, adam = LazyAdam(learning_rate), keras.optimizers.Adam(learning_rate)
    order = tf.constant([3, 0, 4, 1, 2])
    for step in range(7):
        matrix, vector = random_normal(10 + step, [5, 3]), random_normal(20 + step, [4])
        slices = tf.IndexedSlices(tf.gather(matrix, order), order, [5, 3])
        lazy_adam.apply_gradients(zip([slices, vector], lazy_variables))
        adam.apply_gradients(zip([matrix, vector], adam_variables))
    for variable, expected, initial in zip(lazy_variables, adam_variables, make_variables()):
        np.testing.assert_allclose(variable, expected, atol=1e-5)
        assert np.all(np.abs(variable - initial) > 1e-3)


def test_rows_without_gradients_keep_their_weights_and_moments():
    embedding = tf.Variable(random_normal(1, [5, 3]))
    initial = embedding.numpy()
    optimizer = LazyAdam(0.1)
    for indices in ([1, 3], [3, 4], [1, 3]):
        slices = tf.IndexedSlices(tf.ones([2, 3]), indices, [5, 3])
        optimizer.apply_gradients([(slices, embedding)])
    is_changed = np.any(embedding.numpy() != initial, axis=1)
    assert is_changed.tolist() == [False, True, False, True, True]
    # Row 1 has the same gradient at steps 1 and 3. The bias correction counts all steps.
    first_moment, second_moment = 0.0, 0.0
    expected = initial[1].copy()
    for step in (1, 3):
        first_moment = 0.9 * first_moment + 0.1
        second_moment = 0.999 * second_moment + 0.001
        learning_rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        expected -= learning_rate * first_moment / (np.sqrt(second_moment) + 1e-7)
    np.testing.assert_allclose(embedding[1], expected, atol=1e-6)


def test_lazy_adam_is_restored_from_its_config():
    optimizer = LazyAdam(0.5, beta_1=0.8, beta_2=0.9, epsilon=1e-3)
    restored = LazyAdam.from_config(optimizer.get_config())
    assert restored.get_config() == optimizer.get_config()


def to_dense(gradients):
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


@pytest.mark.parametrize("max_norm", [0.5, 4.0, 1e6])
def test_sparse_gradients_are_clipped_like_dense_ones(max_norm):
    slices = tf.IndexedSlices(random_normal(1, [6, 3]), tf.constant([2, 0, 2, 2, 4, 0]), [5, 3])
    gradients = [slices, random_normal(2, [4])]
    expected, _ = tf.clip_by_global_norm(to_dense(gradients), max_norm)
    clipped, norm = clip_by_global_norm(
        [deduplicate_slices(gradient) for gradient in gradients], max_norm
    )
    np.testing.assert_allclose(norm, tf.linalg.global_norm(to_dense(gradients)), rtol=1e-6)
    assert isinstance(clipped[0], tf.IndexedSlices)
    assert len(set(clipped[0].indices.numpy())) == len(clipped[0].indices) == 3
    for gradient, expected_gradient in zip(to_dense(clipped), expected):
        np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_clipping_propagates_nan():
    gradients = [tf.constant([np.nan, 1.0]), tf.constant([2.0])]
    clipped, _ = clip_by_global_norm(gradients, 5.0)
    for gradient in clipped:
        assert np.all(np.isnan(gradient))
