"""What is counted over the chunks of a corpus, one after the other."""

from collections.abc import Sequence

import numpy as np

from attention_seq2seq.data.preprocessing.chunks import LONGEST_TEXT, TOO_LONG, Chunk
from attention_seq2seq.data.preprocessing.scripts import Mark
from attention_seq2seq.text.vocabulary import SPECIALS

_UNRANKED = np.iinfo(np.int64).max
SIDES = ("prompts", "replies")


class Survey:
    """Lengths and writing of all texts of a corpus.

    Attributes:
        lengths: int64[sides, words], how many of the texts that were cut have so many words.
        uncut: int64[sides], how many texts were far too long to be cut.
        wordless: replies without anything that can be read.
        marks: for each side the number of texts with each mark.
        echoes: pairs whose reply is their prompt.
        too_long: pairs that are longer than they may be.
        damaged: pairs with a side that a wrong encoding seems to have damaged.
    """

    def __init__(self):
        self.num_pairs = self.wordless = 0
        self.lengths = np.zeros([2, LONGEST_TEXT + 1], np.int64)
        self.uncut = np.zeros(2, np.int64)
        self.marks = {side: dict.fromkeys(Mark, 0) for side in SIDES}
        self.echoes = self.too_long = self.damaged = 0

    def look_at(self, chunk: Chunk, too_long: np.ndarray) -> None:
        """Counts the pairs of a chunk.

        Args:
            chunk: some of the pairs.
            too_long: bool[pairs], which are longer than they may be.
        """
        for number, lengths in enumerate((chunk.source_length, chunk.target_length)):
            was_cut = lengths != TOO_LONG
            self.lengths[number] += np.bincount(lengths[was_cut], minlength=LONGEST_TEXT + 1)
            self.uncut[number] += np.count_nonzero(~was_cut)
        self.num_pairs += len(chunk)
        self.wordless += int(np.count_nonzero(chunk.target_length == 0))
        for side, marks in zip(SIDES, (chunk.prompt_marks, chunk.reply_marks)):
            for mark in Mark:
                self.marks[side][mark] += int(np.count_nonzero(marks & mark))
        self.echoes += int(np.count_nonzero(chunk.echo))
        self.too_long += int(np.count_nonzero(too_long))
        self.damaged += int(
            np.count_nonzero((chunk.prompt_marks | chunk.reply_marks) & Mark.MOJIBAKE)
        )

    def length_summary(self) -> dict:
        """For each side: mean, median, 95 and 99 of 100, and the longest, in words."""
        result = {}
        for side, counts in zip(SIDES, self.lengths):
            reached, words = np.cumsum(counts), np.arange(len(counts))
            result[side] = {
                "mean": round(float(counts @ words / max(reached[-1], 1)), 2),
                **{
                    name: int(np.searchsorted(reached, share * reached[-1]))
                    for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
                },
                "longest": int(np.flatnonzero(counts)[-1]) if reached[-1] else 0,
            }
        return result


def column_counts(chunk: Chunk, counted: np.ndarray) -> np.ndarray:
    """How often each word of a chunk occurs.

    Args:
        chunk: some of the pairs.
        counted: bool[pairs], those that a vocabulary is made of.

    Returns:
        int64[words, 4], without the special words: in all prompts, in all replies, in the prompts
        that are counted, in the replies that are counted.
    """
    columns = []
    for weights in (np.ones(len(chunk)), counted):
        for ids, lengths in chunk.sides:
            counts = np.bincount(ids, np.repeat(weights, lengths), minlength=len(chunk.words))
            columns.append(counts.astype(np.int64))
    return np.stack(columns, axis=1)[len(SPECIALS) :]


class UnknownReplies:
    """How many replies have a word that vocabularies of several sizes do not know.

    Args:
        words: of the replies, the most frequent first.
        sizes: of the vocabularies, the special words included.
    """

    def __init__(self, words: Sequence[str], sizes: Sequence[int]):
        self._sizes = sizes
        self._limits = np.array(sizes) - len(SPECIALS)
        self._ranks = {word: rank for rank, word in enumerate(words[: max(self._limits)])}
        self._counts = np.zeros(len(sizes), np.int64)

    def look_at(self, chunk: Chunk) -> None:
        """Counts the replies of a chunk."""
        ids, lengths = chunk.sides[1]
        if not len(ids):
            return
        ranks = np.array([self._ranks.get(word, _UNRANKED) for word in chunk.words])
        filled = lengths[lengths > 0]
        rarest = np.maximum.reduceat(ranks[ids], np.cumsum(filled) - filled)
        self._counts += (rarest[:, None] >= self._limits).sum(axis=0)

    def by_size(self) -> dict[int, int]:
        """Size of the vocabulary to the number of replies."""
        return dict(zip(self._sizes, self._counts.tolist()))
