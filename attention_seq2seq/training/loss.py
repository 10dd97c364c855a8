"""Cross-entropy over real words only, from what is projected to the loss in one go."""

import tensorflow as tf

# Probabilities above it have all digits of their logarithms.
_SMALLEST = 1e-30


def drop_padding(
    vectors: tf.Tensor, target_ids: tf.Tensor, target_length: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """What is not padding, one row each: padding has no part in a loss, and so costs nothing.

    Args:
        vectors: float32[batch, target_time, ...], what the projection makes logits of, say.
        target_ids: int32[batch, target_time], the words to predict, end of reply included.
        target_length: int32[batch], the number of real words.

    Returns:
        float32[words, ...], int32[words].

    Example:
        >>> ids = tf.constant([[5, 6, 2], [7, 2, 0]])
        >>> vectors, words = drop_padding(tf.ones([2, 3, 4]), ids, tf.constant([3, 2]))
        >>> words.numpy().tolist()
        [5, 6, 2, 7, 2]
    """
    real = tf.where(tf.sequence_mask(target_length, tf.shape(target_ids)[1]))
    return tf.gather_nd(vectors, real), tf.gather_nd(target_ids, real)


def cross_entropy(
    vectors: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    ids: tf.Tensor,
    dtype: tf.DType = tf.float32,
    smoothing: float = 0.0,
) -> tf.Tensor:
    """The cross-entropy of words, from what is projected to logits.

    The logits are the largest thing there is in a training, so they are touched as few times as
    possible: one softmax makes loss and gradient, each word's part of the gradient is multiplied
    into the vectors, and the bias' gradient is a product too.

    Args:
        vectors: float32[words, units], what the projection makes logits of.
        kernel: float32[units, vocab], of the projection.
        bias: float32[vocab], of the projection.
        ids: int32[words], the words to predict.
        dtype: what matrix products are computed in, float32 or bfloat16; softmax and loss are
            float32.
        smoothing: the share of the probability asked for that is spread over all words
            (Szegedy et al. 2016, label smoothing).

    Returns:
        float32[words], in nats.

    Example:
        >>> vectors, ids = tf.ones([1, 3]), tf.constant([5])
        >>> losses = cross_entropy(vectors, tf.zeros([3, 8]), tf.zeros([8]), ids)
        >>> round(float(losses[0]), 4)  # log(8)
        2.0794
    """
    return _cross_entropy_of(ids, dtype, smoothing)(
        vectors, tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias)
    )


def evaluate_cross_entropy(
    vectors: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """How good predictions are, without a gradient; see `cross_entropy`.

    Returns:
        float32[words], the cross-entropy in nats, and float32[words], 1 where the word has the
        largest probability of all.
    """
    logits = tf.nn.bias_add(tf.matmul(vectors, kernel), bias)
    words = tf.stack([tf.range(tf.shape(ids)[0], dtype=ids.dtype), ids], axis=1)
    losses = tf.reduce_logsumexp(logits, axis=1) - tf.gather_nd(logits, words)
    right = tf.argmax(logits, axis=1, output_type=ids.dtype) == ids
    return losses, tf.cast(right, tf.float32)


def _cross_entropy_of(ids: tf.Tensor, dtype: tf.DType, smoothing: float):
    @tf.custom_gradient
    def losses_of(vectors, kernel, bias):
        words = tf.stack([tf.range(tf.shape(ids)[0], dtype=ids.dtype), ids], axis=1)
        coarse_vectors, coarse_kernel = tf.cast(vectors, dtype), tf.cast(kernel, dtype)
        logits = tf.nn.bias_add(tf.cast(tf.matmul(coarse_vectors, coarse_kernel), tf.float32), bias)
        probabilities = tf.nn.softmax(logits)
        of_words, likely = tf.gather_nd(logits, words), tf.gather_nd(probabilities, words)

        def by_the_most_probable():
            # Its probability is never too small for its logarithm.
            normalizer = tf.reduce_max(logits, axis=1) - tf.math.log(
                tf.reduce_max(probabilities, axis=1)
            )
            return normalizer - of_words

        losses = tf.cond(
            tf.reduce_all(likely > _SMALLEST), lambda: -tf.math.log(likely), by_the_most_probable
        )
        if smoothing:
            losses += smoothing * (of_words - tf.reduce_mean(logits, axis=1))

        def gradient(g):
            # float[words, vocab]
            dlogits = tf.tensor_scatter_nd_sub(
                probabilities, words, tf.fill(tf.shape(losses), 1 - smoothing)
            )
            if smoothing:
                dlogits -= smoothing / tf.cast(tf.shape(logits)[1], tf.float32)
            dbias = tf.linalg.matvec(dlogits, g, transpose_a=True)
            dlogits = tf.cast(dlogits, dtype)
            weighted = tf.cast(vectors * g[:, tf.newaxis], dtype)
            dkernel = tf.matmul(weighted, dlogits, transpose_a=True)
            dvectors = tf.matmul(dlogits, coarse_kernel, transpose_b=True)
            return (
                tf.cast(dvectors, tf.float32) * g[:, tf.newaxis],
                tf.cast(dkernel, tf.float32),
                dbias,
            )

        return losses, gradient

    return losses_of
