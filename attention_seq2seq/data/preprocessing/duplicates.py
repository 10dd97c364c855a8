"""What occurs more than once in a corpus, found by hashes: exactly, and in little memory.

Texts are told apart by 64 bits of a hash. Among 100 million different ones the chance that any two
have the same is 1 in 3,700.

Hashes are looked at part by part, each part those that begin with the same bits, and within a part
block by block; of each block every hash is remembered once. So memory grows with what is different
in a part, however often anything occurs.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

# The columns of the hashes of a corpus, uint64[pairs, 2].
PROMPT, REPLY = 0, 1

_SMALLEST_PART = 1 << 15
_MOST_PARTS = 1 << 5
_SMALLEST_BLOCK = 1 << 16


class Values(NamedTuple):
    """One hash for each pair of a corpus.

    Attributes:
        num_pairs: in the corpus.
        of: from a slice of the pairs to their hashes, uint64[rows].
    """

    num_pairs: int
    of: Callable[[slice], np.ndarray]

    def parts(self) -> Iterator["Part"]:
        """All pairs, in parts; those of equal hashes are in the same one."""
        num_bits = 1
        while 1 << num_bits < _MOST_PARTS and self.num_pairs >> num_bits > _SMALLEST_PART:
            num_bits += 1
        return (Part(self, number, num_bits) for number in range(1 << num_bits))


class Part(NamedTuple):
    """The pairs whose hashes begin with some bits."""

    values: Values
    number: int
    num_bits: int

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """In the order of the corpus: int64[rows], places of pairs, and uint64[rows], hashes."""
        num_pairs = self.values.num_pairs
        size = max(_SMALLEST_BLOCK, num_pairs // _MOST_PARTS)
        for first in range(0, num_pairs, size):
            hashes = self.values.of(slice(first, first + size))
            rows = np.flatnonzero(hashes >> np.uint64(64 - self.num_bits) == self.number)
            if len(rows):
                yield first + rows, hashes[rows]


def prompts(hashes: np.ndarray) -> Values:
    """The hashes of the prompts, of uint64[pairs, 2], in memory or mapped from a file."""
    return Values(len(hashes), lambda rows: hashes[rows, PROMPT])


def replies(hashes: np.ndarray) -> Values:
    """The hashes of the replies."""
    return Values(len(hashes), lambda rows: hashes[rows, REPLY])


def both(hashes: np.ndarray) -> Values:
    """A hash for each pair of prompt and reply."""
    # Odd numbers, so that different prompts with the same reply stay different, and vice versa.
    one, other = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)

    def of(rows: slice) -> np.ndarray:
        prompt, reply = hashes[rows, PROMPT], hashes[rows, REPLY]
        return (prompt ^ (prompt >> np.uint64(32))) * one + reply * other

    return Values(len(hashes), of)


class Tally(NamedTuple):
    """The different hashes of a part.

    Attributes:
        hashes: uint64[different], rising.
        first: int64[different], the first place of each.
        counts: int64[different], how often each occurs.
    """

    hashes: np.ndarray
    first: np.ndarray
    counts: np.ndarray


def tally(part: Part, counted: np.ndarray | None = None) -> Tally:
    """Counts a part.

    Args:
        part: some of the pairs.
        counted: bool[pairs], those that count; None: all.
    """
    found = []
    for places, hashes in part.blocks():
        if counted is not None:
            places, hashes = places[counted[places]], hashes[counted[places]]
        different, at, counts = np.unique(hashes, return_index=True, return_counts=True)
        found.append((different, places[at], counts))
    if not found:
        nothing = np.zeros(0, np.int64)
        return Tally(nothing.astype(np.uint64), nothing, nothing)
    hashes, places, counts = map(np.concatenate, zip(*found))
    different, at, group = np.unique(hashes, return_index=True, return_inverse=True)
    totals = np.bincount(group, counts, minlength=len(different)).astype(np.int64)
    return Tally(different, places[at], totals)


def first_ones(values: Values, counted: np.ndarray) -> np.ndarray:
    """bool[pairs]: the first pair of each hash among those that count."""
    first = np.zeros(values.num_pairs, bool)
    for part in values.parts():
        first[tally(part, counted).first] = True
    return first


class Repeats(NamedTuple):
    """What occurs more than once.

    Attributes:
        duplicates: pairs that occurred before.
        distinct_prompts: different prompts.
        ambiguous_prompts: prompts with several different replies.
        ambiguous_pairs: pairs with such a prompt.
        distinct_replies: different replies.
        commonest: (how often, place of the first) of the commonest replies.
    """

    duplicates: int
    distinct_prompts: int
    ambiguous_prompts: int
    ambiguous_pairs: int
    distinct_replies: int
    commonest: list[tuple[int, int]]


def count_repeats(hashes: np.ndarray, num_commonest: int = 10) -> Repeats:
    """Counts over all pairs of a corpus.

    Args:
        hashes: uint64[pairs, 2]
        num_commonest: how many of the commonest replies are named.
    """
    different = first_ones(both(hashes), np.ones(len(hashes), bool))
    num_prompts = ambiguous_prompts = ambiguous_pairs = 0
    for part in prompts(hashes).parts():
        every, once = tally(part), tally(part, different)
        num_prompts += len(every.hashes)
        ambiguous_prompts += int((once.counts > 1).sum())
        ambiguous_pairs += int(every.counts[once.counts > 1].sum())
    num_replies, commonest = 0, []
    for part in replies(hashes).parts():
        every = tally(part)
        num_replies += len(every.hashes)
        best = np.lexsort((every.first, -every.counts))[:num_commonest]
        commonest += zip(every.counts[best].tolist(), every.first[best].tolist())
    commonest.sort(key=lambda reply: (-reply[0], reply[1]))
    return Repeats(
        int(len(hashes) - different.sum()),
        num_prompts,
        ambiguous_prompts,
        ambiguous_pairs,
        num_replies,
        commonest[:num_commonest],
    )


def beyond(values: Values, counted: np.ndarray, most: int) -> np.ndarray:
    """bool[pairs]: pairs whose hash has occurred so often before, among those that count."""
    result = np.zeros(values.num_pairs, bool)
    for part in values.parts():
        known, times = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        for places, hashes in part.blocks():
            places, hashes = places[counted[places]], hashes[counted[places]]
            different, group, counts = np.unique(hashes, return_inverse=True, return_counts=True)
            before = np.zeros(len(different), np.int64)
            at = np.minimum(np.searchsorted(known, different), max(len(known) - 1, 0))
            if len(known):
                before = np.where(known[at] == different, times[at], 0)
            # Within the block: how many equal ones stand before each.
            order = np.argsort(group, kind="stable")
            starts = np.cumsum(counts) - counts
            rank = np.arange(len(order)) - np.repeat(starts, counts)
            result[places[order[rank + before[group[order]] >= most]]] = True
            merged, at = np.unique(np.concatenate([known, different]), return_inverse=True)
            times = np.bincount(at, np.concatenate([times, counts]), len(merged)).astype(np.int64)
            known = merged
    return result


def known_in(values: Values, asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool[pairs]: pairs asked about whose hash a known pair has.

    Args:
        values: the hashes.
        asked: bool[pairs]
        known: bool[pairs]
    """
    result = np.zeros(values.num_pairs, bool)
    for part in values.parts():
        hashes = tally(part, known).hashes
        for places, own in part.blocks():
            places, own = places[asked[places]], own[asked[places]]
            result[places[np.isin(own, hashes)]] = True
    return result
