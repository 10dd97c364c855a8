"""Deduplicates, accumulates and clips gradients before the optimizer applies them."""

from collections.abc import Sequence

import tensorflow as tf

Gradient = tf.Tensor | tf.IndexedSlices


def deduplicate_slices(gradient: Gradient) -> Gradient:
    """Sums the rows of an embedding gradient that belong to the same token.

    TensorFlow returns one row for each use of a token. The gradient norm and optimizers that update
    rows need one row per token. Dense gradients are returned unchanged.

    Example:
        >>> gradient = tf.IndexedSlices([[1.0], [2.0], [4.0]], [7, 3, 7], [9, 1])
        >>> gradient = deduplicate_slices(gradient)
        >>> gradient.indices.numpy().tolist(), gradient.values.numpy().tolist()
        ([7, 3], [[5.0], [2.0]])
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, positions = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, positions, tf.shape(rows)[0])
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def accumulate(gradients: Sequence[Gradient]) -> Gradient:
    """Sums the gradients of several batches. Rows of embeddings are concatenated."""
    if not isinstance(gradients[0], tf.IndexedSlices):
        return tf.add_n(gradients)
    rows = tf.concat([gradient.indices for gradient in gradients], axis=0)
    values = tf.concat([gradient.values for gradient in gradients], axis=0)
    return tf.IndexedSlices(values, rows, gradients[0].dense_shape)


def clip_by_global_norm(
    gradients: Sequence[Gradient], clip_norm: float
) -> tuple[list[Gradient], tf.Tensor]:
    """Scales gradients down to a global norm of at most `clip_norm`.

    Unlike in `tf.clip_by_global_norm`, gradients with a small norm are returned without a copy.

    Args:
        gradients: gradients without repeated rows.
        clip_norm: maximum norm.

    Returns:
        The gradients, and their global norm before clipping.

    Example:
        >>> gradients, norm = clip_by_global_norm([tf.constant([3.0, 4.0])], 2.5)
        >>> gradients[0].numpy().tolist(), float(norm)
        ([1.5, 2.0], 5.0)
    """
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in gradients]
    norm = tf.linalg.global_norm(values)
    # As in TensorFlow, a non-finite norm makes all gradients NaN: comparisons with NaN are false,
    # and infinity minus infinity is NaN.
    scale = clip_norm / norm + (norm - norm)
    values = tf.cond(norm <= clip_norm, lambda: values, lambda: [value * scale for value in values])
    gradients = [
        tf.IndexedSlices(value, g.indices, g.dense_shape)
        if isinstance(g, tf.IndexedSlices)
        else value
        for g, value in zip(gradients, values)
    ]
    return gradients, norm
