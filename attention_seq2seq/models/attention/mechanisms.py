"""Attention mechanisms, and the memory that they attend to."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention.backend import seq2seq


class Memory(NamedTuple):
    """Attention memory, set up once for a whole reply.

    Attributes:
        values: float[batch, source_time, units], the encoder outputs, zero at padding.
        keys: float[batch, source_time, units], the projected values W_a h_s.
        mask: bool[batch, source_time], True at tokens, False at padding.
    """

    values: tf.Tensor
    keys: tf.Tensor
    mask: tf.Tensor


# Names of weights that some mechanisms have, and their attributes in the layers.
MECHANISM_VARIABLES = {
    "scale": "scale_weight",
    "attention_v": "attention_v",
    "attention_g": "attention_g",
    "attention_b": "attention_b",
    "score_bias": "attention_score_bias",
}


def make_mechanism(config: ModelConfig):
    """Creates the attention mechanism named by the config."""
    units = config.units
    match config.attention:
        case "bahdanau" | "normed_bahdanau":
            return seq2seq.BahdanauAttention(units, normalize=config.attention == "normed_bahdanau")
        case "luong_monotonic":
            return seq2seq.LuongMonotonicAttention(units)
        case "bahdanau_monotonic":
            return seq2seq.BahdanauMonotonicAttention(units)
    return seq2seq.LuongAttention(units, scale=config.attention == "scaled_luong")


def initial_alignments(memory: Memory) -> tf.Tensor:
    """Returns float[batch, source_time] that starts monotonic attention at the first token."""
    rows, source_time = tf.unstack(tf.shape(memory.values)[:2])
    return tf.one_hot(tf.zeros([rows], tf.int32), source_time, dtype=memory.values.dtype)


def mask_scores(probability_fn, mask: tf.Tensor):
    """Wraps the function from scores to weights, so that padding has exactly zero weight."""

    def probabilities(scores, previous_alignments):
        scores = tf.where(mask, scores, scores.dtype.min)
        # Without a static rank, TensorFlow's cost model logs a line in each run.
        return probability_fn(tf.ensure_shape(scores, [None, None]), previous_alignments)

    return probabilities
