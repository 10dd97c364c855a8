"""How Python becomes graphs."""

import threading
from collections.abc import Callable, Sequence

import tensorflow as tf

# Held while a graph is traced: layers keep what is attended to while they build one.
_TRACING = threading.RLock()


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


class TracedOnce:
    """A function of tensors that is traced at its first call, by one thread of all at a time.

    The lock is taken before the `tf.function` is entered: while it traces, a `tf.function` holds a
    lock of its own, and two locks taken in two orders would wait for each other for ever.

    Args:
        function: of tensors.
        input_signature: see `tf.function`.
    """

    def __init__(self, function: Callable, input_signature: Sequence):
        self._function = traced(function, input_signature)
        self._concrete = None

    def __call__(self, *arguments):
        """What the function gives."""
        if self._concrete is None:
            with _TRACING:
                self._concrete = self._concrete or self._function.get_concrete_function()
        return self._concrete(*arguments)

    @property
    def num_traces(self) -> int:
        """How often the function was traced."""
        return self._function.experimental_get_tracing_count()
