"""`segment_by_jieba` as TensorFlow operations, with equal results.

jieba splits blocks of Chinese characters, letters and digits into the most probable words
(`jieba_dag`). Then runs of single characters are segmented again, by a hidden Markov model
(`jieba_hmm`) and a pattern for numbers. Without the model, single letters are joined.
"""

import string
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.text.in_graph.jieba_dag import (
    NEG_INF,
    WordFrequencies,
    max_probability_segmentation,
)
from attention_seq2seq.text.in_graph.jieba_hmm import (
    FIRST_CHINESE,
    LAST_CHINESE,
    HiddenMarkovModel,
    viterbi_word_ends,
)
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.utils.tf_function import graph_function

_LETTERS = string.ascii_letters + string.digits
_BLOCK_CHARACTERS = _LETTERS + "+#&._%-"
_ALPHANUMERIC = r"([a-zA-Z0-9]+(?:\.[0-9]+)?%?)"


class InGraphJieba(tf.Module):
    """Segments Chinese text in a graph.

    Args:
        dictionary: dictionary of jieba and of the user.
        hmm: whether a hidden Markov model finds words that are not in the dictionary.
        output_dir: directory for the file of words that the lookup table reads.
    """

    def __init__(self, dictionary: JiebaDictionary, hmm: bool, output_dir: str | Path):
        super().__init__()
        frequencies = WordFrequencies.from_dictionary(dictionary)
        self.unknown_log_prob = frequencies.unknown_log_prob
        self.max_word_length = frequencies.max_word_length
        initializer = tf.lookup.TextFileInitializer(
            frequencies.save(output_dir), tf.string, 0, tf.float64, 1
        )
        self.word_log_probs = tf.lookup.StaticHashTable(initializer, NEG_INF)
        # Constants created where they are used would be copied into the graph for each use.
        tables = HiddenMarkovModel.from_jieba() if hmm else None
        self.model = tables and HiddenMarkovModel(*map(tf.constant, tables))
        self.forced_splits = sorted(dictionary.forced_splits) if hmm else []
        # A function, so that a graph with several calls has its thousands of operations only once.
        self._segment_function = graph_function(self._segment, [tf.TensorSpec([None], tf.string)])

    def segment(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Segments normalized texts string[num_texts] into words string[num_texts, (words)]."""
        return self._segment_function(texts)

    def _segment(self, texts):
        code_points = tf.strings.unicode_decode(texts, "UTF-8")
        # An extra character after the last text ensures that there is at least one character.
        code_points = tf.concat([code_points, [[FIRST_CHINESE]]], axis=0)
        characters = code_points.flat_values
        row_starts = _scatter_flags(code_points.row_splits, tf.size(characters, tf.int64) + 1)[:-1]
        in_block = _is_chinese(characters) | _is_one_of(characters, _BLOCK_CHARACTERS)
        block_starts = in_block & (row_starts | ~_previous(in_block))
        starts = ~in_block | max_probability_segmentation(
            characters,
            *_spans(block_starts, in_block),
            self.word_log_probs.lookup,
            self.max_word_length,
            self.unknown_log_prob,
        )
        # Words of one character in a block.
        is_single = in_block & starts & _next(starts | row_starts | ~in_block, True)
        if self.model is None:
            is_letter = is_single & _is_one_of(characters, _LETTERS)
            starts &= ~(is_letter & _previous(is_letter) & ~block_starts)
        else:
            starts = self._resegment_single_characters(characters, starts, is_single, block_starts)
        return _gather_words(code_points, starts)[:-1]

    def _resegment_single_characters(self, characters, starts, is_single, block_starts):
        """Returns the starts of words, with runs of single characters segmented again."""
        run_starts = is_single & (block_starts | ~_previous(is_single))
        positions, lengths = _spans(run_starts, is_single)
        runs, texts = _span_texts(characters, positions, lengths)
        # jieba does not change a run that is a word of the dictionary.
        is_changed = (lengths > 1) & tf.math.is_inf(self.word_log_probs.lookup(texts))
        is_changed = _broadcast_to_spans(
            is_changed, lengths, runs.flat_values, tf.size(characters, tf.int64)
        )
        is_chinese = _is_chinese(characters)
        part_starts = run_starts | (is_chinese != _previous(is_chinese))
        return tf.where(
            is_changed,
            self._chinese_starts(characters, is_changed & is_chinese, part_starts)
            | _number_starts(characters, is_changed & ~is_chinese, part_starts),
            starts,
        )

    def _chinese_starts(self, characters, inside, part_starts):
        """Returns the starts of words in the Chinese parts of runs."""
        # The extra character after the last text is a part, so that there is at least one part.
        inside = tf.concat([inside[:-1], [True]], axis=0)
        part_starts = tf.concat([part_starts[:-1], [True]], axis=0) & inside
        ends = viterbi_word_ends(characters, *_spans(part_starts, inside), self.model)
        starts = part_starts | (_previous(ends) & inside)
        if self.forced_splits:
            positions, lengths = _spans(starts, inside)
            spans, words = _span_texts(characters, positions, lengths)
            is_split = tf.reduce_any(
                words[:, tf.newaxis] == tf.constant(self.forced_splits), axis=1
            )
            starts |= _broadcast_to_spans(
                is_split, lengths, spans.flat_values, tf.size(characters, tf.int64)
            )
        return starts


def _number_starts(characters, inside, part_starts):
    """Returns the starts of words in the other parts of runs, such as numbers."""
    parts, texts = _span_texts(characters, *_spans(part_starts & inside, inside))
    words = tf.strings.split(tf.strings.regex_replace(texts, _ALPHANUMERIC, r" \1 ")).flat_values
    offsets = tf.cumsum(tf.strings.length(words), exclusive=True)
    return _scatter_flags(tf.gather(parts.flat_values, offsets), tf.size(characters, tf.int64))


def _gather_words(code_points, starts):
    """Returns the words string[num_texts, (words)] between the starts, without spaces."""
    size = tf.size(starts, tf.int64)
    positions = tf.where(starts)[:, 0]
    lengths = tf.concat([positions[1:], [size]], 0) - positions
    words = tf.RaggedTensor.from_row_lengths(code_points.flat_values, lengths, validate=False)
    is_word = tf.gather(code_points.flat_values, positions) != ord(" ")
    rows = tf.boolean_mask(tf.gather(code_points.value_rowids(), positions), is_word)
    texts = tf.boolean_mask(tf.strings.unicode_encode(words, "UTF-8"), is_word)
    return tf.RaggedTensor.from_value_rowids(texts, rows, nrows=code_points.nrows(), validate=False)


def _is_chinese(characters):
    return (characters >= FIRST_CHINESE) & (characters <= LAST_CHINESE)


def _is_one_of(characters, ascii_characters: str):
    table = [chr(i) in ascii_characters for i in range(128)]
    return tf.gather(tf.constant(table), tf.minimum(characters, 127))


def _previous(flags):
    """Returns the flag of the previous position for each position; False for the first."""
    return tf.concat([[False], flags[:-1]], axis=0)


def _next(flags, at_end: bool):
    """Returns the flag of the next position for each position; `at_end` for the last."""
    return tf.concat([flags[1:], [at_end]], axis=0)


def _spans(starts, inside):
    """Returns the starts and lengths of spans, both int64[num_spans]."""
    positions = tf.where(starts)[:, 0]
    ends = tf.where(inside & _next(starts | ~inside, True))[:, 0]
    return positions, ends - positions + 1


def _span_texts(characters, positions, lengths):
    """Returns the positions of spans, int64[num_spans, (characters)], and their texts."""
    spans = tf.ragged.range(positions, positions + lengths)
    span_characters = spans.with_flat_values(tf.gather(characters, spans.flat_values))
    return spans, tf.strings.unicode_encode(span_characters, "UTF-8")


def _scatter_flags(positions, size):
    """Returns bool[size], True at the positions."""
    ones = tf.ones(tf.shape(positions), tf.int32)
    return tf.scatter_nd(positions[:, tf.newaxis], ones, tf.reshape(size, [1])) > 0


def _broadcast_to_spans(flags, lengths, positions, size):
    """Returns bool[size], the flag of the span at each position; False outside of spans."""
    return _scatter_flags(tf.boolean_mask(positions, tf.repeat(flags, lengths)), size)
