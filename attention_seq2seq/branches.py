"""Branches of a condition that cost nothing where they are not taken."""

from collections.abc import Callable

import tensorflow as tf


def apart(branch: Callable) -> Callable:
    """A branch of a condition that is called: built into the graph, it costs time untaken too."""
    return tf.function(branch, experimental_attributes={"_noinline": True})
