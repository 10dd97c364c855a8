"""jieba, executed by TensorFlow ops: equal to `JiebaSegmenter` on every normalised text.

jieba cuts blocks of Chinese characters, letters and digits into the most probable words
(`words_graph`). What is left there as a run of single characters is then looked at once more: by
a hidden Markov model (`hidden_markov_graph`) and a pattern for numbers, or by joining letters.
"""

import string
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.text.in_graph.jieba_dag import NEVER, WordTable, cut_into_words
from attention_seq2seq.text.in_graph.jieba_hmm import (
    FIRST,
    LAST,
    HiddenMarkovModel,
    word_ends,
)
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.utils.tf_function import traced

_LETTERS = string.ascii_letters + string.digits
_IN_BLOCKS = _LETTERS + "+#&._%-"
_NUMBER = r"([a-zA-Z0-9]+(?:\.[0-9]+)?%?)"


class JiebaGraph(tf.Module):
    """Chinese words inside a graph.

    Args:
        dictionary: jieba's words and the user's.
        hmm: whether words that its dictionary lacks are guessed.
        folder: where its words are written to, for a lookup table that is read from a file.
    """

    def __init__(self, dictionary: JiebaDictionary, hmm: bool, folder: str | Path):
        super().__init__()
        words = WordTable.of(dictionary)
        self.unknown, self.longest = words.unknown, words.longest
        initializer = tf.lookup.TextFileInitializer(words.save(folder), tf.string, 0, tf.float64, 1)
        self.words = tf.lookup.StaticHashTable(initializer, NEVER)
        # Made once, here: made where they are used, each use would put them into the graph anew.
        tables = HiddenMarkovModel.of_jieba() if hmm else None
        self.model = tables and HiddenMarkovModel(*map(tf.constant, tables))
        self.always_split = sorted(dictionary.forced_splits) if hmm else []
        # Thousands of operations, which a graph that cuts in several places has but once.
        self._cut_once = traced(self._cut, [tf.TensorSpec([None], tf.string)])

    def cut(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The words of string[num_texts], normalised: string[num_texts, (words)]."""
        return self._cut_once(texts)

    def _cut(self, texts):
        code_points = tf.strings.unicode_decode(texts, "UTF-8")
        # Behind the last text stands one character more, so that there always is one.
        code_points = tf.concat([code_points, [[FIRST]]], axis=0)
        characters = code_points.flat_values
        row_starts = _marks(code_points.row_splits, tf.size(characters, tf.int64) + 1)[:-1]
        in_block = _is_chinese(characters) | _is_one_of(characters, _IN_BLOCKS)
        block_starts = in_block & (row_starts | ~_before(in_block))
        starts = ~in_block | cut_into_words(
            characters,
            *_extents(block_starts, in_block),
            self.words.lookup,
            self.longest,
            self.unknown,
        )
        # Single characters of a block, and where runs of them begin.
        single = in_block & starts & _after(starts | row_starts | ~in_block, True)
        if self.model is None:
            letter = single & _is_one_of(characters, _LETTERS)
            starts &= ~(letter & _before(letter) & ~block_starts)
        else:
            starts = self._look_again(characters, starts, single, block_starts)
        return _words(code_points, starts)[:-1]

    def _look_again(self, characters, starts, single, block_starts):
        """The starts of words, those in runs of single characters found anew."""
        run_starts = single & (block_starts | ~_before(single))
        places, lengths = _extents(run_starts, single)
        runs = tf.ragged.range(places, places + lengths)
        texts = tf.strings.unicode_encode(
            runs.with_flat_values(tf.gather(characters, runs.flat_values)), "UTF-8"
        )
        # jieba leaves a run alone that is a word itself.
        anew = (lengths > 1) & tf.math.is_inf(self.words.lookup(texts))
        anew = _spread(anew, lengths, runs.flat_values, tf.size(characters, tf.int64))
        chinese = _is_chinese(characters)
        part_starts = run_starts | (chinese != _before(chinese))
        return tf.where(
            anew,
            self._chinese_starts(characters, anew & chinese, part_starts)
            | _number_starts(characters, anew & ~chinese, part_starts),
            starts,
        )

    def _chinese_starts(self, characters, inside, part_starts):
        """Where words begin in the Chinese parts of runs."""
        # The character behind the last text is a part of its own, so that there always is one.
        inside = tf.concat([inside[:-1], [True]], axis=0)
        part_starts = tf.concat([part_starts[:-1], [True]], axis=0) & inside
        ends = word_ends(characters, *_extents(part_starts, inside), self.model)
        starts = part_starts | (_before(ends) & inside)
        if self.always_split:
            places, lengths = _extents(starts, inside)
            found = tf.ragged.range(places, places + lengths)
            words = found.with_flat_values(tf.gather(characters, found.flat_values))
            words = tf.strings.unicode_encode(words, "UTF-8")
            split = tf.reduce_any(words[:, tf.newaxis] == tf.constant(self.always_split), axis=1)
            starts |= _spread(split, lengths, found.flat_values, tf.size(characters, tf.int64))
        return starts


def _number_starts(characters, inside, part_starts):
    """Where words begin in the parts that are not Chinese: numbers, Latin words, and the rest."""
    places, lengths = _extents(part_starts & inside, inside)
    parts = tf.ragged.range(places, places + lengths)
    texts = parts.with_flat_values(tf.gather(characters, parts.flat_values))
    texts = tf.strings.unicode_encode(texts, "UTF-8")
    pieces = tf.strings.split(tf.strings.regex_replace(texts, _NUMBER, r" \1 ")).flat_values
    first = tf.cumsum(tf.strings.length(pieces), exclusive=True)
    return _marks(tf.gather(parts.flat_values, first), tf.size(characters, tf.int64))


def _words(code_points, starts):
    """string[num_texts, (words)], without blanks."""
    size = tf.size(starts, tf.int64)
    places = tf.where(starts)[:, 0]
    lengths = tf.concat([places[1:], [size]], 0) - places
    words = tf.RaggedTensor.from_row_lengths(code_points.flat_values, lengths, validate=False)
    real = tf.gather(code_points.flat_values, places) != ord(" ")
    rows = tf.boolean_mask(tf.gather(code_points.value_rowids(), places), real)
    texts = tf.boolean_mask(tf.strings.unicode_encode(words, "UTF-8"), real)
    return tf.RaggedTensor.from_value_rowids(texts, rows, nrows=code_points.nrows(), validate=False)


def _is_chinese(characters):
    return (characters >= FIRST) & (characters <= LAST)


def _is_one_of(characters, some: str):
    table = [chr(i) in some for i in range(128)]
    return tf.gather(tf.constant(table), tf.minimum(characters, 127))


def _before(flags):
    """Of each place, what stands before it; nothing before the first."""
    return tf.concat([[False], flags[:-1]], axis=0)


def _after(flags, at_end: bool):
    """Of each place, what stands after it."""
    return tf.concat([flags[1:], [at_end]], axis=0)


def _extents(starts, inside):
    """Where some stretches begin, and how long they are, int64[num_stretches] each."""
    places = tf.where(starts)[:, 0]
    ends = tf.where(inside & _after(starts | ~inside, True))[:, 0]
    return places, ends - places + 1


def _marks(places, size):
    """bool[size], True at the places."""
    ones = tf.ones(tf.shape(places), tf.int32)
    return tf.scatter_nd(places[:, tf.newaxis], ones, tf.reshape(size, [1])) > 0


def _spread(flags, lengths, places, size):
    """bool[size], at each place of a stretch what the stretch has; False outside."""
    return _marks(tf.boolean_mask(places, tf.repeat(flags, lengths)), size)
