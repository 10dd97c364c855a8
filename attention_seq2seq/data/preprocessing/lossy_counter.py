"""How often each word occurs, in a bounded memory."""

from collections.abc import Sequence

import numpy as np

# About 150 bytes a word. A corpus of 100 million pairs of chat has some 3 million words by jieba,
# most of which occur a few times and can have no place in a vocabulary.
MOST_WORDS = 1_500_000


class WordCounts:
    """Counts of words, several of each: for each side of a pair, say.

    When there are too many different words, those that have occurred least are forgotten, down to
    half as many; one that occurs again is counted from then on (lossy counting; Manku and Motwani,
    Approximate Frequency Counts over Data Streams, VLDB 2002).

    Args:
        num_columns: how many counts a word has.
        most_words: as many words are remembered.

    Attributes:
        error: any count may be too low by this, and none is too high; 0: all are exact.
        totals: int[columns], the sums over all words, which are exact.

    Example:
        >>> counts = WordCounts(2)
        >>> counts.add(["吃", "喝"], np.array([[1, 0], [0, 2]]))
        >>> counts.add(["吃"], np.array([[3, 1]]))
        >>> counts.ordered(np.array([1, 1]), most=9)
        (['吃', '喝'], array([[4, 1],
               [0, 2]]))
    """

    def __init__(self, num_columns: int, most_words: int = MOST_WORDS):
        self.most_words = most_words
        self.error = 0
        self._places: dict[str, int] = {}
        self.totals = np.zeros(num_columns, np.int64)
        self._counts = np.zeros([1024, num_columns], np.int64)

    def __len__(self) -> int:
        return len(self._places)

    def add(self, words: Sequence[str], counts: np.ndarray) -> None:
        """Adds counts.

        Args:
            words: each once.
            counts: int[words, columns]
        """
        places = self._places
        rows = np.fromiter((places.setdefault(word, len(places)) for word in words), np.int64)
        if len(places) > len(self._counts):
            more = np.zeros([len(places), len(self.totals)], np.int64)
            self._counts = np.concatenate([self._counts, more])
        self._counts[rows] += counts
        self.totals += counts.sum(axis=0)
        if len(places) > self.most_words:
            self._forget()

    def _forget(self) -> None:
        totals = self._counts[: len(self._places)].sum(axis=1)
        # Words of equal counts go or stay together, so that the order of the words is nothing.
        limit = np.partition(totals, -(self.most_words // 2))[-(self.most_words // 2)]
        kept = totals > limit
        self.error += int(limit)
        self._counts = np.ascontiguousarray(self._counts[: len(kept)][kept])
        words = [word for word, stays in zip(self._places, kept) if stays]
        self._places = {word: place for place, word in enumerate(words)}

    def ordered(self, weights: np.ndarray, most: int) -> tuple[list[str], np.ndarray]:
        """The most frequent words that occur; those as frequent in the order of their characters.

        Args:
            weights: int[columns], how much an occurrence in each column counts.
            most: as many words are asked for.

        Returns:
            The words, and int64[words, columns] how often each occurs.
        """
        occurrences = self._counts[: len(self._places)] @ weights
        least = 1
        if len(occurrences) > most:
            least = max(least, np.partition(occurrences, -most)[-most])
        words = list(self._places)
        order = np.flatnonzero(occurrences >= least).tolist()
        order.sort(key=lambda place: (-occurrences[place], words[place]))
        order = order[:most]
        return [words[place] for place in order], self._counts[order]
