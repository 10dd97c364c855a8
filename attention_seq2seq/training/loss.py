"""Cross-entropy of the target tokens, including the output projection."""

import tensorflow as tf

# Logarithms of larger probabilities are accurate to the last digit.
_SMALLEST_PROBABILITY = 1e-30


def drop_padding(
    vectors: tf.Tensor, target_ids: tf.Tensor, target_length: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Flattens a batch to one row per target token, so that padding costs no time.

    Args:
        vectors: float32[batch, target_time, ...], for example inputs of the output projection.
        target_ids: int32[batch, target_time], the tokens to predict, EOS included.
        target_length: int32[batch], number of target tokens.

    Returns:
        float32[tokens, ...] and int32[tokens].

    Example:
        >>> ids = tf.constant([[5, 6, 2], [7, 2, 0]])
        >>> vectors, tokens = drop_padding(tf.ones([2, 3, 4]), ids, tf.constant([3, 2]))
        >>> tokens.numpy().tolist()
        [5, 6, 2, 7, 2]
    """
    positions = tf.where(tf.sequence_mask(target_length, tf.shape(target_ids)[1]))
    return tf.gather_nd(vectors, positions), tf.gather_nd(target_ids, positions)


def cross_entropy(
    vectors: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    ids: tf.Tensor,
    dtype: tf.DType = tf.float32,
    smoothing: float = 0.0,
) -> tf.Tensor:
    """Computes the cross-entropy of tokens from the inputs of the output projection.

    The logits are the largest tensor in training, so they are read and written as few times as
    possible. The loss and the gradient share one softmax. The upstream gradient is multiplied into
    the vectors instead of the logits, and the bias gradient is a matrix-vector product.

    Args:
        vectors: float32[tokens, units], inputs of the output projection.
        kernel: float32[units, vocab], kernel of the output projection.
        bias: float32[vocab], bias of the output projection.
        ids: int32[tokens], the tokens to predict.
        dtype: dtype of the matrix products, float32 or bfloat16; softmax and loss are float32.
        smoothing: probability mass distributed over the whole vocabulary (label smoothing, Szegedy
            et al. 2016).

    Returns:
        float32[tokens], in nats.

    Example:
        >>> vectors, ids = tf.ones([1, 3]), tf.constant([5])
        >>> losses = cross_entropy(vectors, tf.zeros([3, 8]), tf.zeros([8]), ids)
        >>> round(float(losses[0]), 4)  # log(8)
        2.0794
    """
    return _cross_entropy_fn(ids, dtype, smoothing)(
        vectors, tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias)
    )


def evaluate_cross_entropy(
    vectors: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, ids: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes cross-entropy and accuracy, without a gradient.

    Args:
        vectors: float32[tokens, units], inputs of the output projection.
        kernel: float32[units, vocab], kernel of the output projection.
        bias: float32[vocab], bias of the output projection.
        ids: int32[tokens], the tokens to predict.

    Returns:
        float32[tokens], the cross-entropy in nats, and float32[tokens], 1 where the token has the
        largest probability.
    """
    logits = tf.nn.bias_add(tf.matmul(vectors, kernel), bias)
    indices = tf.stack([tf.range(tf.shape(ids)[0], dtype=ids.dtype), ids], axis=1)
    losses = tf.reduce_logsumexp(logits, axis=1) - tf.gather_nd(logits, indices)
    is_correct = tf.argmax(logits, axis=1, output_type=ids.dtype) == ids
    return losses, tf.cast(is_correct, tf.float32)


def _cross_entropy_fn(ids: tf.Tensor, dtype: tf.DType, smoothing: float):
    @tf.custom_gradient
    def losses_fn(vectors, kernel, bias):
        indices = tf.stack([tf.range(tf.shape(ids)[0], dtype=ids.dtype), ids], axis=1)
        low_vectors, low_kernel = tf.cast(vectors, dtype), tf.cast(kernel, dtype)
        logits = tf.nn.bias_add(tf.cast(tf.matmul(low_vectors, low_kernel), tf.float32), bias)
        probs = tf.nn.softmax(logits)  # [tokens, vocab]
        token_logits, token_probs = tf.gather_nd(logits, indices), tf.gather_nd(probs, indices)

        def losses_from_largest():
            # The largest probability is never too small for its logarithm.
            normalizer = tf.reduce_max(logits, axis=1) - tf.math.log(tf.reduce_max(probs, axis=1))
            return normalizer - token_logits

        losses = tf.cond(
            tf.reduce_all(token_probs > _SMALLEST_PROBABILITY),
            lambda: -tf.math.log(token_probs),
            losses_from_largest,
        )
        if smoothing:
            losses += smoothing * (token_logits - tf.reduce_mean(logits, axis=1))

        def gradient(g):
            dlogits = tf.tensor_scatter_nd_sub(
                probs, indices, tf.fill(tf.shape(losses), 1 - smoothing)
            )  # [tokens, vocab]
            if smoothing:
                dlogits -= smoothing / tf.cast(tf.shape(logits)[1], tf.float32)
            dbias = tf.linalg.matvec(dlogits, g, transpose_a=True)
            dlogits = tf.cast(dlogits, dtype)
            weighted = tf.cast(vectors * g[:, tf.newaxis], dtype)
            dkernel = tf.matmul(weighted, dlogits, transpose_a=True)
            dvectors = tf.matmul(dlogits, low_kernel, transpose_b=True)
            return (
                tf.cast(dvectors, tf.float32) * g[:, tf.newaxis],
                tf.cast(dkernel, tf.float32),
                dbias,
            )

        return losses, gradient

    return losses_fn
