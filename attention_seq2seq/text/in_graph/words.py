"""The segmenter `words` as TensorFlow operations."""

import tensorflow as tf

from attention_seq2seq.text.segmentation import ATTACHED, LETTER_RANGES

_BLANK, _LETTER, _DIGIT, _SYMBOL = range(4)


def segment_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Segments normalized texts string[num_texts] into words string[num_texts, (words)].

    The words equal those of `segmentation.segment_words`.
    """
    code_points = tf.strings.unicode_decode(texts, "UTF-8")
    characters, rows = code_points.flat_values, code_points.value_rowids()
    classes = _character_classes(characters)
    is_first = tf.concat([[True], rows[1:] != rows[:-1]], axis=0)[: tf.size(rows)]
    previous = tf.where(is_first, _BLANK, tf.concat([[_BLANK], classes[:-1]], 0)[: tf.size(rows)])
    is_start = (classes != _BLANK) & ((classes != previous) | (classes == _SYMBOL))
    word_of_character = tf.cumsum(tf.cast(is_start, tf.int32)) - 1
    is_text = classes != _BLANK
    words = tf.strings.unsorted_segment_join(
        tf.strings.unicode_encode(tf.boolean_mask(characters, is_text)[:, tf.newaxis], "UTF-8"),
        tf.boolean_mask(word_of_character, is_text),
        tf.math.count_nonzero(is_start, dtype=tf.int32),
    )
    is_attached = tf.boolean_mask(previous != _BLANK, is_start)
    words = tf.strings.join([tf.where(is_attached, ATTACHED, ""), words])
    return tf.RaggedTensor.from_value_rowids(
        words, tf.boolean_mask(rows, is_start), code_points.nrows(), validate=False
    )


def _character_classes(characters):
    """Returns int32[num_characters], the classes of code points."""
    bounds, classes = [0], [_SYMBOL]
    ranges = [(" ", " ", _BLANK), ("0", "9", _DIGIT)]
    ranges += [(first, last, _LETTER) for first, last in LETTER_RANGES]
    for first, last, character_class in sorted(ranges):
        bounds += [ord(first), ord(last) + 1]
        classes += [character_class, _SYMBOL]
    positions = tf.searchsorted(tf.constant(bounds), characters, side="right") - 1
    return tf.gather(tf.constant(classes), positions)
