"""Functions from attention scores to attention weights."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf


def hardmax(logits: tf.Tensor, name: str | None = None) -> tf.Tensor:
    """Returns one-hot vectors float[..., n] of the largest logits float[..., n].

    Example:
        >>> hardmax([[0.5, 2.0, 1.0]]).numpy().tolist()
        [[0.0, 1.0, 0.0]]
    """
    with tf.name_scope(name or "Hardmax"):
        logits = tf.convert_to_tensor(logits)
        depth = logits.shape[-1] or tf.shape(logits)[-1]
        return tf.one_hot(tf.argmax(logits, axis=-1), depth, dtype=logits.dtype)


def get_probability_fn(name: str) -> Callable:
    """Returns the function of a name, from scores to weights, both float[batch, source_time].

    Args:
        name: "softmax" or "hardmax".

    Raises:
        ValueError: unknown name.
    """
    functions = {"softmax": tf.nn.softmax, "hardmax": hardmax}
    if name not in functions:
        raise ValueError(f"Invalid probability function: {name}, options are {list(functions)}.")
    return functions[name]


def safe_cumprod(x: tf.Tensor, *args, **kwargs) -> tf.Tensor:
    """Returns the cumulative product of numbers in [0, 1], computed as a sum of logarithms.

    Unlike that of `tf.math.cumprod`, its gradient stays finite when a number is 0.

    Args:
        x: float[...], in [0, 1].
        *args: arguments of `tf.cumsum` after the first.
        **kwargs: arguments of `tf.cumsum`, such as `axis` and `exclusive`.
    """
    with tf.name_scope("SafeCumprod"):
        x = tf.convert_to_tensor(x)
        # NumPy does not know bfloat16, which has the exponents of float32.
        dtype = tf.float32 if x.dtype == tf.bfloat16 else x.dtype
        tiny = np.finfo(dtype.as_numpy_dtype).tiny
        return tf.exp(tf.cumsum(tf.math.log(tf.clip_by_value(x, tiny, 1)), *args, **kwargs))


def monotonic_attention(
    p_choose_i: tf.Tensor, previous_attention: tf.Tensor, mode: str
) -> tf.Tensor:
    """Returns the expected attention weights of a reader that never turns back.

    In each step, the reader starts at the position where it stopped before, and stops at each
    position with a given probability. The weights sum to less than 1 if it may read past the end.

    Args:
        p_choose_i: float[batch, source_time], the probabilities of stopping, in [0, 1].
        previous_attention: float[batch, source_time], weights of the step before; in the first
            step, [1, 0, ..., 0].
        mode: "recursive" computes position after position, "parallel" all positions at once, with
            less precision for long memories. "hard" requires probabilities of exactly 0 or 1.

    Returns:
        The attention weights float[batch, source_time].

    Raises:
        ValueError: unknown mode.

    Source:
        Raffel et al.: Online and Linear-Time Attention by Enforcing Monotonic Alignments,
        ICML 2017, eq. 9 to 11.

    Example:
        >>> stop, previous = tf.constant([[0.5, 0.5, 1.0]]), tf.constant([[0.0, 1.0, 0.0]])
        >>> monotonic_attention(stop, previous, "parallel").numpy().tolist()
        [[0.0, 0.5, 0.5]]
    """
    stop = tf.convert_to_tensor(p_choose_i)
    previous = tf.convert_to_tensor(previous_attention)
    if mode == "recursive":
        # Probability of not stopping at the previous position.
        passed = tf.concat([tf.ones_like(stop[:, :1]), 1 - stop[:, :-1]], axis=1)
        arrived = tf.scan(
            lambda arrival, step: step[0] * arrival + step[1],
            (tf.transpose(passed), tf.transpose(previous)),
            tf.zeros_like(stop[:, 0]),
        )  # [time, batch]
        return stop * tf.transpose(arrived)
    if mode == "parallel":
        # Probability of passing all earlier positions.
        passed = safe_cumprod(1 - stop, axis=1, exclusive=True)
        arrived = tf.cumsum(previous / tf.clip_by_value(passed, 1e-10, 1.0), axis=1)
        return stop * passed * arrived
    if mode == "hard":
        # The reader stops at the first position with probability 1 that it has not passed.
        stop *= tf.cumsum(previous, axis=1)
        return stop * tf.math.cumprod(1 - stop, axis=1, exclusive=True)
    raise ValueError(f"Invalid mode {mode!r}: mode must be 'recursive', 'parallel', or 'hard'.")
