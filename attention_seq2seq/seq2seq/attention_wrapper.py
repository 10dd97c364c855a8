"""Recurrent cell that attends to a memory after each step."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.attention_layers import BahdanauAttention, LuongAttention
from attention_seq2seq.seq2seq.attention_mechanism import AttentionMechanism, attend
from attention_seq2seq.seq2seq.attention_wrapper_state import AttentionWrapperState
from attention_seq2seq.seq2seq.keras_versions import (
    RecurrentCell,
    output_shape,
    require_cell,
    zero_state,
)
from attention_seq2seq.seq2seq.monotonic_attention_layers import (
    BahdanauMonotonicAttention,
    LuongMonotonicAttention,
)
from attention_seq2seq.seq2seq.probabilities import hardmax, monotonic_attention, safe_cumprod

__all__ = [
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BahdanauMonotonicAttention",
    "LuongAttention",
    "LuongMonotonicAttention",
    "hardmax",
    "monotonic_attention",
    "safe_cumprod",
]


class AttentionWrapper(RecurrentCell):
    """Wraps a recurrent cell with attention (input feeding).

    The cell reads the inputs and the attention vector of the previous step. Its output is the
    query. The attention layer turns query and context into the attention vector:

        query, cell_state = cell(cell_input_fn(inputs, attention), cell_state)
        alignments = attention_mechanism(query)
        context = sum of alignments * memory
        attention = attention_layer([query; context])

    For beam search, tile the memory, its lengths and the cell state with `tile_batch`, and call
    `get_initial_state` with `batch_size * beam_width`.

    Args:
        cell: the recurrent cell.
        attention_mechanism: a mechanism, or a list of mechanisms whose attention vectors are
            concatenated.
        attention_layer_size: units of the attention layer, without bias; None: the context is the
            attention vector. A list for a list of mechanisms.
        alignment_history: whether the state keeps the attention weights of all steps, as a
            time-major `TensorArray`.
        cell_input_fn: function from the inputs and the attention vector to the input of the cell;
            None: their concatenation.
        output_attention: whether the output is the attention vector (as in Luong et al. 2015), or
            the output of the cell (as in Bahdanau et al. 2015).
        initial_cell_state: cell state returned by `get_initial_state`; None: that of the cell.
        name: name of the layer.
        attention_layer: layer from [query; context] to the attention vector, in place of
            `attention_layer_size`. A list for a list of mechanisms.
        attention_fn: function from the mechanism, the query, the state of the mechanism and the
            attention layer to the attention vector, the attention weights and the next state.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float[batch, input_size], inputs of the step.
        state: `AttentionWrapperState`.
        **kwargs: arguments of the cell, such as `training`.

    Returns:
        The attention vector float[batch, attention_size] or the output of the cell, and the next
        `AttentionWrapperState`.

    Raises:
        TypeError: a cell, a mechanism or a state of a wrong type.
        ValueError: both `attention_layer_size` and `attention_layer`, different numbers of layers
            and mechanisms, a mechanism without memory, or no batch size.

    Example:
        >>> memory = tf.ones([2, 5, 4])
        >>> mechanism = LuongAttention(4, memory, memory_sequence_length=[5, 3])
        >>> cell = AttentionWrapper(keras.layers.LSTMCell(4), mechanism, attention_layer_size=3)
        >>> state = cell.get_initial_state(batch_size=2, dtype=tf.float32)
        >>> output, state = cell(tf.ones([2, 6]), state)
        >>> output.shape, state.alignments.shape
        (TensorShape([2, 3]), TensorShape([2, 5]))
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        attention_mechanism: AttentionMechanism | list[AttentionMechanism],
        attention_layer_size: int | list[int] | None = None,
        alignment_history: bool = False,
        cell_input_fn: Callable | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: keras.layers.Layer | list[keras.layers.Layer] | None = None,
        attention_fn: Callable | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        require_cell(cell)
        self._is_multi = isinstance(attention_mechanism, list | tuple)
        mechanisms = list(attention_mechanism) if self._is_multi else [attention_mechanism]
        if not all(isinstance(mechanism, AttentionMechanism) for mechanism in mechanisms):
            raise TypeError(f"Expected one or more AttentionMechanisms, received {mechanisms}.")
        if attention_layer_size is not None and attention_layer is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set.")
        layers = None
        if attention_layer_size is not None:
            sizes = _as_list(attention_layer_size, len(mechanisms), "attention_layer_size")
            layers = [
                keras.layers.Dense(
                    size, name="attention_layer", use_bias=False, dtype=kwargs.get("dtype")
                )
                for size in sizes
            ]
        elif attention_layer is not None:
            layers = _as_list(attention_layer, len(mechanisms), "attention_layer")
        self._attention_layers = layers
        self._attention_fn = attention_fn or attend
        self._cell = cell
        self._attention_mechanisms = mechanisms
        self._cell_input_fn = cell_input_fn or (lambda *parts: tf.concat(parts, axis=-1))
        self._output_attention = output_attention
        self._alignment_history = alignment_history
        self._initial_cell_state = initial_cell_state
        if initial_cell_state is not None:
            state = tf.nest.flatten(initial_cell_state)[-1]
            rows = state.shape[0] or tf.shape(state)[0]
            checks = self._batch_size_checks(rows, self._message("initial_cell_state"))
            self._initial_cell_state = _with_checks(checks, initial_cell_state)

    @property
    def output_size(self) -> int:
        """Width of the output."""
        return (
            self._get_attention_layer_size() if self._output_attention else self._cell.output_size
        )

    @property
    def state_size(self) -> AttentionWrapperState:
        """Sizes of the state, as an `AttentionWrapperState`."""
        mechanisms = self._attention_mechanisms
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            attention=self._get_attention_layer_size(),
            alignments=self._item_or_tuple(m.alignments_size for m in mechanisms),
            alignment_history=self._item_or_tuple(
                m.alignments_size if self._alignment_history else () for m in mechanisms
            ),
            attention_state=self._item_or_tuple(m.state_size for m in mechanisms),
        )

    def get_initial_state(
        self,
        inputs: tf.Tensor | None = None,
        batch_size: int | tf.Tensor | None = None,
        dtype: tf.DType | None = None,
    ) -> AttentionWrapperState:
        """Returns the state before the first step.

        Args:
            inputs: float[batch, ...], from which batch size and dtype are taken.
            batch_size: number of rows.
            dtype: dtype of the state.

        Raises:
            ValueError: a mechanism has no memory, or the batch size is unknown.
            tf.errors.InvalidArgumentError: another number of rows than the memory has.
        """
        if inputs is not None:
            batch_size = tf.shape(inputs)[0]
            dtype = inputs.dtype
        if batch_size is None:
            raise ValueError("The batch size is unknown. Pass `inputs` or `batch_size`.")
        dtype = dtype or self.compute_dtype
        with tf.name_scope(f"{type(self).__name__}ZeroState"):
            cell_state = self._initial_cell_state
            if cell_state is None:
                cell_state = zero_state(self._cell, batch_size, dtype)
            checks = self._batch_size_checks(batch_size, self._message("requested batch size"))
            mechanisms = self._attention_mechanisms
            alignments = [m.initial_alignments(batch_size, dtype) for m in mechanisms]
            history = [
                tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=weights.shape)
                if self._alignment_history
                else ()
                for weights in alignments
            ]
            return AttentionWrapperState(
                cell_state=_with_checks(checks, cell_state),
                attention=tf.zeros([batch_size, self._get_attention_layer_size()], dtype),
                alignments=self._item_or_tuple(alignments),
                alignment_history=self._item_or_tuple(history),
                attention_state=self._item_or_tuple(
                    m.initial_state(batch_size, dtype) for m in mechanisms
                ),
            )

    def call(self, inputs, state, **kwargs):
        """Computes one step."""
        if not isinstance(state, AttentionWrapperState):
            state = AttentionWrapperState.from_fields(state)
        query, cell_state = self._cell(
            self._cell_input_fn(inputs, state.attention), state.cell_state, **kwargs
        )
        cell_state = tf.nest.pack_sequence_as(state.cell_state, tf.nest.flatten(cell_state))
        rows = query.shape[0] or tf.shape(query)[0]
        checks = self._batch_size_checks(rows, self._message("query"))
        query = _with_checks(checks, query)

        mechanisms = self._attention_mechanisms
        attention_states, histories = state.attention_state, state.alignment_history
        if not self._is_multi:
            attention_states, histories = [attention_states], [histories]
        layers = self._attention_layers or [None] * len(mechanisms)
        attentions, alignments, next_states = zip(
            *(
                self._attention_fn(mechanism, query, attention_state, layer)
                for mechanism, attention_state, layer in zip(mechanisms, attention_states, layers)
            )
        )
        if self._alignment_history:
            histories = [
                history.write(history.size(), weights)
                for history, weights in zip(histories, alignments)
            ]
        attention = tf.concat(attentions, axis=1)
        next_state = AttentionWrapperState(
            cell_state=cell_state,
            attention=attention,
            alignments=self._item_or_tuple(alignments),
            alignment_history=self._item_or_tuple(histories),
            attention_state=self._item_or_tuple(next_states),
        )
        return (attention if self._output_attention else query), next_state

    def _attention_mechanisms_checks(self) -> None:
        for mechanism in self._attention_mechanisms:
            if not mechanism.memory_initialized:
                raise ValueError(
                    f"{mechanism.name!r} has no memory. It should be initialized with a memory "
                    "first: pass `memory` to the constructor, or call `setup_memory`."
                )

    def _batch_size_checks(self, batch_size: int | tf.Tensor, error_message: str) -> list:
        """Returns assertions that the memory of each mechanism has the number of rows."""
        self._attention_mechanisms_checks()
        return [
            tf.debugging.assert_equal(batch_size, mechanism.batch_size, message=error_message)
            for mechanism in self._attention_mechanisms
        ]

    def _message(self, name: str) -> str:
        return (
            f"Non-matching batch sizes between the memory (encoder output) and {name} of "
            f"{self.name}. For beams, use tile_batch and get_initial_state(batch * beams, ...)."
        )

    def _get_attention_layer_size(self) -> int:
        """Returns the width of the attention vector."""
        self._attention_mechanisms_checks()
        sizes = [mechanism.values.shape[-1] for mechanism in self._attention_mechanisms]
        if self._attention_layers is not None:
            sizes = [
                output_shape(layer, self._cell.output_size + size)[-1]
                for layer, size in zip(self._attention_layers, sizes)
            ]
        return sum(sizes)

    def _item_or_tuple(self, items) -> Any:
        """Returns the items as a tuple, or the only one if the mechanism was not in a list."""
        items = tuple(items)
        return items if self._is_multi else items[0]


def _as_list(values: Any, count: int, name: str) -> list:
    values = list(values) if isinstance(values, list | tuple) else [values]
    if len(values) != count:
        raise ValueError(
            f"If provided, {name} must contain exactly one element per attention_mechanism, saw: "
            f"{len(values)} vs {count}."
        )
    return values


def _with_checks(checks: list, values: Any) -> Any:
    """Returns nested tensors that depend on assertions."""
    with tf.control_dependencies(checks):
        return tf.nest.map_structure(tf.identity, values)
