"""The rules of `normalization`, executed by TensorFlow ops."""

import tensorflow as tf

from attention_seq2seq.text.normalization import DROPPED, REPLACEMENT, Normalizer


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
    table = sorted(Normalizer(lower_case).table.items())
    changing = tf.constant([code_point for code_point, _ in table])
    became = tf.constant([DROPPED if new is None else new for _, new in table])
    values = code_points.flat_values
    places = tf.minimum(tf.searchsorted(changing, values), len(table) - 1)
    changes = tf.gather(changing, places) == values
    kept = code_points.with_flat_values(tf.where(changes, tf.gather(became, places), values))
    kept = tf.ragged.boolean_mask(kept, kept != DROPPED)
    text = tf.strings.unicode_encode(kept, "UTF-8")
    return tf.strings.regex_replace(tf.strings.regex_replace(text, " +", " "), "^ | $", "")
