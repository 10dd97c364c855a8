"""Monotonic attention, which reads the memory once, from left to right."""

from typing import Any

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.seq2seq.attention_layers import BahdanauScore, LuongScore
from attention_seq2seq.seq2seq.attention_mechanism import AttentionMechanism
from attention_seq2seq.seq2seq.probabilities import monotonic_attention


class MonotonicMechanism(AttentionMechanism):
    """Adds a bias to scores, and turns them into monotonic attention weights.

    Source:
        Raffel et al.: Online and Linear-Time Attention by Enforcing Monotonic Alignments,
        ICML 2017.
    """

    def __init__(
        self,
        *args,
        sigmoid_noise: float,
        sigmoid_noise_seed: int | None,
        score_bias_init: float,
        mode: str,
        **kwargs,
    ):
        self.sigmoid_noise = sigmoid_noise
        self.sigmoid_noise_seed = sigmoid_noise_seed
        self.score_bias_init = score_bias_init
        self.mode = mode
        self.attention_score_bias = None
        super().__init__(*args, probability_fn=self._monotonic_weights, **kwargs)

    def _add_score_bias(self):
        """Creates the bias of the scores."""
        if self.attention_score_bias is None:
            self.attention_score_bias = self.add_weight(
                name="attention_score_bias",
                shape=(),
                initializer=keras.initializers.Constant(self.score_bias_init),
            )

    def _scores(self, query):
        scores = super()._scores(query)
        return scores + tf.cast(self.attention_score_bias, scores.dtype)

    def _monotonic_weights(self, scores: tf.Tensor, previous_weights: tf.Tensor) -> tf.Tensor:
        """Returns float[batch, source_time], the weights of scores and previous weights."""
        if self.sigmoid_noise > 0:
            noise = tf.random.normal(
                tf.shape(scores), dtype=scores.dtype, seed=self.sigmoid_noise_seed
            )
            scores += self.sigmoid_noise * noise
        if self.mode == "hard":
            stop_probabilities = tf.cast(scores > 0, scores.dtype)
        else:
            stop_probabilities = tf.sigmoid(scores)
        return monotonic_attention(stop_probabilities, previous_weights, self.mode)

    def initial_alignments(self, batch_size, dtype):
        """Returns float[batch, source_time], weights that start at the first position."""
        first_positions = tf.zeros([batch_size], dtype=tf.int32)
        return tf.one_hot(first_positions, self._alignments_size, dtype=dtype)

    def get_config(self):
        """Returns the config of the layer, without the memory."""
        return {
            **super().get_config(),
            "sigmoid_noise": self.sigmoid_noise,
            "sigmoid_noise_seed": self.sigmoid_noise_seed,
            "score_bias_init": self.score_bias_init,
            "mode": self.mode,
        }


class LuongMonotonicAttention(MonotonicMechanism, LuongScore):
    """Monotonic attention with the score of `LuongAttention`.

    Args:
        units: units of the keys; must equal those of the query.
        memory: float[batch, source_time, memory_size], the outputs of the encoder; None: call
            `setup_memory` later.
        memory_sequence_length: int[batch], lengths without padding; None: no padding.
        scale: whether scores are multiplied by a learned scale.
        sigmoid_noise: standard deviation of noise added to the scores in every call. Training with
            noise pushes probabilities towards 0 or 1; 0 disables it.
        sigmoid_noise_seed: seed of the noise.
        score_bias_init: initial bias of the scores; use a negative value for long memories.
        mode: how weights are computed: "parallel", "recursive" (slow, exact) or "hard" (0 or 1).
        dtype: dtype of the layer and its projection.
        name: name of the layer.
        **kwargs: arguments of `keras.layers.Layer`; `memory_layer`, the projection.
    """

    def __init__(
        self,
        units: int,
        memory: tf.Tensor | None = None,
        memory_sequence_length: tf.Tensor | None = None,
        scale: bool = False,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str = "LuongMonotonicAttention",
        **kwargs,
    ):
        self.attention_g = None
        super().__init__(
            units,
            scale,
            dtype,
            memory=memory,
            memory_sequence_length=memory_sequence_length,
            sigmoid_noise=sigmoid_noise,
            sigmoid_noise_seed=sigmoid_noise_seed,
            score_bias_init=score_bias_init,
            mode=mode,
            name=name,
            **kwargs,
        )

    def build(self, input_shape):
        """Creates the scale and the bias."""
        super().build(input_shape)
        # The attribute in checkpoints of `tfa.seq2seq`.
        self.attention_g = self.scale_weight
        self._add_score_bias()


class BahdanauMonotonicAttention(MonotonicMechanism, BahdanauScore):
    """Monotonic attention with the score of `BahdanauAttention`.

    Args:
        units: units of the keys and of the projected query.
        memory: float[batch, source_time, memory_size], the outputs of the encoder; None: call
            `setup_memory` later.
        memory_sequence_length: int[batch], lengths without padding; None: no padding.
        normalize: whether v has a learned length, and the sum a bias (weight normalization).
        sigmoid_noise: standard deviation of noise added to the scores in every call. Training with
            noise pushes probabilities towards 0 or 1; 0 disables it.
        sigmoid_noise_seed: seed of the noise.
        score_bias_init: initial bias of the scores; use a negative value for long memories.
        mode: how weights are computed: "parallel", "recursive" (slow, exact) or "hard" (0 or 1).
        kernel_initializer: initializer of v.
        dtype: dtype of the layer and its projections.
        name: name of the layer.
        **kwargs: arguments of `keras.layers.Layer`; `query_layer` and `memory_layer`, the
            projections.
    """

    def __init__(
        self,
        units: int,
        memory: tf.Tensor | None = None,
        memory_sequence_length: tf.Tensor | None = None,
        normalize: bool = False,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        kernel_initializer: Any = "glorot_uniform",
        dtype: Any = None,
        name: str = "BahdanauMonotonicAttention",
        **kwargs,
    ):
        super().__init__(
            units,
            normalize,
            kernel_initializer,
            dtype,
            memory=memory,
            memory_sequence_length=memory_sequence_length,
            sigmoid_noise=sigmoid_noise,
            sigmoid_noise_seed=sigmoid_noise_seed,
            score_bias_init=score_bias_init,
            mode=mode,
            name=name,
            **kwargs,
        )
