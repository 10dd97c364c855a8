"""What is done to gradients before an optimizer sees them."""

from collections.abc import Sequence

import tensorflow as tf

Gradient = tf.Tensor | tf.IndexedSlices


def deduplicate_slices(gradient: Gradient) -> Gradient:
    """One row for each word of an embedding's gradient, which has one for each use of a word.

    Only then is its norm that of the gradient, and only then does a word used thrice count thrice
    in whatever an optimizer does with rows. Other gradients are left as they are.

    Example:
        >>> uses = tf.IndexedSlices([[1.0], [2.0], [4.0]], [7, 3, 7], [9, 1])
        >>> summed = deduplicate_slices(uses)
        >>> summed.indices.numpy().tolist(), summed.values.numpy().tolist()
        ([7, 3], [[5.0], [2.0]])
    """
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.shape(rows)[0])
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def accumulate(gradients: Sequence[Gradient]) -> Gradient:
    """The sum of a variable's gradients from several batches; rows of embeddings side by side."""
    if not isinstance(gradients[0], tf.IndexedSlices):
        return tf.add_n(gradients)
    rows = tf.concat([gradient.indices for gradient in gradients], axis=0)
    values = tf.concat([gradient.values for gradient in gradients], axis=0)
    return tf.IndexedSlices(values, rows, gradients[0].dense_shape)


def clip_by_global_norm(
    gradients: Sequence[Gradient], norm: float
) -> tuple[list[Gradient], tf.Tensor]:
    """Scaled down together to a global norm of at most `norm`; seldom, so mostly just passed on.

    Args:
        gradients: rows summed.
        norm: as `tf.clip_by_global_norm` has it.

    Returns:
        The gradients, and the norm that they had.

    Example:
        >>> gradients, norm = clip_by_global_norm([tf.constant([3.0, 4.0])], 2.5)
        >>> gradients[0].numpy().tolist(), float(norm)
        ([1.5, 2.0], 5.0)
    """
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in gradients]
    found = tf.linalg.global_norm(values)
    # A gradient that is not finite must be seen to be so, as TensorFlow has it: no comparison
    # with one that is no number is true, and infinity less itself is none.
    scale = norm / found + (found - found)
    values = tf.cond(found <= norm, lambda: values, lambda: [value * scale for value in values])
    gradients = [
        tf.IndexedSlices(value, g.indices, g.dense_shape)
        if isinstance(g, tf.IndexedSlices)
        else value
        for g, value in zip(gradients, values)
    ]
    return gradients, found
