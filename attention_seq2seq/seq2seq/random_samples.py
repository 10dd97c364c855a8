"""Random draws from probabilities and logits."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def bernoulli_sample(
    probs: Any = None,
    logits: Any = None,
    dtype: tf.DType = tf.int32,
    sample_shape: Any = (),
    seed: int | None = None,
) -> tf.Tensor:
    """Returns dtype[*sample_shape, ...], 1 with the given probabilities, else 0.

    Args:
        probs: float[...], the probabilities.
        logits: float[...], logits of the probabilities, if `probs` is None.
        dtype: dtype of the result.
        sample_shape: leading axes of the result; a number is one axis.
        seed: seed of the operation.
    """
    probs = tf.sigmoid(logits) if probs is None else tf.convert_to_tensor(probs)

    def draw_samples(count):
        shape = tf.concat([[count], tf.shape(probs)], axis=0)
        return tf.cast(tf.random.uniform(shape, seed=seed, dtype=probs.dtype) < probs, dtype)

    return _draw_with_shape(draw_samples, sample_shape)


def categorical_sample(
    logits: tf.Tensor, dtype: tf.DType = tf.int32, sample_shape: Any = (), seed: int | None = None
) -> tf.Tensor:
    """Returns dtype[*sample_shape, ...], ids drawn from logits float[..., vocab].

    Args:
        logits: float[..., vocab].
        dtype: dtype of the ids.
        sample_shape: leading axes of the result; a number is one axis.
        seed: seed of the operation.
    """
    logits = tf.convert_to_tensor(logits)

    def draw_samples(count):
        rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]]) if logits.shape.rank != 2 else logits
        # `tf.random.categorical` draws different ids for int32 and int64.
        id_dtype = tf.int64 if logits.dtype.size > 4 else tf.int32
        ids = tf.transpose(tf.random.categorical(rows, count, dtype=id_dtype, seed=seed))
        return tf.cast(tf.reshape(ids, tf.concat([[count], tf.shape(logits)[:-1]], axis=0)), dtype)

    return _draw_with_shape(draw_samples, sample_shape)


def _draw_with_shape(draw_samples: Callable, sample_shape: Any) -> tf.Tensor:
    """Returns as many draws as the shape has elements, in this shape."""
    sample_shape = tf.reshape(tf.convert_to_tensor(sample_shape, tf.int32), [-1])
    samples = draw_samples(tf.reduce_prod(sample_shape))
    return tf.reshape(samples, tf.concat([sample_shape, tf.shape(samples)[1:]], axis=0))
