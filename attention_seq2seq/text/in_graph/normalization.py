"""`Normalizer` as TensorFlow operations."""

import tensorflow as tf

from attention_seq2seq.text.normalization import REPLACEMENT_CHARACTER, normalization_table

_REMOVE = -1


def normalize(text: tf.Tensor, lowercase: bool) -> tf.Tensor:
    """Normalizes a batch of texts in a graph.

    Args:
        text: string[batch], any bytes.
        lowercase: whether A to Z become a to z.

    Returns:
        string[batch], UTF-8, equal to the results of `Normalizer`.
    """
    text = map_characters(text, lowercase)
    return tf.strings.regex_replace(tf.strings.regex_replace(text, " +", " "), "^ | $", "")


def map_characters(text: tf.Tensor, lowercase: bool) -> tf.Tensor:
    """Applies the rules of single characters, as `Normalizer.map_characters`."""
    code_points = tf.strings.unicode_decode(
        text, "UTF-8", errors="replace", replacement_char=REPLACEMENT_CHARACTER
    )
    table = sorted(normalization_table(lowercase).items())
    keys = tf.constant([code_point for code_point, _ in table])
    replacements = tf.constant([_REMOVE if new is None else new for _, new in table])
    values = code_points.flat_values
    indices = tf.minimum(tf.searchsorted(keys, values), len(table) - 1)
    has_replacement = tf.gather(keys, indices) == values
    values = tf.where(has_replacement, tf.gather(replacements, indices), values)
    code_points = code_points.with_flat_values(values)
    code_points = tf.ragged.boolean_mask(code_points, code_points != _REMOVE)
    return tf.strings.unicode_encode(code_points, "UTF-8")
