"""Sampled softmax: cross-entropy over a sample of a large vocabulary."""

import math

import tensorflow as tf


def sampled_softmax_loss(
    vectors: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    ids: tf.Tensor,
    num_sampled: int,
    seed: tf.Tensor,
) -> tf.Tensor:
    """Estimates the cross-entropy of tokens from sampled tokens. Use it for training only.

    The vocabulary is sorted by frequency, so frequent tokens are sampled more often, as in
    `tf.random.log_uniform_candidate_sampler`. Unlike in that function, tokens are sampled with
    replacement, and the sample depends only on the seed. The loss approaches that of the full
    softmax as the number of samples grows.

    Args:
        vectors: float32[tokens, units], inputs of the output projection.
        kernel: float32[units, vocab], kernel of the output projection.
        bias: float32[vocab], bias of the output projection.
        ids: int32[tokens], the tokens to predict.
        num_sampled: number of tokens to sample; all rows share the sample.
        seed: int32[2], seed of the sample.

    Returns:
        float32[tokens], in nats.

    Source:
        Jean, Cho, Memisevic, Bengio: On Using Very Large Target Vocabulary for Neural Machine
        Translation, ACL 2015.
    """
    vocab = kernel.shape[1]
    sampled, _, counts = tf.unique_with_counts(log_uniform_sample(num_sampled, vocab, seed))
    expected = num_sampled * log_uniform_probability(sampled, vocab) / tf.cast(counts, tf.float32)
    # Only the columns of these tokens are read.
    columns, positions = tf.unique(tf.concat([ids, sampled], axis=0))
    positions = tf.cast(positions, tf.int64)
    num_tokens = tf.shape(ids)[0]
    return tf.nn.sampled_softmax_loss(
        weights=tf.transpose(_gather_columns(kernel, columns)),
        biases=tf.gather(bias, columns),
        labels=positions[:num_tokens, tf.newaxis],
        inputs=vectors,
        num_sampled=tf.size(sampled),
        num_classes=vocab,
        sampled_values=(
            positions[num_tokens:],
            # The true token is not sampled, so its expected count is 1. Sampled tokens are weighted
            # by the inverse of their expected counts, so the normalizer is unbiased.
            tf.ones([num_tokens, 1]),
            expected,
        ),
    )


def log_uniform_sample(num_sampled: int, vocab: int, seed: tf.Tensor) -> tf.Tensor:
    """Samples int32[num_sampled] ids with the probabilities of `log_uniform_probability`."""
    noise = tf.random.stateless_uniform([num_sampled], seed)
    ids = tf.cast(tf.exp(noise * math.log(vocab + 1)), tf.int32) - 1
    return tf.clip_by_value(ids, 0, vocab - 1)


def log_uniform_probability(ids: tf.Tensor, vocab: int) -> tf.Tensor:
    """Returns log(1 + 1 / (id + 1)) / log(vocab + 1)."""
    return tf.math.log1p(1 / (tf.cast(ids, tf.float32) + 1)) / math.log(vocab + 1)


@tf.custom_gradient
def _gather_columns(kernel: tf.Tensor, columns: tf.Tensor):
    """Gathers distinct columns of a matrix, float32[units, columns].

    TensorFlow's gradient transposes a matrix of the size of the kernel twice. This gradient
    scatters the columns.
    """

    def gradient(g):
        units, vocab = tf.unstack(tf.shape(kernel))
        positions = tf.range(units)[:, tf.newaxis] * vocab + columns
        flat = tf.scatter_nd(tf.reshape(positions, [-1, 1]), tf.reshape(g, [-1]), [units * vocab])
        return tf.reshape(flat, [units, vocab]), None

    return tf.gather(kernel, columns, axis=1), gradient
