"""Finds duplicates in a corpus by 64-bit hashes: exactly, and in bounded memory.

Among 100 million different texts the probability that any two have the same hash is 1 in 3,700.

Hashes are processed in partitions by their first bits, and each partition in blocks. Each block is
reduced to its distinct hashes. So memory depends on the distinct hashes of a partition, however
often they occur.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

# The columns of the hashes of a corpus, uint64[pairs, 2].
PROMPT, REPLY = 0, 1

_MIN_PARTITION_SIZE = 1 << 15
_MAX_PARTITIONS = 1 << 5
_MIN_BLOCK_SIZE = 1 << 16


class HashColumn(NamedTuple):
    """One hash for each pair of a corpus.

    Attributes:
        num_pairs: number of pairs.
        read: maps a slice of the pairs to their hashes, uint64[rows].
    """

    num_pairs: int
    read: Callable[[slice], np.ndarray]

    def partitions(self) -> Iterator["HashPartition"]:
        """Yields partitions of all pairs. Equal hashes are in the same partition."""
        num_bits = 1
        while 1 << num_bits < _MAX_PARTITIONS and self.num_pairs >> num_bits > _MIN_PARTITION_SIZE:
            num_bits += 1
        return (HashPartition(self, prefix, num_bits) for prefix in range(1 << num_bits))


class HashPartition(NamedTuple):
    """The pairs whose hashes begin with the bits of a prefix."""

    column: HashColumn
    prefix: int
    num_bits: int

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields int64[rows], the positions of pairs, and uint64[rows], hashes, in corpus order."""
        num_pairs = self.column.num_pairs
        block_size = max(_MIN_BLOCK_SIZE, num_pairs // _MAX_PARTITIONS)
        for start in range(0, num_pairs, block_size):
            hashes = self.column.read(slice(start, start + block_size))
            rows = np.flatnonzero(hashes >> np.uint64(64 - self.num_bits) == self.prefix)
            if len(rows):
                yield start + rows, hashes[rows]


def prompt_hashes(hashes: np.ndarray) -> HashColumn:
    """Returns the hashes of the prompts.

    Args:
        hashes: uint64[pairs, 2], in memory or mapped from a file.
    """
    return HashColumn(len(hashes), lambda rows: hashes[rows, PROMPT])


def reply_hashes(hashes: np.ndarray) -> HashColumn:
    """Returns the hashes of the replies."""
    return HashColumn(len(hashes), lambda rows: hashes[rows, REPLY])


def pair_hashes(hashes: np.ndarray) -> HashColumn:
    """Returns a hash for each pair of prompt and reply."""
    # Multiplying by an odd number is a bijection, so pairs that differ in one side only stay
    # different.
    prompt_factor, reply_factor = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)

    def read(rows: slice) -> np.ndarray:
        prompt, reply = hashes[rows, PROMPT], hashes[rows, REPLY]
        return (prompt ^ (prompt >> np.uint64(32))) * prompt_factor + reply * reply_factor

    return HashColumn(len(hashes), read)


class HashCounts(NamedTuple):
    """The distinct hashes of a partition.

    Attributes:
        hashes: uint64[distinct], in rising order.
        first_positions: int64[distinct], the first position of each hash.
        counts: int64[distinct], the number of occurrences of each hash.
    """

    hashes: np.ndarray
    first_positions: np.ndarray
    counts: np.ndarray


def count_hashes(partition: HashPartition, is_counted: np.ndarray | None = None) -> HashCounts:
    """Counts the hashes of a partition.

    Args:
        partition: some of the pairs.
        is_counted: bool[pairs], the pairs to count; None counts all.
    """
    block_counts = []
    for positions, hashes in partition.blocks():
        if is_counted is not None:
            positions, hashes = positions[is_counted[positions]], hashes[is_counted[positions]]
        distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        block_counts.append((distinct, positions[first], counts))
    if not block_counts:
        empty = np.zeros(0, np.int64)
        return HashCounts(empty.astype(np.uint64), empty, empty)
    hashes, positions, counts = map(np.concatenate, zip(*block_counts))
    distinct, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    totals = np.bincount(group, counts, minlength=len(distinct)).astype(np.int64)
    return HashCounts(distinct, positions[first], totals)


def first_occurrences(column: HashColumn, is_counted: np.ndarray) -> np.ndarray:
    """Returns bool[pairs]: the first pair of each hash among the counted pairs."""
    is_first = np.zeros(column.num_pairs, bool)
    for partition in column.partitions():
        is_first[count_hashes(partition, is_counted).first_positions] = True
    return is_first


class DuplicateStats(NamedTuple):
    """Counts of repeated prompts, replies and pairs.

    Attributes:
        num_duplicates: pairs that occur before.
        num_distinct_prompts: distinct prompts.
        num_ambiguous_prompts: prompts with several different replies.
        num_ambiguous_pairs: pairs with such a prompt.
        num_distinct_replies: distinct replies.
        most_common: (count, position of the first occurrence) of the most common replies.
    """

    num_duplicates: int
    num_distinct_prompts: int
    num_ambiguous_prompts: int
    num_ambiguous_pairs: int
    num_distinct_replies: int
    most_common: list[tuple[int, int]]


def count_duplicates(hashes: np.ndarray, num_most_common: int = 10) -> DuplicateStats:
    """Counts duplicates over all pairs of a corpus.

    Args:
        hashes: uint64[pairs, 2]
        num_most_common: number of most common replies.
    """
    is_first_pair = first_occurrences(pair_hashes(hashes), np.ones(len(hashes), bool))
    num_prompts = num_ambiguous_prompts = num_ambiguous_pairs = 0
    for partition in prompt_hashes(hashes).partitions():
        all_counts = count_hashes(partition)
        distinct_counts = count_hashes(partition, is_first_pair)
        is_ambiguous = distinct_counts.counts > 1
        num_prompts += len(all_counts.hashes)
        num_ambiguous_prompts += int(is_ambiguous.sum())
        num_ambiguous_pairs += int(all_counts.counts[is_ambiguous].sum())
    num_replies, most_common = 0, []
    for partition in reply_hashes(hashes).partitions():
        _, first_positions, counts = count_hashes(partition)
        num_replies += len(counts)
        order = np.lexsort((first_positions, -counts))[:num_most_common]
        most_common += zip(counts[order].tolist(), first_positions[order].tolist())
    most_common.sort(key=lambda reply: (-reply[0], reply[1]))
    return DuplicateStats(
        int(len(hashes) - is_first_pair.sum()),
        num_prompts,
        num_ambiguous_prompts,
        num_ambiguous_pairs,
        num_replies,
        most_common[:num_most_common],
    )


def occurrences_beyond(
    column: HashColumn, is_counted: np.ndarray, max_occurrences: int
) -> np.ndarray:
    """Returns bool[pairs]: counted pairs whose hash has occurred `max_occurrences` times before."""
    is_beyond = np.zeros(column.num_pairs, bool)
    for partition in column.partitions():
        known_hashes, known_counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        for positions, hashes in partition.blocks():
            positions, hashes = positions[is_counted[positions]], hashes[is_counted[positions]]
            distinct, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
            previous_counts = np.zeros(len(distinct), np.int64)
            last = max(len(known_hashes) - 1, 0)
            index = np.minimum(np.searchsorted(known_hashes, distinct), last)
            if len(known_hashes):
                previous_counts = np.where(known_hashes[index] == distinct, known_counts[index], 0)
            # Within the block: the number of equal hashes before each.
            order = np.argsort(group, kind="stable")
            starts = np.cumsum(counts) - counts
            rank = np.arange(len(order)) - np.repeat(starts, counts)
            is_over = rank + previous_counts[group[order]] >= max_occurrences
            is_beyond[positions[order[is_over]]] = True
            merged, index = np.unique(np.concatenate([known_hashes, distinct]), return_inverse=True)
            known_counts = np.bincount(
                index, np.concatenate([known_counts, counts]), len(merged)
            ).astype(np.int64)
            known_hashes = merged
    return is_beyond


def is_in(column: HashColumn, is_candidate: np.ndarray, is_reference: np.ndarray) -> np.ndarray:
    """Returns bool[pairs]: candidates whose hash occurs among the reference pairs.

    Args:
        column: the hashes.
        is_candidate: bool[pairs]
        is_reference: bool[pairs]
    """
    result = np.zeros(column.num_pairs, bool)
    for partition in column.partitions():
        reference_hashes = count_hashes(partition, is_reference).hashes
        for positions, hashes in partition.blocks():
            mask = is_candidate[positions]
            positions, hashes = positions[mask], hashes[mask]
            result[positions[np.isin(hashes, reference_hashes)]] = True
    return result
