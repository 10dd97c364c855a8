"""Luong and Bahdanau attention."""

import math
from typing import Any

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.attention_mechanism import AttentionMechanism
from attention_seq2seq.seq2seq.keras_versions import serialize_initializer


class LuongScore(AttentionMechanism):
    """Multiplicative score: the product of a key and the query, optionally scaled.

    Source:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation,
        EMNLP 2015, eq. 8, "general".
    """

    def __init__(self, units: int, scale: bool, dtype: Any, memory_layer=None, **kwargs):
        self.units = units
        self.scale = scale
        self.scale_weight = None
        super().__init__(
            memory_layer=memory_layer or projection(units, "memory_layer", dtype),
            dtype=dtype,
            **kwargs,
        )

    def build(self, input_shape):
        """Creates the scale."""
        super().build(input_shape)
        if self.scale and self.scale_weight is None:
            self.scale_weight = self.add_weight(name="attention_g", shape=(), initializer="ones")
        self.built = True

    def _scores(self, query):
        _check_keys(self.keys)
        if query.shape[-1] != self.keys.shape[-1]:
            raise ValueError(
                "Incompatible or unknown inner dimensions between query and keys: a query of shape "
                f"{query.shape} does not match keys of shape {self.keys.shape}. Create "
                f"{type(self).__name__} with the units of the query."
            )
        scores = tf.squeeze(tf.matmul(query[:, tf.newaxis], self.keys, transpose_b=True), axis=1)
        return tf.cast(self.scale_weight, scores.dtype) * scores if self.scale else scores

    def get_config(self):
        """Returns the config of the layer, without the memory."""
        return {**super().get_config(), "units": self.units, "scale": self.scale}


class BahdanauScore(AttentionMechanism):
    """Additive score: v tanh(key + projected query), optionally normalized.

    A normalized score has a v of learned length, and a bias in the sum.

    Source:
        Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
        Translate, ICLR 2015. Salimans and Kingma: Weight Normalization, NIPS 2016.
    """

    def __init__(
        self,
        units: int,
        normalize: bool,
        kernel_initializer: Any,
        dtype: Any,
        query_layer=None,
        memory_layer=None,
        **kwargs,
    ):
        self.units = units
        self.normalize = normalize
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.attention_v = self.attention_g = self.attention_b = None
        super().__init__(
            query_layer=query_layer or projection(units, "query_layer", dtype),
            memory_layer=memory_layer or projection(units, "memory_layer", dtype),
            dtype=dtype,
            **kwargs,
        )

    def build(self, input_shape):
        """Creates v, and its length and the bias of a normalized score."""
        super().build(input_shape)
        if self.attention_v is None:
            self.attention_v = self.add_weight(
                name="attention_v", shape=[self.units], initializer=self.kernel_initializer
            )
            self._add_score_bias()
        if self.normalize and self.attention_g is None:
            length = keras.initializers.Constant(math.sqrt(1 / self.units))
            self.attention_g = self.add_weight(name="attention_g", shape=(), initializer=length)
            self.attention_b = self.add_weight(
                name="attention_b", shape=[self.units], initializer="zeros"
            )
        self.built = True

    def _add_score_bias(self) -> None:
        """Creates the bias of monotonic attention; other attention has none."""

    def _scores(self, query):
        _check_keys(self.keys)
        query = self.query_layer(query)[:, tf.newaxis]  # [batch, 1, units]
        v = tf.cast(self.attention_v, query.dtype)
        sums = self.keys + query  # [batch, source_time, units]
        if self.normalize:
            v = tf.cast(self.attention_g, v.dtype) * v * tf.math.rsqrt(tf.reduce_sum(tf.square(v)))
            sums += tf.cast(self.attention_b, sums.dtype)
        return tf.reduce_sum(v * tf.tanh(sums), axis=2)

    def get_config(self):
        """Returns the config of the layer, without the memory."""
        return {
            **super().get_config(),
            "units": self.units,
            "normalize": self.normalize,
            "kernel_initializer": serialize_initializer(self.kernel_initializer),
        }


class LuongAttention(LuongScore):
    """Multiplicative attention (Luong et al. 2015).

    Args:
        units: units of the keys; must equal those of the query.
        memory: float[batch, source_time, memory_size], the outputs of the encoder; None: call
            `setup_memory` later.
        memory_sequence_length: int[batch], lengths without padding; None: no padding.
        scale: whether scores are multiplied by a learned scale.
        probability_fn: name of the function from scores to weights, "softmax" or "hardmax".
        dtype: dtype of the layer and its projection.
        name: name of the layer.
        **kwargs: arguments of `keras.layers.Layer`; `memory_layer`, the projection.

    Raises:
        ValueError: unknown probability function, or different units of the query and the keys.

    Example:
        >>> attention = LuongAttention(2)
        >>> attention.setup_memory(tf.ones([1, 3, 2]), tf.constant([2]))
        >>> weights, _ = attention([tf.ones([1, 2]), tf.zeros([1, 3])])
        >>> weights.numpy().tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(
        self,
        units: int,
        memory: tf.Tensor | None = None,
        memory_sequence_length: tf.Tensor | None = None,
        scale: bool = False,
        probability_fn: str = "softmax",
        dtype: Any = None,
        name: str = "LuongAttention",
        **kwargs,
    ):
        self.probability_fn_name = probability_fn
        score_fn = self._process_probability_fn(probability_fn)
        super().__init__(
            units,
            scale,
            dtype,
            memory=memory,
            memory_sequence_length=memory_sequence_length,
            probability_fn=lambda scores, state: score_fn(scores),
            name=name,
            **kwargs,
        )

    def get_config(self):
        """Returns the config of the layer, without the memory."""
        return {**super().get_config(), "probability_fn": self.probability_fn_name}


class BahdanauAttention(BahdanauScore):
    """Additive attention, v tanh(keys + projected query) (Bahdanau et al. 2015).

    Args:
        units: units of the keys and of the projected query.
        memory: float[batch, source_time, memory_size], the outputs of the encoder; None: call
            `setup_memory` later.
        memory_sequence_length: int[batch], lengths without padding; None: no padding.
        normalize: whether v has a learned length, and the sum a bias (weight normalization).
        probability_fn: name of the function from scores to weights, "softmax" or "hardmax".
        kernel_initializer: initializer of v.
        dtype: dtype of the layer and its projections.
        name: name of the layer.
        **kwargs: arguments of `keras.layers.Layer`; `query_layer` and `memory_layer`, the
            projections.

    Raises:
        ValueError: unknown probability function.
    """

    def __init__(
        self,
        units: int,
        memory: tf.Tensor | None = None,
        memory_sequence_length: tf.Tensor | None = None,
        normalize: bool = False,
        probability_fn: str = "softmax",
        kernel_initializer: Any = "glorot_uniform",
        dtype: Any = None,
        name: str = "BahdanauAttention",
        **kwargs,
    ):
        self.probability_fn_name = probability_fn
        score_fn = self._process_probability_fn(probability_fn)
        super().__init__(
            units,
            normalize,
            kernel_initializer,
            dtype,
            memory=memory,
            memory_sequence_length=memory_sequence_length,
            probability_fn=lambda scores, state: score_fn(scores),
            name=name,
            **kwargs,
        )

    def get_config(self):
        """Returns the config of the layer, without the memory."""
        return {**super().get_config(), "probability_fn": self.probability_fn_name}


def projection(units: int, name: str, dtype: Any) -> keras.layers.Dense:
    """Returns the layer that projects keys or queries."""
    return keras.layers.Dense(units, name=name, use_bias=False, dtype=dtype)


def _check_keys(keys: tf.Tensor) -> None:
    if keys.shape.rank != 3:
        raise ValueError(
            f"The keys have shape {keys.shape}. Expected [batch, source_time, units]. Set up a "
            "memory with these axes."
        )
