"""Attention mechanisms, which turn a query and a memory into attention weights."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import keras


class AttentionMechanism(keras.layers.Layer):
    """Base class of attention mechanisms: weights from the scores of a query and all keys.

    `setup_memory` stores a memory in the layer, as in `tfa.seq2seq`. A call then returns the
    attention weights of a query.

    Args:
        units: width of the keys and of queries.
        has_query_layer: whether queries are projected.
        name: name of the layer.

    Attributes:
        values: float[batch, time, memory_size], the memory, zero at padding.
        keys: float[batch, time, units], the projected memory.
        batch_size: int32[], number of rows of the memory.
        probability_fn: function from scores and previous weights, both float[batch, time], to
            weights.

    Call arguments:
        inputs: a query float[batch, units] and the previous attention weights float[batch, time].

    Returns:
        The attention weights float[batch, time], twice: the second is the next state.
    """

    def __init__(self, units: int, has_query_layer: bool, name: str):
        super().__init__(name=name)
        self.units = units
        self.memory_layer = keras.layers.Dense(units, use_bias=False, name="memory_layer")
        self.query_layer = None
        if has_query_layer:
            self.query_layer = keras.layers.Dense(units, use_bias=False, name="query_layer")
        self.values = self.keys = self.batch_size = None
        self.probability_fn = self.default_probability_fn

    def build(self, memory_shape: Sequence[int | None]) -> None:
        """Creates the weights for a memory [batch, time, memory_size]."""
        if not self.memory_layer.built:
            self.memory_layer.build([None, None, memory_shape[-1]])
        if self.query_layer is not None and not self.query_layer.built:
            self.query_layer.build([None, self.units])
        self.add_score_weights()
        self.built = True

    def add_score_weights(self) -> None:
        """Creates the weights of the score function."""

    def setup_memory(
        self, memory: tf.Tensor, memory_sequence_length: tf.Tensor | None = None
    ) -> None:
        """Stores the memory of the following calls.

        Args:
            memory: float[batch, time, memory_size].
            memory_sequence_length: int[batch], number of positions that may be attended to; None:
                all.
        """
        if not self.built:
            self.build(memory.shape)
        self.probability_fn = self.default_probability_fn
        if memory_sequence_length is not None:
            mask = tf.sequence_mask(memory_sequence_length, tf.shape(memory)[1])  # [batch, time]
            memory *= tf.cast(mask, memory.dtype)[:, :, tf.newaxis]
            self.probability_fn = _mask_padding(self.default_probability_fn, mask)
        self.values = memory
        self.keys = self.memory_layer(memory)
        self.batch_size = tf.shape(memory)[0]

    def call(self, inputs):
        """Computes the attention weights of a query."""
        query, previous_weights = inputs
        weights = self.probability_fn(self.scores(query), previous_weights)
        return weights, weights

    def scores(self, query: tf.Tensor) -> tf.Tensor:
        """Returns float[batch, time], the scores of a query float[batch, units]."""
        raise NotImplementedError

    def default_probability_fn(self, scores: tf.Tensor, previous_weights: tf.Tensor) -> tf.Tensor:
        """Returns the attention weights float[batch, time] of scores, here the softmax."""
        return tf.nn.softmax(scores)


class LuongAttention(AttentionMechanism):
    """Multiplicative attention: the score of a key is its product with the query.

    Args:
        units: width of the keys and the query.
        scale: whether scores are multiplied by a learned scale.
        name: name of the layer.

    Source:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation,
        EMNLP 2015, eq. 8, "general".

    Example:
        >>> attention = LuongAttention(2)
        >>> attention.setup_memory(tf.ones([1, 3, 2]), tf.constant([2]))
        >>> weights, _ = attention([tf.ones([1, 2]), tf.zeros([1, 3])])
        >>> weights.numpy().tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(self, units: int, *, scale: bool = False, name: str = "LuongAttention"):
        super().__init__(units, False, name)
        self.scale = scale
        self.scale_weight = None

    def add_score_weights(self):
        """Creates the scale."""
        if self.scale:
            self.scale_weight = self.add_weight(name="attention_g", shape=(), initializer="ones")

    def scores(self, query):
        """Returns the products of the query and the keys."""
        scores = tf.squeeze(tf.matmul(query[:, tf.newaxis], self.keys, transpose_b=True), axis=1)
        return self.scale_weight * scores if self.scale else scores


class BahdanauAttention(AttentionMechanism):
    """Additive attention: the score of a key is v tanh(key + projected query).

    Args:
        units: width of the keys and the query.
        normalize: whether v has a learned length, and the sum a bias.
        name: name of the layer.

    Source:
        Bahdanau, Cho, Bengio: Neural Machine Translation by Jointly Learning to Align and
        Translate, ICLR 2015. Salimans and Kingma: Weight Normalization, NIPS 2016.
    """

    def __init__(self, units: int, *, normalize: bool = False, name: str = "BahdanauAttention"):
        super().__init__(units, True, name)
        self.normalize = normalize
        self.attention_v = self.attention_g = self.attention_b = None

    def add_score_weights(self):
        """Creates v, its length and the bias."""
        self.attention_v = self.add_weight(
            name="attention_v", shape=[self.units], initializer="glorot_uniform"
        )
        if self.normalize:
            length = keras.initializers.Constant(math.sqrt(1 / self.units))
            self.attention_g = self.add_weight(name="attention_g", shape=(), initializer=length)
            self.attention_b = self.add_weight(
                name="attention_b", shape=[self.units], initializer="zeros"
            )

    def scores(self, query):
        """Returns the products of v and the hyperbolic tangents of the sums."""
        v = tf.convert_to_tensor(self.attention_v)
        sums = self.keys + self.query_layer(query)[:, tf.newaxis]  # [batch, time, units]
        if self.normalize:
            v = self.attention_g * v * tf.math.rsqrt(tf.reduce_sum(tf.square(v)))
            sums += self.attention_b
        return tf.reduce_sum(v * tf.tanh(sums), axis=2)


class _MonotonicAttention(AttentionMechanism):
    """Adds a score bias, and weights that only move to the right."""

    attention_score_bias = None

    def add_score_weights(self):
        """Creates the weights of the score function and the score bias."""
        super().add_score_weights()
        self.attention_score_bias = self.add_weight(
            name="attention_score_bias", shape=(), initializer="zeros"
        )

    def scores(self, query):
        """Returns the scores plus the score bias."""
        return super().scores(query) + self.attention_score_bias

    def default_probability_fn(self, scores, previous_weights):
        """Returns the expected weights of a reader that may stop at each position."""
        return monotonic_attention(tf.sigmoid(scores), previous_weights)


class LuongMonotonicAttention(_MonotonicAttention, LuongAttention):
    """Monotonic attention with the score of `LuongAttention`.

    Args:
        units: width of the keys and the query.
        scale: whether scores are multiplied by a learned scale.
        name: name of the layer.
    """

    def __init__(self, units: int, *, scale: bool = False, name: str = "LuongMonotonicAttention"):
        super().__init__(units, scale=scale, name=name)


class BahdanauMonotonicAttention(_MonotonicAttention, BahdanauAttention):
    """Monotonic attention with the score of `BahdanauAttention`.

    Args:
        units: width of the keys and the query.
        normalize: whether v has a learned length, and the sum a bias.
        name: name of the layer.
    """

    def __init__(
        self, units: int, *, normalize: bool = False, name: str = "BahdanauMonotonicAttention"
    ):
        super().__init__(units, normalize=normalize, name=name)


def monotonic_attention(stop_probabilities: tf.Tensor, previous_weights: tf.Tensor) -> tf.Tensor:
    """Returns the expected attention weights of a reader that never turns back.

    In each step, the reader starts where it stopped before, and stops at each position with its
    probability. The weights sum to less than 1 if it may read past the end.

    Args:
        stop_probabilities: float[batch, time], in [0, 1].
        previous_weights: float[batch, time], weights of the step before.

    Source:
        Raffel et al.: Online and Linear-Time Attention by Enforcing Monotonic Alignments,
        ICML 2017, eq. 11.

    Example:
        >>> stop, previous = tf.constant([[0.5, 0.5, 1.0]]), tf.constant([[0.0, 1.0, 0.0]])
        >>> monotonic_attention(stop, previous).numpy().tolist()
        [[0.0, 0.5, 0.5]]
    """
    tiny = np.finfo(stop_probabilities.dtype.as_numpy_dtype).tiny
    log_pass = tf.math.log(tf.clip_by_value(1 - stop_probabilities, tiny, 1))
    # Probability of passing all positions before this one.
    passed = tf.exp(tf.cumsum(log_pass, axis=1, exclusive=True))
    arrived = tf.cumsum(previous_weights / tf.clip_by_value(passed, 1e-10, 1.0), axis=1)
    return stop_probabilities * passed * arrived


def _mask_padding(probability_fn: Callable, mask: tf.Tensor) -> Callable:
    """Wraps a function from scores to weights, so that padding has no weight."""
    return lambda scores, previous_weights: probability_fn(
        tf.where(mask, scores, scores.dtype.min), previous_weights
    )
