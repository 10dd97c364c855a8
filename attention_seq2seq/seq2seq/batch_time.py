"""Functions on the batch and time axes of decoder outputs and states."""

from typing import Any

import tensorflow as tf


def transpose_batch_time(tensor: tf.Tensor) -> tf.Tensor:
    """Swaps the first two axes. A tensor with fewer axes is returned unchanged."""
    if tensor.shape.rank is not None and tensor.shape.rank < 2:
        return tensor
    return tf.transpose(tensor, tf.concat([[1, 0], tf.range(2, tf.rank(tensor))], axis=0))


def unstack_time(inputs: tf.Tensor) -> tf.TensorArray:
    """Returns the steps of time-major inputs [target_time, batch, ...]."""
    array = tf.TensorArray(inputs.dtype, size=tf.shape(inputs)[0], element_shape=inputs.shape[1:])
    return array.unstack(inputs)


def output_arrays(
    decoder: Any,
    maximum_iterations: tf.Tensor | None,
    has_fixed_size: bool,
    is_flat: bool,
) -> Any:
    """Returns a `TensorArray` for each output of a step, nested.

    Args:
        decoder: a `Decoder` or `BaseDecoder`.
        maximum_iterations: int32[], number of steps at most.
        has_fixed_size: whether arrays have this number of elements, which XLA needs.
        is_flat: whether elements are those of a single row, without the axis of the batch.
    """

    def make_array(shape, dtype):
        if is_flat:
            element_shape = (1,) if isinstance(shape, tf.TensorShape) and not shape.rank else shape
        else:
            element_shape = _with_static_batch(decoder.batch_size, shape)
        return tf.TensorArray(
            dtype,
            size=maximum_iterations if has_fixed_size else 0,
            dynamic_size=not has_fixed_size,
            element_shape=element_shape,
        )

    return tf.nest.map_structure(make_array, decoder.output_size, decoder.output_dtype)


def _with_static_batch(batch_size: int | tf.Tensor, shape: Any) -> tf.TensorShape | None:
    """Returns the shape [batch, ...] of an output, or None if its rank is unknown."""
    if not isinstance(shape, tf.TensorShape) or shape.rank == 0:
        return None
    static_batch_size = tf.get_static_value(tf.convert_to_tensor(batch_size))
    return tf.TensorShape([static_batch_size]).concatenate(shape)


def where_finished(finished: tf.Tensor, true_values: tf.Tensor, false_values: tf.Tensor):
    """Selects values by rows.

    Args:
        finished: bool[batch] or bool[batch, beams].
        true_values: values of finished rows, with further axes.
        false_values: values of the other rows.
    """
    missing_axes = tf.rank(false_values) - tf.rank(finished)
    mask_shape = tf.concat([tf.shape(finished), tf.ones([missing_axes], tf.int32)], axis=0)
    return tf.where(tf.reshape(finished, mask_shape), true_values, false_values)


def keep_finished(finished: tf.Tensor, old: Any, new: Any) -> Any:
    """Returns the old state of finished rows, and the new state of other rows."""
    if isinstance(old, tf.TensorArray):
        return new
    new.set_shape(old.shape)
    return new if new.shape.rank == 0 else where_finished(finished, old, new)
