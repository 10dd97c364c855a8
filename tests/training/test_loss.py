"""The cross-entropy with a gradient of its own is the plain one."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.training.loss import cross_entropy, drop_padding
from attention_seq2seq.training.sampled_softmax import (
    log_uniform_probability,
    log_uniform_sample,
    sampled_softmax_loss,
)


def loss_of_logits(logits, ids, lengths):
    """The summed loss and the number of words, where the projection changes nothing."""
    vectors, ids = drop_padding(logits, tf.constant(ids), tf.constant(lengths))
    words = logits.shape[-1]
    losses = cross_entropy(vectors, tf.eye(words), tf.zeros([words]), ids)
    return tf.reduce_sum(losses), len(losses)


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
        tf.constant(draw.normal(size=shape), tf.float32) for shape in ([23, 3], [3, 11], [11])
    )
    weights = tf.constant(draw.uniform(size=23), tf.float32)
    return [vectors, kernel, bias], tf.constant(draw.integers(0, 11, 23), tf.int32), weights


def plain(vectors, kernel, bias, ids, smoothing):
    wanted = (1 - smoothing) * tf.one_hot(ids, 11) + smoothing / 11
    return tf.nn.softmax_cross_entropy_with_logits(wanted, vectors @ kernel + bias)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize(("dtype", "tolerance"), [(tf.float32, 1e-5), (tf.bfloat16, 0.05)])
def test_loss_and_gradients_are_those_of_the_plain_way(dtype, tolerance, smoothing):
    inputs, ids, weights = random_case()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        expected = tf.reduce_sum(weights * plain(*inputs, ids, smoothing))
        total = tf.reduce_sum(weights * cross_entropy(*inputs, ids, dtype, smoothing))
    np.testing.assert_allclose(total, expected, rtol=tolerance / 10)
    gradients, wanted = tape.gradient(total, inputs), tape.gradient(expected, inputs)
    for gradient, want in zip(gradients, wanted):
        assert gradient.dtype == tf.float32
        np.testing.assert_allclose(gradient, want, atol=tolerance)
        # The tolerance is far below what is compared.
        assert np.max(np.abs(want)) > 10 * tolerance


def test_with_many_samples_loss_and_gradients_come_near_those_of_the_whole_softmax():
    inputs, ids, _ = random_case()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        expected = tf.reduce_mean(cross_entropy(*inputs, ids))
        few, many = (
            tf.reduce_mean(sampled_softmax_loss(*inputs, ids, number, [1, 2]))
            for number in (30, 30000)
        )
    assert abs(many - expected) < 0.01 < abs(few - expected)
    for one, other in zip(tape.gradient(many, inputs), tape.gradient(expected, inputs)):
        one, other = map(tf.convert_to_tensor, (one, other))
        np.testing.assert_allclose(one, other, atol=0.01)


def test_samples_depend_on_the_seed_alone_and_frequent_words_come_more_often():
    inputs, ids, _ = random_case()
    once, again, other = (
        sampled_softmax_loss(*inputs, ids, 4, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    drawn = log_uniform_sample(100000, 11, [1, 2]).numpy()
    counts = np.bincount(drawn, minlength=11) / 100000
    np.testing.assert_allclose(counts, log_uniform_probability(np.arange(11), 11), atol=0.005)
    assert counts[0] > 5 * counts[10] > 0
