"""Matrix products that take most of a training's time, and how their gradients are kept cheap."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class EmbeddedIds(NamedTuple):
    """Words of a small vocabulary, in place of their embeddings.

    A product of the vocabulary, looked up, is a small part of the product of each place where a
    word stands.

    Attributes:
        embeddings: float32[vocabulary, width], a tensor or a variable.
        ids: int32[...], the words.
    """

    embeddings: tf.Tensor | tf.Variable
    ids: tf.Tensor


def matmul(
    inputs: tf.Tensor | EmbeddedIds, kernel: tf.Tensor, dtype: tf.DType = tf.float32
) -> tf.Tensor:
    """`inputs @ kernel`, computed in `dtype`, its gradient too.

    Args:
        inputs: float32[..., width_in], or words whose embeddings are as wide.
        kernel: float32[width_in, width_out].
        dtype: float32, or bfloat16 for a faster and coarser product.

    Returns:
        float32[..., width_out].
    """
    if isinstance(inputs, EmbeddedIds):
        return tf.gather(matmul(inputs.embeddings, kernel, dtype), inputs.ids)
    shape = tf.concat([tf.shape(inputs)[:-1], tf.shape(kernel)[1:]], axis=0)
    rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
    product = tf.matmul(tf.cast(rows, dtype), tf.cast(kernel, dtype))
    return tf.reshape(tf.cast(product, tf.float32), shape)


Product = Callable[[tf.Tensor], tf.Tensor]


def recurrent_matmul(
    kernel: tf.Tensor,
    added: tf.Tensor,
    inputs: Callable[[], tf.Tensor],
    dtype: tf.DType = tf.float32,
) -> tuple[Product, tf.Tensor]:
    """`inputs @ kernel + added` at each step of a loop over time, its gradient made for a loop.

    Left to itself a loop multiplies, at each step of its way back, by the kernel read across its
    rows, and makes and adds up a matrix as large as the kernel. Here the way back uses a
    transposed copy that is made once, and the kernel's gradient, which is that of `added`, is one
    product of the inputs and gradients of all steps, after the loop.

    Args:
        kernel: float32[width_in, width_out].
        added: float32[time, batch, width_out].
        inputs: called when a gradient is asked for, that is, after the loop: the inputs of all
            steps, float32[time, batch, width_in].
        dtype: what products are computed in.

    Returns:
        For the loop: a function from a step's inputs float32[batch, width_in] to their product
        float32[batch, width_out], and what is to be added to it, float32[time, batch, width_out].
        The kernel learns by the second alone.

    Example:
        >>> kernel, inputs = tf.random.normal([3, 5]), tf.random.normal([7, 2, 3])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(kernel)
        ...     product, added = recurrent_matmul(kernel, tf.zeros([7, 2, 5]), lambda: inputs)
        ...     total = sum(tf.reduce_sum(product(inputs[t]) + added[t]) for t in range(7))
        >>> expected = tf.reduce_sum(inputs, axis=[0, 1])[:, tf.newaxis] * tf.ones([1, 5])
        >>> bool(tf.reduce_all(abs(tape.gradient(total, kernel) - expected) < 1e-4))
        True
    """
    forward = tf.stop_gradient(tf.cast(kernel, dtype))
    backward = tf.transpose(forward)

    def times(left, right, **transposed) -> tf.Tensor:
        left, right = tf.cast(left, dtype), tf.cast(right, dtype)
        return tf.cast(tf.matmul(left, right, **transposed), tf.float32)

    @tf.custom_gradient
    def product(step_inputs):
        return times(step_inputs, forward), lambda gradient: times(gradient, backward)

    @tf.custom_gradient
    def learning(added, kernel):
        def gradient(g):
            rows = [tf.reshape(part, [-1, part.shape[-1]]) for part in (inputs(), g)]
            return g, times(*rows, transpose_a=True)

        return tf.identity(added), gradient

    return product, learning(added, kernel)
