"""The rules of `normalization`, executed by TensorFlow string ops."""

import tensorflow as tf

from attention_seq2seq.text.normalization import DROPPED, REPLACEMENT, rules


def normalize(text: tf.Tensor, lower_case: bool) -> tf.Tensor:
    """Normalises a batch of texts inside a graph.

    Args:
        text: string[batch], any bytes.
        lower_case: as of `Normalizer`, to which this is equal.

    Returns:
        string[batch], UTF-8.
    """
    code_points = tf.strings.unicode_decode(
        text, "UTF-8", errors="replace", replacement_char=REPLACEMENT
    )
    values = code_points.flat_values
    for rule in rules(lower_case):
        applies = (values >= rule.first) & (values <= rule.last)
        became = values + rule.shift if rule.becomes is None else tf.fill([], rule.becomes)
        values = tf.where(applies, became, values)
    kept = code_points.with_flat_values(values)
    kept = tf.ragged.boolean_mask(kept, kept != DROPPED)
    text = tf.strings.unicode_encode(kept, "UTF-8")
    return tf.strings.regex_replace(tf.strings.regex_replace(text, " +", " "), "^ | $", "")
