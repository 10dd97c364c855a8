"""jieba's maximum probability segmentation as TensorFlow operations.

A block of characters is split into the words with the largest product of frequencies. jieba calls
the words that start at each character a DAG, and fills a table from the end to the start of the
block. This module fills the tables of all blocks at once.
"""

import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.jieba_dictionary import BLOCK_PATTERN, JiebaDictionary

NEG_INF = float("-inf")


class WordFrequencies(NamedTuple):
    """The word frequencies of a jieba dictionary, as logarithms.

    Attributes:
        log_probs: log-probability of each word that a block can contain, computed by Python in
            double precision. They are added in jieba's order, because rounding affects words.
        unknown_log_prob: log-probability of a character at which no word starts.
        max_word_length: length of the longest word [characters].
    """

    log_probs: dict[str, float]
    unknown_log_prob: float
    max_word_length: int

    @classmethod
    def from_dictionary(cls, dictionary: JiebaDictionary) -> "WordFrequencies":
        """Returns the frequencies of a dictionary, user words included."""
        log_total = math.log(dictionary.total)
        log_probs = {
            word: math.log(count) - log_total
            for word, count in dictionary.counts.items()
            if count and BLOCK_PATTERN.fullmatch(word)
        }
        return cls(log_probs, math.log(1) - log_total, max(map(len, log_probs), default=1))

    def save(self, output_dir: str | Path) -> str:
        """Writes words and log-probabilities, separated by tabs. Returns the name of the file.

        The name contains a hash of the content, because TensorFlow shares lookup tables with equal
        file names within a process.
        """
        items = self.log_probs.items()
        content = "".join(f"{word}\t{value!r}\n" for word, value in items).encode()
        path = Path(output_dir) / f"words-{hashlib.sha256(content).hexdigest()[:16]}.txt"
        path.write_bytes(content)
        return str(path)


def max_probability_segmentation(
    code_points,
    block_starts,
    block_lengths,
    lookup,
    max_word_length: int,
    unknown_log_prob: float,
):
    """Finds the first characters of the words of blocks.

    Args:
        code_points: int32[num_characters], the characters of all texts.
        block_starts: int64[num_blocks], first position of each block; at least one block.
        block_lengths: int64[num_blocks], number of characters of each block, at least 1.
        lookup: maps string[n] to log-probabilities of words float64[n]; -inf for other strings.
        max_word_length: length of the longest word [characters].
        unknown_log_prob: log-probability of a character at which no word starts.

    Returns:
        bool[num_characters], True where a word of a block starts; False outside of the blocks.
    """
    order = tf.argsort(block_lengths, direction="DESCENDING", stable=True)
    starts, lengths = tf.gather(block_starts, order), tf.gather(block_lengths, order)
    ends = starts + lengths
    num_characters = tf.size(code_points, tf.int64)
    candidates = _candidate_log_probs(
        code_points, starts, lengths, lookup, max_word_length, unknown_log_prob
    )
    max_block_length = lengths[0]

    def body(distance, scores, word_lengths):
        # Only longer blocks have a character at this distance. The longest blocks come first.
        num_active = tf.reduce_sum(tf.cast(lengths > distance, tf.int32))
        positions = ends[:num_active] - 1 - distance
        # float64[num_active, max_word_length], the total for each word length.
        totals = tf.gather(candidates, positions) + scores[:num_active]
        # Among equally probable words, jieba chooses the longest.
        best = max_word_length - 1 - tf.argmax(totals[:, ::-1], axis=1)
        score = tf.reduce_max(totals, axis=1, keepdims=True)
        scores = tf.concat([score, scores[:num_active, :-1]], axis=1)
        return (
            distance + 1,
            tf.ensure_shape(scores, [None, max_word_length]),
            word_lengths.write(tf.cast(distance, tf.int32), best + 1),
        )

    # float64[num_blocks, max_word_length], the scores of the rest of a block that starts 1, 2, ...
    # characters later.
    initial_scores = tf.constant([[0.0] + [NEG_INF] * (max_word_length - 1)], tf.float64)
    scores = tf.repeat(initial_scores, tf.size(starts), axis=0)
    word_lengths = tf.TensorArray(
        tf.int64, tf.cast(max_block_length, tf.int32), infer_shape=False, element_shape=[None]
    )
    _, _, word_lengths = tf.while_loop(
        lambda distance, *_: distance < max_block_length,
        body,
        (tf.constant(0, tf.int64), scores, word_lengths),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, max_word_length]),
            tf.TensorShape(None),
        ),
    )
    # The loop has written word lengths by distance from the ends of the blocks.
    distances = tf.range(max_block_length)
    num_active = tf.searchsorted(-lengths, -distances, side="left")
    positions = tf.repeat(-1 - distances, num_active) + tf.gather(
        ends, tf.ragged.range(num_active).flat_values
    )
    jumps = tf.scatter_nd(positions[:, tf.newaxis], word_lengths.concat(), [num_characters])
    return _follow_jumps(starts, jumps, max_block_length)


def _candidate_log_probs(code_points, starts, lengths, lookup, max_word_length, unknown_log_prob):
    """Returns log-probabilities of words, float64[num_characters, max_word_length]."""
    # Positions of the characters of blocks, and number of characters up to the end of the block.
    positions = tf.ragged.range(starts, starts + lengths).flat_values
    num_left = tf.ragged.range(lengths, tf.zeros_like(lengths), -1).flat_values
    num_words = tf.minimum(num_left, max_word_length)
    word_starts = tf.repeat(positions, num_words)
    word_lengths = tf.ragged.range(num_words).flat_values + 1
    characters = tf.gather(
        code_points, tf.ragged.range(word_starts, word_starts + word_lengths).flat_values
    )
    words = tf.RaggedTensor.from_row_lengths(characters, word_lengths, validate=False)
    log_probs = lookup(tf.strings.unicode_encode(words, "UTF-8"))
    rows = tf.RaggedTensor.from_row_lengths(log_probs, num_words, validate=False).to_tensor(
        NEG_INF, shape=[None, max_word_length]
    )
    has_no_word = tf.reduce_all(tf.math.is_inf(rows), axis=1, keepdims=True)
    single = tf.constant([[unknown_log_prob] + [NEG_INF] * (max_word_length - 1)], tf.float64)
    rows = tf.where(has_no_word, single, rows)
    shape = tf.stack([tf.size(code_points, tf.int64), max_word_length])
    log_probs = tf.scatter_nd(positions[:, tf.newaxis], rows, shape)
    return tf.ensure_shape(log_probs, [None, max_word_length])


def _follow_jumps(starts, jumps, max_block_length):
    """Returns bool[num_characters], the positions visited by jumps from the starts.

    Each iteration doubles the jumps, so a block of n characters takes log n iterations.
    """
    num_characters = tf.size(jumps, tf.int64)
    # All jumps end one position after the last character.
    sentinel = tf.fill([1], num_characters)
    targets = tf.concat([tf.minimum(tf.range(num_characters) + jumps, num_characters), sentinel], 0)
    is_visited = tf.scatter_nd(
        starts[:, tf.newaxis], tf.ones_like(starts, tf.int32), [num_characters + 1]
    )

    def body(size, is_visited, targets):
        positions = tf.where(is_visited > 0)
        next_positions = tf.gather(targets, positions)
        ones = tf.ones_like(next_positions[:, 0], tf.int32)
        is_visited = tf.tensor_scatter_nd_max(is_visited, next_positions, ones)
        return size * 2, is_visited, tf.gather(targets, targets)

    _, is_visited, _ = tf.while_loop(
        lambda size, *_: size < max_block_length,
        body,
        (tf.constant(1, tf.int64), is_visited, targets),
    )
    return is_visited[:-1] > 0
