"""Cross-entropy and sampled softmax equal TensorFlow's full softmax cross-entropy."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.training.loss import cross_entropy, drop_padding
from attention_seq2seq.training.sampled_softmax import (
    log_uniform_probability,
    log_uniform_sample,
    sampled_softmax_loss,
)

VOCAB = 11


def sum_loss_of_logits(logits, ids, lengths):
    """Returns the summed loss and the number of tokens, with an identity projection."""
    vectors, ids = drop_padding(logits, tf.constant(ids), tf.constant(lengths))
    vocab = logits.shape[-1]
    losses = cross_entropy(vectors, tf.eye(vocab), tf.zeros([vocab]), ids)
    return tf.reduce_sum(losses), len(losses)


def test_padding_is_not_in_the_loss():
    logits = tf.math.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [[0.25, 0.5, 0.25]] * 2])
    total, num_tokens = sum_loss_of_logits(logits, [[1, 2], [1, 0]], [2, 1])
    assert num_tokens == 3
    np.testing.assert_allclose(total, -np.log(0.25 * 0.8 * 0.5), rtol=1e-6)


def test_infinite_logits_of_padding_are_ignored():
    logits = tf.constant([[[0.0, 0.0], [np.inf, np.nan]]])
    total, _ = sum_loss_of_logits(logits, [[1, 0]], [1])
    np.testing.assert_allclose(total, np.log(2), rtol=1e-6)


def test_the_loss_is_exact_if_the_probability_underflows():
    logits = tf.constant([[[0.0, 500.0, -300.0]]])
    total, _ = sum_loss_of_logits(logits, [[2]], [1])
    np.testing.assert_allclose(total, 800, rtol=1e-6)


def random_projection():
    """Returns [vectors, kernel, bias], the ids to predict, and a weight for each token."""
    rng = np.random.default_rng(1)
    vectors, kernel, bias = (
        tf.constant(rng.normal(size=shape), tf.float32) for shape in ([23, 3], [3, VOCAB], [VOCAB])
    )
    weights = tf.constant(rng.uniform(size=23), tf.float32)
    return [vectors, kernel, bias], tf.constant(rng.integers(0, VOCAB, 23), tf.int32), weights


def reference_cross_entropy(vectors, kernel, bias, ids, smoothing):
    labels = (1 - smoothing) * tf.one_hot(ids, VOCAB) + smoothing / VOCAB
    return tf.nn.softmax_cross_entropy_with_logits(labels, vectors @ kernel + bias)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.float32, 1e-5), (tf.bfloat16, 0.05)])
def test_loss_and_gradients_equal_those_of_tensorflow(dtype, tolerance, smoothing):
    projection, ids, weights = random_projection()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(projection)
        expected = tf.reduce_sum(weights * reference_cross_entropy(*projection, ids, smoothing))
        total = tf.reduce_sum(weights * cross_entropy(*projection, ids, dtype, smoothing))
    np.testing.assert_allclose(total, expected, rtol=tolerance / 10)
    gradients = tape.gradient(total, projection)
    expected_gradients = tape.gradient(expected, projection)
    for gradient, expected_gradient in zip(gradients, expected_gradients):
        assert gradient.dtype == tf.float32
        np.testing.assert_allclose(gradient, expected_gradient, atol=tolerance)
        # The tolerance is small compared with the gradients.
        assert np.max(np.abs(expected_gradient)) > 10 * tolerance


def test_sampled_softmax_approaches_the_full_softmax():
    projection, ids, _ = random_projection()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(projection)
        expected = tf.reduce_mean(cross_entropy(*projection, ids))
        loss_of_30, loss_of_30000 = (
            tf.reduce_mean(sampled_softmax_loss(*projection, ids, num_sampled, [1, 2]))
            for num_sampled in (30, 30000)
        )
    assert abs(loss_of_30000 - expected) < 0.01 < abs(loss_of_30 - expected)
    gradients = tape.gradient(loss_of_30000, projection)
    expected_gradients = tape.gradient(expected, projection)
    for gradient, expected_gradient in zip(gradients, expected_gradients):
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient), tf.convert_to_tensor(expected_gradient), atol=0.01
        )


def test_sampled_softmax_depends_on_its_seed():
    projection, ids, _ = random_projection()
    losses, repeated_losses, changed_losses = (
        sampled_softmax_loss(*projection, ids, 4, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert np.array_equal(losses, repeated_losses)
    assert not np.array_equal(losses, changed_losses)


def test_samples_are_log_uniform():
    sampled_ids = log_uniform_sample(100000, VOCAB, [1, 2]).numpy()
    frequencies = np.bincount(sampled_ids, minlength=VOCAB) / 100000
    expected = log_uniform_probability(np.arange(VOCAB), VOCAB)
    np.testing.assert_allclose(frequencies, expected, atol=0.005)
    assert frequencies[0] > 5 * frequencies[10] > 0
