"""The matrix products that dominate training time, with cheap gradients."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class EmbeddedIds(NamedTuple):
    """Ids with the embeddings to look up, in place of the embedded sequence.

    For a small vocabulary it is cheaper to multiply all embeddings by a kernel and then look up
    the products than to multiply the embedding at every position.

    Attributes:
        embeddings: float32[vocab, width], a tensor or a variable.
        ids: int32[...].
    """

    embeddings: tf.Tensor | tf.Variable
    ids: tf.Tensor


def matmul(
    inputs: tf.Tensor | EmbeddedIds, kernel: tf.Tensor, dtype: tf.DType = tf.float32
) -> tf.Tensor:
    """Returns `inputs @ kernel`; the product and its gradient are computed in `dtype`.

    Args:
        inputs: float32[..., width_in], or ids with embeddings of that width.
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
    bias: tf.Tensor,
    inputs: Callable[[], tf.Tensor],
    dtype: tf.DType = tf.float32,
) -> tuple[Product, tf.Tensor]:
    """Splits `inputs[t] @ kernel + bias[t]` into two parts with a gradient made for loops.

    The plain gradient of a loop multiplies, at each step, by the transposed kernel, and adds up a
    matrix of the kernel's size. Here the backward pass uses a transposed copy that is made once.
    The kernel's gradient is one product over all steps, computed after the loop.

    Args:
        kernel: float32[width_in, width_out].
        bias: float32[time, batch, width_out].
        inputs: returns the inputs of all steps, float32[time, batch, width_in]; called when the
            gradient is computed, after the loop.
        dtype: dtype of the products.

    Returns:
        For the loop: a function from the inputs of one step float32[batch, width_in] to their
        product float32[batch, width_out], and the term to add to the products
        float32[time, batch, width_out]. The kernel's gradient flows through the second alone.

    Example:
        >>> kernel, inputs = tf.random.normal([3, 5]), tf.random.normal([7, 2, 3])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(kernel)
        ...     product, bias = recurrent_matmul(kernel, tf.zeros([7, 2, 5]), lambda: inputs)
        ...     total = sum(tf.reduce_sum(product(inputs[t]) + bias[t]) for t in range(7))
        >>> expected = tf.reduce_sum(inputs, axis=[0, 1])[:, tf.newaxis] * tf.ones([1, 5])
        >>> bool(tf.reduce_all(abs(tape.gradient(total, kernel) - expected) < 1e-4))
        True
    """
    forward = tf.stop_gradient(tf.cast(kernel, dtype))
    backward = tf.transpose(forward)

    @tf.custom_gradient
    def product(step_inputs):
        return _matmul(step_inputs, forward, dtype), lambda g: _matmul(g, backward, dtype)

    @tf.custom_gradient
    def with_kernel_gradient(bias, kernel):
        def gradient(g):
            rows = [tf.reshape(part, [-1, part.shape[-1]]) for part in (inputs(), g)]
            return g, _matmul(*rows, dtype, transpose_a=True)

        return tf.identity(bias), gradient

    return product, with_kernel_gradient(bias, kernel)


def _matmul(left: tf.Tensor, right: tf.Tensor, dtype: tf.DType, **transposed) -> tf.Tensor:
    left, right = tf.cast(left, dtype), tf.cast(right, dtype)
    return tf.cast(tf.matmul(left, right, **transposed), tf.float32)
