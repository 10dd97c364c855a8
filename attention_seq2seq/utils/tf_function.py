"""Variants of `tf.function`: without AutoGraph, out of line, thread-safe."""

import threading
from collections.abc import Callable, Sequence

import tensorflow as tf

# Held during tracing, because layers store the attention memory during tracing.
_TRACING_LOCK = threading.RLock()


def graph_function(
    function: Callable, input_signature: Sequence | None = None, **options
) -> tf.types.experimental.GenericFunction:
    """Returns a `tf.function` without AutoGraph.

    AutoGraph rewrites everything that the function calls, so that Python's `if` and `for` may
    depend on tensors. This package does not need that. Without AutoGraph, the first training step
    of a process starts some seconds earlier.

    Args:
        function: a function of tensors.
        input_signature: input signature, as in `tf.function`.
        **options: other arguments of `tf.function`.
    """
    return tf.function(function, input_signature, autograph=False, **options)


def without_autograph(function: Callable) -> Callable:
    """Excludes a function, and the functions that it passes to `tf.data`, from AutoGraph."""
    return tf.autograph.experimental.do_not_convert(function)


def noinline(branch: Callable) -> Callable:
    """Keeps a `tf.cond` branch out of line. An inlined branch costs time even if not taken."""
    return graph_function(branch, experimental_attributes={"_noinline": True})


class LazyConcreteFunction:
    """Thread-safe function of tensors that is traced once, at its first call.

    The lock is acquired before the `tf.function` is called. A `tf.function` holds another lock
    during tracing, and two locks acquired in different orders could deadlock.

    Args:
        function: a function of tensors.
        input_signature: input signature, as in `tf.function`.
    """

    def __init__(self, function: Callable, input_signature: Sequence):
        self._function = graph_function(function, input_signature)
        self._concrete_function = None

    def __call__(self, *args):
        """Calls the function, which is traced in the first call."""
        return self._get_concrete_function()(*args)

    @property
    def output_specs(self):
        """Specs of the outputs, a nest of `tf.TensorSpec`. Traces the function if necessary."""
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
