"""The optimizers equal those of Keras, and clipping equals TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.training.gradients import clip_by_global_norm, deduplicate_slices
from attention_seq2seq.training.optimizers import SGD, Adam, LazyAdam


def random_normal(seed, shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def make_weights():
    """Returns an embedding and a bias by name, with the same values at each call."""
    return {
        "embedding": tf.Variable(random_normal(1, [5, 3])),
        "bias": tf.Variable(random_normal(2, [4])),
    }


def cosine_decay(step):
    return keras.optimizers.schedules.CosineDecay(0.1, 10)(step)


def make_optimizer(optimizer_class, weights, learning_rate=cosine_decay):
    optimizer = optimizer_class(learning_rate)
    optimizer.build(weights)
    return optimizer


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
def test_sgd_and_adam_equal_those_of_keras(name, is_sparse):
    """The rows of sparse gradients repeat."""
    weights, expected_weights = make_weights(), make_weights()
    optimizer = make_optimizer({"SGD": SGD, "Adam": Adam}[name], weights)
    expected = getattr(keras.optimizers, name)(keras.optimizers.schedules.CosineDecay(0.1, 10))
    for step in range(7):
        bias_gradient = random_normal(20 + step, [4])
        slices = tf.IndexedSlices(random_normal(10 + step, [3, 3]), [3, step % 3, 3], [5, 3])
        gradient = slices if is_sparse else tf.convert_to_tensor(slices)
        optimizer.apply_gradients([gradient, bias_gradient])
        gradients = [tf.convert_to_tensor(slices), bias_gradient]
        expected.apply_gradients(zip(gradients, expected_weights.values()))
    for name, weight in weights.items():
        # TensorFlow's kernel rounds 1 - 0.999 to float32; Keras does not.
        np.testing.assert_allclose(weight, expected_weights[name], atol=1e-5)
        assert np.any(np.abs(weight - make_weights()[name]) > 1e-3)


def test_lazy_adam_equals_adam_if_all_rows_have_gradients():
    lazy_weights, adam_weights = make_weights(), make_weights()
    lazy_adam, adam = make_optimizer(LazyAdam, lazy_weights), make_optimizer(Adam, adam_weights)
    order = tf.constant([3, 0, 4, 1, 2])
    for step in range(7):
        matrix, vector = random_normal(10 + step, [5, 3]), random_normal(20 + step, [4])
        slices = tf.IndexedSlices(tf.gather(matrix, order), order, [5, 3])
        lazy_adam.apply_gradients([slices, vector])
        adam.apply_gradients([matrix, vector])
    for name, weight in lazy_weights.items():
        np.testing.assert_allclose(weight, adam_weights[name], atol=1e-5)
        assert np.all(np.abs(weight - make_weights()[name]) > 1e-3)


@pytest.mark.parametrize("optimizer_class", [SGD, Adam, LazyAdam])
def test_repeated_rows_are_summed(optimizer_class):
    updated = []
    for values, rows in (([[1.0], [2.0], [4.0]], [1, 0, 1]), ([[5.0], [2.0]], [1, 0])):
        table = tf.Variable([[1.0], [1.0], [1.0]])
        optimizer = make_optimizer(optimizer_class, {"table": table}, 0.1)
        for _ in range(2):
            optimizer.apply_gradients([tf.IndexedSlices(values, rows, [3, 1])])
        updated.append(table.numpy())
    np.testing.assert_allclose(*updated, atol=1e-6)
    assert updated[0][2] == 1 and np.all(updated[0][:2] < 1)


def test_rows_without_gradients_keep_their_weights_and_moments():
    embedding = tf.Variable(random_normal(1, [5, 3]))
    initial = embedding.numpy()
    optimizer = make_optimizer(LazyAdam, {"embedding": embedding}, 0.1)
    for indices in ([1, 3], [3, 4], [1, 3]):
        optimizer.apply_gradients([tf.IndexedSlices(tf.ones([2, 3]), indices, [5, 3])])
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


def test_the_variables_have_names_that_do_not_depend_on_their_order():
    optimizer = make_optimizer(LazyAdam, make_weights())
    assert optimizer.named_variables().keys() == {
        "iterations",
        *(f"{slot}/{name}" for slot in ("mean", "square") for name in ("embedding", "bias")),
    }


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
