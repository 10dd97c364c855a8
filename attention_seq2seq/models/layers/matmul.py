"""Matrix products that dominate training time, with cheap gradients."""

from typing import NamedTuple

import tensorflow as tf


class EmbeddedIds(NamedTuple):
    """Ids and their embeddings, instead of the embedded sequence.

    For a small vocabulary, it is cheaper to multiply all embeddings by a kernel and look up the
    products than to multiply the embedding at every position.

    Attributes:
        embeddings: float32[vocab, width], a tensor or a variable.
        ids: int32[...], ids to look up.
    """

    embeddings: tf.Tensor | tf.Variable
    ids: tf.Tensor


def matmul(
    inputs: tf.Tensor | EmbeddedIds, kernel: tf.Tensor, dtype: tf.DType = tf.float32
) -> tf.Tensor:
    """Computes `inputs @ kernel` and its gradient in `dtype`.

    Args:
        inputs: float32[..., width_in], or ids with embeddings of that width.
        kernel: float32[width_in, width_out], the right factor.
        dtype: float32, or bfloat16 for a faster, less precise product.

    Returns:
        float32[..., width_out], the product.
    """
    if isinstance(inputs, EmbeddedIds):
        return tf.gather(matmul(inputs.embeddings, kernel, dtype), inputs.ids)
    shape = tf.concat([tf.shape(inputs)[:-1], tf.shape(kernel)[1:]], axis=0)
    rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
    return tf.reshape(_matmul(rows, kernel, dtype), shape)


class RecurrentMatmul:
    """Product inside a loop, `inputs[t] @ kernel + bias[t]`, with a gradient for loops.

    The automatic gradient transposes the kernel and accumulates a kernel gradient in each step.
    Here, the kernel is transposed once. The kernel gradient is a single product over all steps,
    computed after the loop, and only flows through the bias.

    Args:
        kernel: float32[width_in, width_out], the right factor.
        dtype: dtype of the products.

    Attributes:
        inputs: float32[time, batch, width_in], the inputs of all steps. Set this attribute after
            the loop, before computing a gradient.

    Example:
        >>> kernel, inputs = tf.random.normal([3, 5]), tf.random.normal([7, 2, 3])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(kernel)
        ...     product = RecurrentMatmul(kernel)
        ...     bias = product.with_kernel_gradient(tf.zeros([7, 2, 5]))
        ...     total = sum(tf.reduce_sum(product(inputs[t]) + bias[t]) for t in range(7))
        ...     product.inputs = inputs
        >>> expected = tf.reduce_sum(inputs, axis=[0, 1])[:, tf.newaxis] * tf.ones([1, 5])
        >>> bool(tf.reduce_all(abs(tape.gradient(total, kernel) - expected) < 1e-4))
        True
    """

    def __init__(self, kernel: tf.Tensor, dtype: tf.DType = tf.float32):
        self.inputs = None
        self._kernel = kernel
        self._dtype = dtype
        self._forward = tf.stop_gradient(tf.cast(kernel, dtype))
        self._backward = tf.transpose(self._forward)

    def __call__(self, step_inputs: tf.Tensor) -> tf.Tensor:
        """Multiplies the inputs of one step float32[batch, width_in] by the kernel."""

        @tf.custom_gradient
        def product(step_inputs):
            output = _matmul(step_inputs, self._forward, self._dtype)
            return output, lambda g: _matmul(g, self._backward, self._dtype)

        return product(step_inputs)

    def with_kernel_gradient(self, bias: tf.Tensor) -> tf.Tensor:
        """Returns the bias float32[time, batch, width_out] to add to the products in the loop."""

        @tf.custom_gradient
        def add_gradient(bias, kernel):
            def gradient(g):
                inputs, g_rows = (tf.reshape(x, [-1, x.shape[-1]]) for x in (self.inputs, g))
                return g, _matmul(inputs, g_rows, self._dtype, transpose_a=True)

            return tf.identity(bias), gradient

        return add_gradient(bias, self._kernel)


def _matmul(left: tf.Tensor, right: tf.Tensor, dtype: tf.DType, **transposed) -> tf.Tensor:
    left, right = tf.cast(left, dtype), tf.cast(right, dtype)
    return tf.cast(tf.matmul(left, right, **transposed), tf.float32)
