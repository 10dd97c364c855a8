"""Base class for attention mechanisms: weights from a query and a memory."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.keras_versions import (
    KERAS_3,
    TensorLayer,
    deserialize_layer,
    has_keras_tensor,
    serialize_layer,
)
from attention_seq2seq.seq2seq.memory_mask import (
    MaskedProbabilityFn,
    check_inner_dimensions,
    mask_memory,
)
from attention_seq2seq.seq2seq.probabilities import get_probability_fn


class AttentionMechanism(TensorLayer):
    """Base class for attention mechanisms.

    A mechanism stores a memory, given to the constructor, to `setup_memory` or to a call with
    `setup_memory=True`. Calls with a query then return attention weights. Each thread uses the
    memory that it has set up. Otherwise, it uses the latest memory that any thread has set up
    eagerly or, if there is none, the first one set up in a graph.

    Derived classes implement `_scores` or `_calculate_attention`.

    Args:
        memory: float[batch, source_time, memory_size], usually the outputs of an encoder; None:
            call `setup_memory` later.
        probability_fn: function from scores and the previous state, both
            float[batch, source_time], to attention weights.
        query_layer: layer applied to queries, of as many units as `memory_layer`; None: identity.
        memory_layer: layer applied to the memory; None: identity.
        memory_sequence_length: int[batch], lengths without padding; None: no padding.
        **kwargs: arguments of `keras.layers.Layer`.

    Attributes:
        values: float[batch, source_time, memory_size], the memory, zero at padding.
        keys: float[batch, source_time, units], the output of `memory_layer`.
        batch_size: number of rows of the memory; int32[] if it is not static.

    Call arguments:
        inputs: a query float[batch, query_size] and a state float[batch, source_time]. With
            `setup_memory=True`, a memory and, optionally, its lengths.
        mask: bool[batch, source_time], positions of the memory that may be attended to; used only
            with `setup_memory=True`.
        setup_memory: whether to store a memory.

    Returns:
        The attention weights float[batch, source_time] and the next state; with
        `setup_memory=True`, the masked memory.

    Raises:
        ValueError: a query before a memory, or both lengths and a mask of a memory.
    """

    values = CallAttribute()
    keys = CallAttribute()
    batch_size = CallAttribute()
    probability_fn = CallAttribute()
    _alignments_size = CallAttribute()
    _memory_initialized = CallAttribute(default=False)

    def __init__(
        self,
        memory: tf.Tensor | None,
        probability_fn: Callable,
        query_layer: keras.layers.Layer | None = None,
        memory_layer: keras.layers.Layer | None = None,
        memory_sequence_length: tf.Tensor | None = None,
        **kwargs,
    ):
        self.query_layer = query_layer
        self.memory_layer = memory_layer
        super().__init__(**kwargs)
        self.built = False
        self.default_probability_fn = probability_fn
        self.probability_fn = probability_fn
        self.supports_masking = True
        if memory is not None:
            if KERAS_3 and has_keras_tensor([memory, memory_sequence_length]):
                raise ValueError(
                    f"{type(self).__name__} cannot take a symbolic Keras input as memory with "
                    "Keras 3. Call `setup_memory` with tensors in the `call` method of a "
                    "`keras.Model`."
                )
            has_length = memory_sequence_length is not None
            inputs = [memory, memory_sequence_length] if has_length else memory
            # As a call, so that Keras 2 connects the memory with the outputs of a functional model.
            self.values = AttentionMechanism.__call__(self, inputs, setup_memory=True)

    @property
    def memory_initialized(self) -> bool:
        """Whether there is a memory."""
        return self._memory_initialized

    def build(self, input_shape: Any) -> None:
        """Builds the memory layer from the shape of a memory, then the query layer from a query."""
        if not self._memory_initialized:
            memory_shape = input_shape[0] if isinstance(input_shape, list) else input_shape
            if self.memory_layer is not None and not self.memory_layer.built:
                self.memory_layer.build(memory_shape)
        elif self.query_layer is not None and not self.query_layer.built:
            self.query_layer.build(input_shape[0])

    def __call__(self, inputs, **kwargs):
        """Adds the stored memory to the inputs, and calls the layer."""
        if kwargs.get("setup_memory", False):
            self._memory_initialized = False
            if KERAS_3 and kwargs.get("mask") is None:
                memory = inputs[0] if isinstance(inputs, list | tuple) else inputs
                kwargs["mask"] = getattr(memory, "_keras_mask", None)
        elif self._memory_initialized:
            if len(inputs) not in (2, 3):
                raise ValueError(
                    f"{type(self).__name__} received {len(inputs)} inputs. Expect the inputs to "
                    "have 2 or 3 tensors: a query, a state and, optionally, the memory."
                )
            if len(inputs) == 2:
                # Keras 2 connects the memory with the outputs of a functional model.
                inputs = [*inputs, self.values]
        return super().__call__(inputs, **kwargs)

    def call(self, inputs, mask=None, setup_memory=False, **kwargs):
        """Computes attention weights, or stores a memory."""
        if not setup_memory:
            if not self._memory_initialized:
                raise ValueError(
                    f"{type(self).__name__} has no memory. Cannot query the attention before the "
                    "setup of memory: call `setup_memory` first."
                )
            return self._calculate_attention(inputs[0], inputs[1])
        memory, length = inputs, None
        if isinstance(inputs, list | tuple):
            if len(inputs) not in (1, 2):
                raise ValueError(
                    f"{type(self).__name__} received {len(inputs)} inputs with setup_memory=True. "
                    "Expect inputs to have 1 or 2 tensors: a memory and, optionally, its lengths."
                )
            memory, length = inputs if len(inputs) == 2 else (*inputs, None)
        self.setup_memory(memory, length, mask)
        # The query layer has not been built.
        self.built = False
        return self.values

    def setup_memory(
        self,
        memory: tf.Tensor,
        memory_sequence_length: tf.Tensor | None = None,
        memory_mask: tf.Tensor | None = None,
    ) -> None:
        """Stores a memory.

        Args:
            memory: float[batch, source_time, memory_size].
            memory_sequence_length: int[batch], lengths without padding; None: no padding.
            memory_mask: bool[batch, source_time], positions that may be attended to; None: all.

        Raises:
            ValueError: both lengths and a mask, or unknown inner dimensions of the memory.
        """
        if memory_sequence_length is not None and memory_mask is not None:
            raise ValueError(
                "memory_sequence_length and memory_mask cannot be used at same time for attention. "
                "Pass one of them."
            )
        with tf.name_scope(self.name):
            memory = tf.nest.map_structure(tf.convert_to_tensor, memory)
            tf.nest.map_structure(check_inner_dimensions, memory)
            if memory_sequence_length is not None:
                memory_sequence_length = tf.convert_to_tensor(memory_sequence_length)
                if memory_sequence_length.dtype.is_bool:
                    raise ValueError(
                        "memory_sequence_length is a boolean mask. Expected lengths int[batch]. "
                        "Pass the mask as `memory_mask`."
                    )
                time = tf.shape(tf.nest.flatten(memory)[0])[1]
                memory_mask = tf.sequence_mask(memory_sequence_length, time)
            if memory_mask is not None:
                memory = tf.nest.map_structure(lambda m: mask_memory(m, memory_mask), memory)
                self.probability_fn = MaskedProbabilityFn(
                    self.default_probability_fn, memory_mask, memory_sequence_length
                )
            elif isinstance(self.probability_fn, MaskedProbabilityFn):
                self.probability_fn = self.default_probability_fn
            self.values = memory
            self.keys = memory if self.memory_layer is None else self.memory_layer(memory)
            self.batch_size = self.keys.shape[0] or tf.shape(self.keys)[0]
            self._alignments_size = self.keys.shape[1] or tf.shape(self.keys)[1]
        self._memory_initialized = True

    def _calculate_attention(self, query: tf.Tensor, state: tf.Tensor):
        """Returns float[batch, source_time], the weights of a query, and the next state."""
        weights = self.probability_fn(self._scores(query), state)
        return weights, weights

    def _scores(self, query: tf.Tensor) -> tf.Tensor:
        """Returns float[batch, source_time], the scores of a query float[batch, query_size]."""
        raise NotImplementedError(
            "_calculate_attention need to be implemented by subclasses, or _scores."
        )

    def _process_probability_fn(self, func_name: str) -> Callable:
        return get_probability_fn(func_name)

    def compute_mask(self, inputs, mask=None):
        """Returns no masks: the mask of the memory is not that of the outputs."""
        return None, None

    def get_config(self) -> dict:
        """Returns the config of the layer, without the memory."""
        config = {"memory": None}
        for name in ("query_layer", "memory_layer"):
            layer = getattr(self, name)
            if layer is not None:
                config[name] = serialize_layer(layer)
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None):
        """Creates a mechanism from the config."""
        return cls(**cls.deserialize_inner_layer_from_config(config, custom_objects))

    @classmethod
    def deserialize_inner_layer_from_config(
        cls, config: dict, custom_objects: dict | None = None
    ) -> dict:
        """Returns a config whose query layer and memory layer are layers."""
        config = dict(config)
        for name in ("query_layer", "memory_layer"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_layer(config[name], custom_objects)
        return config

    @property
    def alignments_size(self) -> int | tf.TensorShape:
        """Number of positions of the memory; an unknown shape if it is not static."""
        size = self._alignments_size
        return size if isinstance(size, int) else tf.TensorShape([None])

    @property
    def state_size(self) -> int | tf.TensorShape:
        """Size of the state of the mechanism."""
        return self.alignments_size

    def initial_alignments(self, batch_size: int | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """Returns float[batch, source_time], the attention weights before the first step: zeros."""
        return tf.zeros([batch_size, self._alignments_size], dtype=dtype)

    def initial_state(self, batch_size: int | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """Returns float[batch, source_time], the state before the first step."""
        return self.initial_alignments(batch_size, dtype)


def attend(
    mechanism: AttentionMechanism,
    query: tf.Tensor,
    state: tf.Tensor,
    attention_layer: keras.layers.Layer | None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the attention vector, the attention weights and the next state of a mechanism."""
    weights, next_state = mechanism([query, state])
    context = tf.squeeze(tf.matmul(weights[:, tf.newaxis], mechanism.values), axis=1)
    if attention_layer is None:
        return context, weights, next_state
    return attention_layer(tf.concat([query, context], axis=1)), weights, next_state
