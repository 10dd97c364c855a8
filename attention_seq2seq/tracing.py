"""How Python becomes graphs."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def traced(
    function: Callable, input_signature: Sequence | None = None, **options
) -> tf.types.experimental.GenericFunction:
    """A function that is traced as it stands.

    `tf.function` alone would have AutoGraph rewrite all that it calls first, so that Python's `if`
    and `for` may depend on tensors. Here they never do, and the first training of a process is
    some seconds sooner at its first update.

    Args:
        function: of tensors.
        input_signature: see `tf.function`.
        **options: see there.
    """
    return tf.function(function, input_signature, autograph=False, **options)


def as_it_stands(function: Callable) -> Callable:
    """A function whose own functions, those of a dataset's stages say, are traced as they stand."""
    return tf.autograph.experimental.do_not_convert(function)


def apart(branch: Callable) -> Callable:
    """A branch of a condition that is called: built into the graph, it costs time untaken too."""
    return traced(branch, experimental_attributes={"_noinline": True})
