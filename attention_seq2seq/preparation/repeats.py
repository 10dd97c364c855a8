"""What occurs more than once in a corpus, found by hashes: exactly, and in little memory.

Texts are told apart by 64 bits of a hash. Among 100 million different ones the chance that any two
have the same is 1 in 3,700.

Rows are sorted part by part, each part those whose hash begins with the same bits; beside one byte
a pair for each question that is answered, some two bytes a pair are in memory at once.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

# The columns of the hashes of a corpus, uint64[pairs, 2].
PROMPT, REPLY = 0, 1

_SMALLEST_PART = 1 << 17
_MOST_PARTS = 1 << 5
_BLOCK = 1 << 20


def in_groups(hashes: np.ndarray, column: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All rows, part by part, equal ones side by side.

    Args:
        hashes: uint64[pairs, 2], in memory or mapped from a file.
        column: the one to sort by; then by the other one, then by the place in the corpus.

    Yields:
        int64[rows], places in the corpus, and uint64[rows, 2], their hashes.
    """
    num_bits = 1
    while 1 << num_bits < _MOST_PARTS and len(hashes) >> num_bits > _SMALLEST_PART:
        num_bits += 1
    shift = np.uint64(64 - num_bits)
    for part in range(1 << num_bits):
        rows = [
            first + np.flatnonzero(hashes[first : first + _BLOCK, column] >> shift == part)
            for first in range(0, len(hashes), _BLOCK)
        ]
        rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        own = hashes[rows]
        order = np.lexsort((own[:, 1 - column], own[:, column]))
        yield rows[order], own[order]


def begins(values: np.ndarray) -> np.ndarray:
    """bool[rows]: where another value stands than one row before."""
    new = np.ones(len(values), bool)
    new[1:] = values[1:] != values[:-1]
    return new


def begins_pair(hashes: np.ndarray) -> np.ndarray:
    """bool[rows]: where another pair stands than one row before."""
    return begins(hashes[:, PROMPT]) | begins(hashes[:, REPLY])


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
    duplicates = distinct = ambiguous = ambiguous_pairs = 0
    for _, own in in_groups(hashes, PROMPT):
        new_prompt, new_pair = begins(own[:, PROMPT]), begins_pair(own)
        duplicates += int((~new_pair).sum())
        prompt = np.cumsum(new_prompt) - 1
        num_replies = np.bincount(prompt, new_pair)
        distinct += len(num_replies)
        ambiguous += int((num_replies > 1).sum())
        ambiguous_pairs += int((num_replies > 1)[prompt].sum())
    distinct_replies, commonest = 0, []
    for rows, own in in_groups(hashes, REPLY):
        if not len(rows):
            continue
        starts = np.flatnonzero(begins(own[:, REPLY]))
        counts = np.diff(starts, append=len(rows))
        distinct_replies += len(counts)
        first = np.minimum.reduceat(rows, starts)
        best = np.lexsort((first, -counts))[:num_commonest]
        commonest += zip(counts[best].tolist(), first[best].tolist())
    commonest.sort(key=lambda reply: (-reply[0], reply[1]))
    return Repeats(
        duplicates,
        distinct,
        ambiguous,
        ambiguous_pairs,
        distinct_replies,
        commonest[:num_commonest],
    )
