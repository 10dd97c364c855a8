"""Counts tokens in bounded memory."""

import itertools
from collections.abc import Sequence

import numpy as np

# An item takes about 150 bytes. 100 million chat pairs have some 3 million jieba tokens, most of
# which are too rare for a vocabulary.
MAX_ITEMS = 1_500_000


class LossyCounter:
    """Counts items in several columns, such as the sides of a pair, by lossy counting.

    When there are too many items, the least frequent half is dropped. A dropped item that occurs
    again is counted from zero.

    Args:
        num_columns: number of counts for each item.
        max_items: maximum number of items to keep.

    Attributes:
        max_error: maximum amount by which a count is too low; 0: all counts are exact. No count is
            too high.
        totals: int64[columns], exact sums over all items.

    Source:
        Manku and Motwani, Approximate Frequency Counts over Data Streams, VLDB 2002.

    Example:
        >>> counter = LossyCounter(2)
        >>> counter.add(["吃", "喝"], np.array([[1, 0], [0, 2]]))
        >>> counter.add(["吃"], np.array([[3, 1]]))
        >>> counter.most_common(np.array([1, 1]), num_items=9)
        (['吃', '喝'], array([[4, 1],
               [0, 2]]))
    """

    def __init__(self, num_columns: int, max_items: int = MAX_ITEMS):
        self.max_items = max_items
        self.max_error = 0
        self._rows: dict[str, int] = {}
        self.totals = np.zeros(num_columns, np.int64)
        self._counts = np.zeros([1024, num_columns], np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, items: Sequence[str], counts: np.ndarray) -> None:
        """Adds counts.

        Args:
            items: distinct items.
            counts: int64[items, columns], counts to add.
        """
        row_of = self._rows
        rows = np.fromiter((row_of.setdefault(item, len(row_of)) for item in items), np.int64)
        if len(row_of) > len(self._counts):
            new_rows = np.zeros([len(row_of), len(self.totals)], np.int64)
            self._counts = np.concatenate([self._counts, new_rows])
        self._counts[rows] += counts
        self.totals += counts.sum(axis=0)
        if len(row_of) > self.max_items:
            self._drop_rare_items()

    def _drop_rare_items(self) -> None:
        totals = self._counts[: len(self._rows)].sum(axis=1)
        # Items of equal counts are all kept or all dropped, so their order does not matter.
        limit = np.partition(totals, -(self.max_items // 2))[-(self.max_items // 2)]
        is_frequent = totals > limit
        self.max_error += int(limit)
        self._counts = np.ascontiguousarray(self._counts[: len(is_frequent)][is_frequent])
        items = list(itertools.compress(self._rows, is_frequent))
        self._rows = {item: row for row, item in enumerate(items)}

    def most_common(self, weights: np.ndarray, num_items: int) -> tuple[list[str], np.ndarray]:
        """Returns the most frequent items. Ties are sorted as strings.

        Args:
            weights: int64[columns], weight of an occurrence in each column.
            num_items: maximum number of items.

        Returns:
            The items, and their counts int64[items, columns].
        """
        occurrences = self._counts[: len(self._rows)] @ weights
        min_occurrences = 1
        if len(occurrences) > num_items:
            threshold = np.partition(occurrences, -num_items)[-num_items]
            min_occurrences = max(min_occurrences, threshold)
        items = list(self._rows)
        order = np.flatnonzero(occurrences >= min_occurrences).tolist()
        order.sort(key=lambda row: (-occurrences[row], items[row]))
        order = order[:num_items]
        return [items[row] for row in order], self._counts[order]
