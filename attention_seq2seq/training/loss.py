"""Cross-entropy over real words only, from what is projected to the loss in one go."""

import tensorflow as tf


def token_cross_entropy(
    vectors: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    target_ids: tf.Tensor,
    target_length: tf.Tensor,
    dtype: tf.DType = tf.float32,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The summed cross-entropy of the real words, and their number.

    The loss is one divided by the other. Padding is dropped before the projection: it has no
    part in either, and costs nothing.

    Args:
        vectors: float32[batch, target_time, units], what the projection makes logits of.
        kernel: float32[units, vocab], of the projection.
        bias: float32[vocab], of the projection.
        target_ids: int32[batch, target_time], the words to predict, end of reply included.
        target_length: int32[batch], the number of real words.
        dtype: what matrix products are computed in, float32 or bfloat16; softmax and loss are
            float32.

    Returns:
        float32[] the sum in nats, float32[] the number of words.

    Example:
        >>> vectors, kernel, ids = tf.ones([1, 2, 3]), tf.zeros([3, 8]), tf.constant([[5, 0]])
        >>> total, words = token_cross_entropy(vectors, kernel, tf.zeros(8), ids, tf.constant([1]))
        >>> round(float(total / words), 4)  # log(8)
        2.0794
    """
    real = tf.where(tf.sequence_mask(target_length, tf.shape(target_ids)[1]))
    cross_entropy = _projected_cross_entropy(
        tf.gather_nd(vectors, real),
        tf.convert_to_tensor(kernel),
        tf.convert_to_tensor(bias),
        tf.gather_nd(target_ids, real),
        dtype,
    )
    return tf.reduce_sum(cross_entropy), tf.cast(tf.reduce_sum(target_length), tf.float32)


def _projected_cross_entropy(vectors, kernel, bias, ids, dtype):
    """float32[words, units], ..., int32[words] to float32[words].

    The logits are the largest thing there is in a training, so they are touched as few times as
    possible: the softmax makes loss and gradient, what each word's gradient is multiplied by goes
    into the vectors, and the bias' gradient is a product too. TensorFlow's own cross-entropy takes
    four times as long as its softmax.
    """

    @tf.custom_gradient
    def cross_entropy(vectors, kernel, bias):
        words = tf.stack([tf.range(tf.shape(ids)[0], dtype=ids.dtype), ids], axis=1)
        coarse_vectors, coarse_kernel = tf.cast(vectors, dtype), tf.cast(kernel, dtype)
        logits = tf.nn.bias_add(tf.cast(tf.matmul(coarse_vectors, coarse_kernel), tf.float32), bias)
        probabilities = tf.nn.softmax(logits)
        # Of the most probable word the probability is never too small for its logarithm.
        normalizer = tf.reduce_max(logits, axis=1) - tf.math.log(
            tf.reduce_max(probabilities, axis=1)
        )
        losses = normalizer - tf.gather_nd(logits, words)

        def gradient(g):
            # float[words, vocab]
            dlogits = tf.tensor_scatter_nd_sub(probabilities, words, tf.ones_like(losses))
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

    return cross_entropy(vectors, kernel, bias)
