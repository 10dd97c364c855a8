"""Variants of `tf.function`: without AutoGraph, out of line, thread-safe."""

import threading
from collections.abc import Callable, Sequence

import tensorflow as tf

# Held while a graph is traced: layers store the attention memory while they are traced.
_TRACING_LOCK = threading.RLock()


def graph_function(
    function: Callable, input_signature: Sequence | None = None, **options
) -> tf.types.experimental.GenericFunction:
    """Returns a `tf.function` without AutoGraph.

    AutoGraph first rewrites everything that the function calls, so that Python's `if` and `for`
    may depend on tensors. Here they never do. Without AutoGraph the first training step of a
    process starts some seconds earlier.

    Args:
        function: a function of tensors.
        input_signature: see `tf.function`.
        **options: further arguments of `tf.function`.
    """
    return tf.function(function, input_signature, autograph=False, **options)


def without_autograph(function: Callable) -> Callable:
    """Decorates a function so that AutoGraph skips it and the functions it passes to `tf.data`."""
    return tf.autograph.experimental.do_not_convert(function)


def noinline(branch: Callable) -> Callable:
    """Keeps a `tf.cond` branch out of line. An inlined branch costs time even if not taken."""
    return graph_function(branch, experimental_attributes={"_noinline": True})


class LazyConcreteFunction:
    """A function of tensors that is traced once, at its first call, whichever thread calls it.

    The lock is taken before the `tf.function` is entered: while it traces, a `tf.function` holds
    another lock, and two locks taken in different orders could deadlock.

    Args:
        function: a function of tensors.
        input_signature: see `tf.function`.
    """

    def __init__(self, function: Callable, input_signature: Sequence):
        self._function = graph_function(function, input_signature)
        self._concrete_function = None

    def __call__(self, *args):
        """Calls the function, and traces it first if this is the first call."""
        return self._get_concrete_function()(*args)

    @property
    def output_specs(self):
        """The outputs as a nest of `tf.TensorSpec`. Traces the function if it has no trace yet."""
        return tf.nest.map_structure(
            lambda output: tf.TensorSpec(output.shape, output.dtype),
            self._get_concrete_function().structured_outputs,
        )

    @property
    def num_traces(self) -> int:
        """Number of times the function was traced."""
        return self._function.experimental_get_tracing_count()

    def _get_concrete_function(self):
        if self._concrete_function is None:
            with _TRACING_LOCK:
                self._concrete_function = (
                    self._concrete_function or self._function.get_concrete_function()
                )
        return self._concrete_function
