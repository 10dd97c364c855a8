"""Fast operations over the vocabulary: log-sum-exp and top-k."""

import tensorflow as tf

# Approximate number of tokens in a block of the vocabulary.
_BLOCK = 80


def row_logsumexp(logits: tf.Tensor, position: tf.Tensor | None = None) -> tf.Tensor:
    """Computes `tf.reduce_logsumexp` over the vocabulary, in fewer passes.

    Args:
        logits: float32[rows, vocab], unnormalized log-probabilities.
        position: int32[rows, 1], index of the largest logit of each row; None: it is computed.

    Returns:
        float32[rows, 1]; a row does not depend on the other rows.

    Example:
        >>> row_logsumexp(tf.constant([[1000.0, 1000.0]])).numpy().round(2)
        array([[1000.69]], dtype=float32)
    """
    probabilities = tf.nn.softmax(logits)
    if position is None:
        highest = tf.reduce_max(logits, axis=1, keepdims=True)
        probability = tf.reduce_max(probabilities, axis=1, keepdims=True)
    else:
        highest = tf.gather(logits, position, batch_dims=1)
        probability = tf.gather(probabilities, position, batch_dims=1)
    # Eigen computes sixteen logarithms at once and the remainder one by one, which rounds
    # differently. So sixteen are computed for each row.
    return highest - tf.math.log(tf.tile(probability, [1, 16]))[:, :1]


def blocked_top_k(values: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes `tf.math.top_k` about three times as fast for a small k of thousands of values.

    The k largest values lie in the k blocks with the largest maxima, which are fast to compute.
    Equal values are ordered by index, as in `tf.math.top_k`.

    Args:
        values: float32[rows, vocab], values to search.
        k: int32[], at most the vocabulary size.

    Returns:
        The values and their indices, float32 and int32[rows, k].

    Example:
        >>> values, indices = blocked_top_k(tf.reshape(tf.range(2000.0), [1, 2000]), tf.constant(2))
        >>> indices.numpy()
        array([[1999, 1998]], dtype=int32)
    """
    vocabulary_size = values.shape[1]
    if vocabulary_size is None or vocabulary_size < 10 * _BLOCK:
        return tf.math.top_k(values, k)
    size = min(
        range(_BLOCK // 2, 2 * _BLOCK),
        key=lambda size: (-vocabulary_size % size, abs(size - _BLOCK)),
    )
    if vocabulary_size % size:
        values = tf.pad(
            values, [[0, 0], [0, -vocabulary_size % size]], constant_values=float("-inf")
        )
    # [rows, blocks, size]
    blocks = tf.reshape(values, [-1, -(-vocabulary_size // size), size])
    maxima = tf.reduce_max(blocks, axis=2)
    num_blocks = tf.minimum(k, tf.shape(maxima)[1])
    # Sorted, so that equal values stay ordered by index.
    block_indices = tf.sort(tf.math.top_k(maxima, num_blocks).indices, axis=1)
    selected_blocks = tf.gather(blocks, block_indices, batch_dims=1)
    top_values, positions = tf.math.top_k(tf.reshape(selected_blocks, [-1, num_blocks * size]), k)
    return top_values, tf.gather(
        block_indices, positions // size, batch_dims=1
    ) * size + positions % size
