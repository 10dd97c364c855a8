"""The cross-entropy with a gradient of its own is the plain one."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.training.loss import token_cross_entropy


def loss_of_logits(logits, ids, lengths):
    """The loss where the projection changes nothing."""
    words = logits.shape[-1]
    return token_cross_entropy(
        logits, tf.eye(words), tf.zeros([words]), tf.constant(ids), tf.constant(lengths)
    )


def test_the_loss_is_averaged_over_real_words():
    logits = tf.math.log([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [[0.25, 0.5, 0.25]] * 2])
    total, words = loss_of_logits(logits, [[1, 2], [1, 0]], [2, 1])
    assert words == 3
    np.testing.assert_allclose(total, -np.log(0.25 * 0.8 * 0.5), rtol=1e-6)


def test_infinite_logits_in_the_padding_do_not_reach_the_loss():
    logits = tf.constant([[[0.0, 0.0], [np.inf, np.nan]]])
    total, _ = loss_of_logits(logits, [[1, 0]], [1])
    np.testing.assert_allclose(total, np.log(2), rtol=1e-6)


def test_a_word_of_no_probability_has_the_loss_it_should():
    logits = tf.constant([[[0.0, 500.0, -300.0]]])
    total, _ = loss_of_logits(logits, [[2]], [1])
    np.testing.assert_allclose(total, 800, rtol=1e-6)


def random_case():
    draw = np.random.default_rng(1)
    vectors, kernel, bias = (
        tf.constant(draw.normal(size=shape), tf.float32) for shape in ([4, 7, 3], [3, 11], [11])
    )
    ids = tf.constant(draw.integers(0, 11, [4, 7]), tf.int32)
    return [vectors, kernel, bias], ids, tf.constant([7, 1, 5, 2])


def plain(vectors, kernel, bias, ids, lengths):
    """Everything projected, TensorFlow's own cross-entropy, padding masked."""
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        ids, tf.tensordot(vectors, kernel, 1) + bias
    )
    mask = tf.sequence_mask(lengths, ids.shape[1])
    return tf.reduce_sum(tf.where(mask, cross_entropy, 0.0))


@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.float32, 1e-5), (tf.bfloat16, 0.1)])
def test_loss_and_gradients_are_those_of_the_plain_way(dtype, tolerance):
    inputs, ids, lengths = random_case()
    weight = tf.constant(0.7)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        expected = weight * plain(*inputs, ids, lengths)
        total = weight * token_cross_entropy(*inputs, ids, lengths, dtype)[0]
    np.testing.assert_allclose(total, expected, rtol=tolerance / 10)
    gradients, wanted = tape.gradient(total, inputs), tape.gradient(expected, inputs)
    for gradient, want in zip(gradients, wanted):
        assert gradient.dtype == tf.float32
        np.testing.assert_allclose(gradient, want, atol=tolerance)
        # The tolerance is far below what is compared.
        assert np.max(np.abs(want)) > 4 * tolerance
