"""jieba's search for the most probable words, executed by TensorFlow ops, equal to jieba.

A block of characters is cut where the product of its words' frequencies is largest. jieba fills a
table from the end of the block to its begin; so does this, for all blocks at once.
"""

import hashlib
import math
import re
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.jieba_dictionary import JiebaDictionary

NEVER = float("-inf")
_IN_BLOCKS = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%-]+")


class WordTable(NamedTuple):
    """What jieba's dictionary says, in plain values.

    Attributes:
        log_probabilities: of each word that a block can contain. They are Python's logarithms in
            double precision, added in jieba's order: another rounding would cut elsewhere.
        unknown: of a character where no word begins.
        longest: characters of the longest word.
    """

    token_log_probs: dict[str, float]
    unknown: float
    longest: int

    @classmethod
    def of(cls, dictionary: JiebaDictionary) -> "WordTable":
        """Reads a dictionary with the user words on top of it."""
        log_total = math.log(dictionary.total)
        token_log_probs = {
            word: math.log(count) - log_total
            for word, count in dictionary.counts.items()
            if count and _IN_BLOCKS.fullmatch(word)
        }
        return cls(
            token_log_probs, math.log(1) - log_total, max(map(len, token_log_probs), default=1)
        )

    def save(self, folder: str | Path) -> str:
        """Writes a line for each word, a tab before its number; returns the file's name.

        The name tells the contents: within a process TensorFlow takes tables read from files of
        one name for one table.
        """
        items = self.token_log_probs.items()
        contents = "".join(f"{word}\t{value!r}\n" for word, value in items).encode()
        path = Path(folder) / f"words-{hashlib.sha256(contents).hexdigest()[:16]}.txt"
        path.write_bytes(contents)
        return str(path)


def cut_into_words(code_points, block_starts, block_lengths, lookup, longest: int, unknown: float):
    """Where the words of some blocks begin.

    Args:
        code_points: int32[num_characters], the characters of all texts.
        block_starts: int64[num_blocks], at least one block.
        block_lengths: int64[num_blocks], at least 1.
        lookup: string[n] to float64[n], log-probabilities of words; -inf: no word.
        longest: characters of the longest word.
        unknown: log-probability of a character where no word begins.

    Returns:
        bool[num_characters], True where a word of a block begins; False outside of the blocks.
    """
    order = tf.argsort(block_lengths, direction="DESCENDING", stable=True)
    starts, lengths = tf.gather(block_starts, order), tf.gather(block_lengths, order)
    ends = starts + lengths
    num_characters = tf.size(code_points, tf.int64)
    candidates = _candidates(code_points, starts, lengths, lookup, longest, unknown)
    most = lengths[0]

    def body(distance, route, chosen):
        # Only blocks that are this long still have a character here; the longest come first.
        active = tf.reduce_sum(tf.cast(lengths > distance, tf.int32))
        places = ends[:active] - 1 - distance
        # float64[active, longest]: what each length of the word that begins here brings.
        totals = tf.gather(candidates, places) + route[:active]
        # Of equal ones jieba takes the longest.
        best = longest - 1 - tf.argmax(totals[:, ::-1], axis=1)
        score = tf.reduce_max(totals, axis=1, keepdims=True)
        route = tf.concat([score, route[:active, :-1]], axis=1)
        return (
            distance + 1,
            tf.ensure_shape(route, [None, longest]),
            chosen.write(tf.cast(distance, tf.int32), best + 1),
        )

    # float64[num_blocks, longest]: the scores of the rests that begin 1, 2, ... characters on.
    nothing = tf.constant([[0.0] + [NEVER] * (longest - 1)], tf.float64)
    route = tf.repeat(nothing, tf.size(starts), axis=0)
    chosen = tf.TensorArray(
        tf.int64, tf.cast(most, tf.int32), infer_shape=False, element_shape=[None]
    )
    _, _, chosen = tf.while_loop(
        lambda distance, *_: distance < most,
        body,
        (tf.constant(0, tf.int64), route, chosen),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, longest]),
            tf.TensorShape(None),
        ),
    )
    # The steps wrote the characters' choices from the ends of the blocks; this is their order.
    distances = tf.range(most)
    active = tf.searchsorted(-lengths, -distances, side="left")
    places = tf.repeat(-1 - distances, active) + tf.gather(
        ends, tf.ragged.range(active).flat_values
    )
    jumps = tf.scatter_nd(places[:, tf.newaxis], chosen.concat(), [num_characters])
    return _reached(starts, jumps, most)


def _candidates(code_points, starts, lengths, lookup, longest, unknown):
    """float64[num_characters, longest]: of the word of each length that begins at each place."""
    # The characters of blocks, and how many of the block follow, itself counted.
    places = tf.ragged.range(starts, starts + lengths).flat_values
    left = tf.ragged.range(lengths, tf.zeros_like(lengths), -1).flat_values
    num_words = tf.minimum(left, longest)
    begins = tf.repeat(places, num_words)
    sizes = tf.ragged.range(num_words).flat_values + 1
    characters = tf.gather(code_points, tf.ragged.range(begins, begins + sizes).flat_values)
    words = tf.RaggedTensor.from_row_lengths(characters, sizes, validate=False)
    found = lookup(tf.strings.unicode_encode(words, "UTF-8"))
    rows = tf.RaggedTensor.from_row_lengths(found, num_words, validate=False).to_tensor(
        NEVER, shape=[None, longest]
    )
    nothing = tf.reduce_all(tf.math.is_inf(rows), axis=1, keepdims=True)
    alone = tf.constant([[unknown] + [NEVER] * (longest - 1)], tf.float64)
    rows = tf.where(nothing, alone, rows)
    shape = tf.stack([tf.size(code_points, tf.int64), longest])
    return tf.ensure_shape(tf.scatter_nd(places[:, tf.newaxis], rows, shape), [None, longest])


def _reached(starts, jumps, most):
    """bool[num_characters], the places met when jumping on from the starts.

    Each round doubles the jumps, so a block of n characters takes log n of them.
    """
    num_characters = tf.size(jumps, tf.int64)
    # One place behind the last character, where all jumps end.
    nowhere = tf.fill([1], num_characters)
    targets = tf.concat([tf.minimum(tf.range(num_characters) + jumps, num_characters), nowhere], 0)
    reached = tf.scatter_nd(
        starts[:, tf.newaxis], tf.ones_like(starts, tf.int32), [num_characters + 1]
    )

    def body(size, reached, targets):
        met = tf.where(reached > 0)
        onward = tf.gather(targets, met)
        reached = tf.tensor_scatter_nd_max(reached, onward, tf.ones_like(onward[:, 0], tf.int32))
        return size * 2, reached, tf.gather(targets, targets)

    _, reached, _ = tf.while_loop(
        lambda size, *_: size < most, body, (tf.constant(1, tf.int64), reached, targets)
    )
    return reached[:-1] > 0
