"""The protocol that every way of decoding loops over: one step of any model.

A step function takes ids int32[rows], the word before of each row, and a state, any nest of
tensors whose first axis is rows. It returns

    logits             float32[rows, vocab],
    attention_weights  float[rows, source_time]; source_time may be 0 where there is no attention,
    state              of the structure and shapes of the one it was given.

A step function never changes what it was given, so one state may be stepped from twice. With it
come the begin id, fed first, and the end id, after which a row is done.
"""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf


class Step(Protocol):
    """One step of a model; see the module."""

    def __call__(self, ids: tf.Tensor, state: Any) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """The logits, the attention weights and the next state."""


class Decoded(NamedTuple):
    """Sequences found by a search, or followed by teacher forcing.

    Attributes:
        ids: int32[rows, time], 0 after the end.
        length: int32[rows], the end of the reply counted where it was reached.
        log_probabilities: float32[rows, time], of each id given those before it, 0 after the end.
        attention_weights: float32[rows, time, source_time], 0 after the end.
    """

    ids: tf.Tensor
    length: tf.Tensor
    log_probabilities: tf.Tensor
    attention_weights: tf.Tensor

    @property
    def log_probability(self) -> tf.Tensor:
        """float32[rows], of the whole sequence."""
        return tf.reduce_sum(self.log_probabilities, axis=1)
