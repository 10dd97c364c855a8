"""Matrix products that take most of a training's time, and how their gradients are kept cheap."""

from collections.abc import Callable

import tensorflow as tf


def multiply(inputs: tf.Tensor, kernel: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """`inputs @ kernel`, computed in `dtype`, its gradient too.

    Args:
        inputs: float32[..., width_in].
        kernel: float32[width_in, width_out].
        dtype: float32, or bfloat16 for a faster and coarser product.

    Returns:
        float32[..., width_out].
    """
    shape = tf.concat([tf.shape(inputs)[:-1], tf.shape(kernel)[1:]], axis=0)
    rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
    product = tf.matmul(tf.cast(rows, dtype), tf.cast(kernel, dtype))
    return tf.reshape(tf.cast(product, tf.float32), shape)


class LoopProduct:
    """`inputs @ kernel` at each step of a loop over time, with a gradient that suits a loop.

    Left to itself a loop multiplies, at each step of its way back, by the kernel read across its
    rows, and makes and adds up a matrix as large as the kernel. Here the way back uses a
    transposed copy that is made once, and the kernel's gradient is one product of the inputs and
    gradients of all steps, after the loop.

    Args:
        kernel: float32[width_in, width_out].
        dtype: what products are computed in.

    Example:
        >>> kernel, inputs = tf.random.normal([3, 5]), tf.random.normal([7, 2, 3])
        >>> added = tf.random.normal([7, 2, 5])
        >>> with tf.GradientTape() as tape:
        ...     tape.watch(kernel)
        ...     product = LoopProduct(kernel)
        ...     learning = product.learn_from(added, lambda: inputs)
        ...     total = sum(tf.reduce_sum(product(inputs[t]) + learning[t]) for t in range(7))
        >>> expected = tf.reduce_sum(inputs, axis=[0, 1])[:, tf.newaxis] * tf.ones([1, 5])
        >>> bool(tf.reduce_all(abs(tape.gradient(total, kernel) - expected) < 1e-4))
        True
    """

    def __init__(self, kernel: tf.Tensor, dtype: tf.DType = tf.float32):
        self._kernel = kernel
        self._dtype = dtype
        self._forward = tf.stop_gradient(tf.cast(kernel, dtype))
        self._backward = tf.transpose(self._forward)

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """float32[batch, width_in] to float32[batch, width_out]; no gradient for the kernel."""

        @tf.custom_gradient
        def product(inputs):
            return self._times(inputs, self._forward), lambda g: self._times(g, self._backward)

        return product(inputs)

    def learn_from(self, added: tf.Tensor, inputs: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Gives the kernel its gradient, by way of what is added to each step's product.

        Args:
            added: float32[time, batch, width_out]; its gradient is that of the products.
            inputs: called when a gradient is asked for, that is, after the loop: the inputs of
                all steps, float32[time, batch, width_in].

        Returns:
            `added`, to be used in the loop.
        """

        @tf.custom_gradient
        def learning(added, kernel):
            def gradient(g):
                rows = [tf.reshape(part, [-1, part.shape[-1]]) for part in (inputs(), g)]
                return g, self._times(*rows, transpose_a=True)

            return tf.identity(added), gradient

        return learning(added, self._kernel)

    def _times(self, left, right, **transposed) -> tf.Tensor:
        left, right = tf.cast(left, self._dtype), tf.cast(right, self._dtype)
        return tf.cast(tf.matmul(left, right, **transposed), tf.float32)
