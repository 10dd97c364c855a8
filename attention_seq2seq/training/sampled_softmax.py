"""Cross-entropy against some words of a large vocabulary instead of against all."""

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
    """The cross-entropy of words, as estimated from sampled others; for training only.

    The frequent words come first in a vocabulary, and are drawn more often, as by
    `tf.random.log_uniform_candidate_sampler`, but with replacement and from a seed alone. As the
    number of samples grows the loss comes near that of the full softmax.

    Args:
        vectors: float32[words, units], what the projection makes logits of.
        kernel: float32[units, vocab], of the projection.
        bias: float32[vocab], of the projection.
        ids: int32[words], the words to predict.
        num_sampled: how many are drawn, the same ones for all.
        seed: int32[2], of the draw.

    Returns:
        float32[words], in nats.

    Source:
        Jean, Cho, Memisevic, Bengio: On Using Very Large Target Vocabulary for Neural Machine
        Translation, ACL 2015.
    """
    vocab = kernel.shape[1]
    sampled, _, counts = tf.unique_with_counts(log_uniform_sample(num_sampled, vocab, seed))
    expected = num_sampled * log_uniform_probability(sampled, vocab) / tf.cast(counts, tf.float32)
    # Only the columns of these words are looked at: the others have no part in it.
    columns, places = tf.unique(tf.concat([ids, sampled], axis=0))
    places = tf.cast(places, tf.int64)
    num_words = tf.shape(ids)[0]
    return tf.nn.sampled_softmax_loss(
        weights=tf.transpose(_columns(kernel, columns)),
        biases=tf.gather(bias, columns),
        labels=places[:num_words, tf.newaxis],
        inputs=vectors,
        num_sampled=tf.size(sampled),
        num_classes=vocab,
        sampled_values=(
            places[num_words:],
            # The word to predict is not sampled, it counts as what it is. With others weighted
            # by how seldom they are drawn, the normalizer is that of all words on average.
            tf.ones([num_words, 1]),
            expected,
        ),
    )


def log_uniform_sample(num_sampled: int, vocab: int, seed: tf.Tensor) -> tf.Tensor:
    """int32[num_sampled], the small ones more often: each with `log_uniform_probability` it."""
    draw = tf.random.stateless_uniform([num_sampled], seed)
    drawn = tf.cast(tf.exp(draw * math.log(vocab + 1)), tf.int32) - 1
    return tf.clip_by_value(drawn, 0, vocab - 1)


def log_uniform_probability(ids: tf.Tensor, vocab: int) -> tf.Tensor:
    """log(1 + 1 / (id + 1)) / log(vocab + 1)."""
    return tf.math.log1p(1 / (tf.cast(ids, tf.float32) + 1)) / math.log(vocab + 1)


@tf.custom_gradient
def _columns(kernel: tf.Tensor, columns: tf.Tensor):
    """float32[units, columns], some different columns of a matrix.

    TensorFlow's gradient of it transposes a matrix as large as the kernel, twice; here the
    columns are put where they belong.
    """

    def gradient(g):
        units, vocab = tf.unstack(tf.shape(kernel))
        places = tf.range(units)[:, tf.newaxis] * vocab + columns
        flat = tf.scatter_nd(tf.reshape(places, [-1, 1]), tf.reshape(g, [-1]), [units * vocab])
        return tf.reshape(flat, [units, vocab]), None

    return tf.gather(kernel, columns, axis=1), gradient
