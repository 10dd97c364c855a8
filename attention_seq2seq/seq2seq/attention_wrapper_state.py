"""State of the attention wrapper between two steps."""

from typing import Any, NamedTuple

import tensorflow as tf


class AttentionWrapperState(NamedTuple):
    """State of an `AttentionWrapper` between two steps.

    With a list of mechanisms, `alignments`, `alignment_history` and `attention_state` are tuples.

    Attributes:
        cell_state: state of the wrapped cell.
        attention: float[batch, attention_size], the attention vector.
        alignments: float[batch, source_time], the attention weights.
        alignment_history: `TensorArray` of the attention weights of all steps, or ().
        attention_state: state of the attention mechanism, float[batch, source_time].
    """

    cell_state: Any
    attention: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    @classmethod
    def from_fields(cls, fields: Any) -> "AttentionWrapperState":
        """Returns the state with the fields of a sequence.

        Raises:
            TypeError: the value is no sequence of five fields.
        """
        try:
            return cls(*fields)
        except TypeError as error:
            raise TypeError(
                "Expected state to be instance of AttentionWrapperState or values that can "
                f"construct AttentionWrapperState. Received type {type(fields)} instead."
            ) from error

    def clone(self, **fields) -> "AttentionWrapperState":
        """Returns a copy with some fields replaced by values of the same shapes.

        Args:
            **fields: new values, such as `cell_state=[h, c]`. They get the structure of the old
                values, which differs between Keras 2 and Keras 3.

        Raises:
            ValueError: a wrong number of tensors or, eagerly, a wrong shape.
            tf.errors.InvalidArgumentError: in a graph, a wrong shape.
        """
        fields = {
            name: tf.nest.pack_sequence_as(getattr(self, name), tf.nest.flatten(value))
            for name, value in fields.items()
        }
        return tf.nest.map_structure(_with_shape_of, self, self._replace(**fields))


def _with_shape_of(old: Any, new: Any) -> Any:
    if not isinstance(old, tf.Tensor) or not isinstance(new, tf.Tensor):
        return new
    if not tf.executing_eagerly():
        with tf.control_dependencies([tf.debugging.assert_equal(tf.shape(new), tf.shape(old))]):
            return tf.identity(new)
    if old.shape != new.shape:
        raise ValueError(
            "The shape of the AttentionWrapperState is expected to be same as the one to clone. "
            f"self.shape: {old.shape}, input.shape: {new.shape}"
        )
    return new
