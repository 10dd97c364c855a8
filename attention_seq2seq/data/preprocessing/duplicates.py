"""Finds duplicates in a corpus by 64-bit hashes.

Among 100 million distinct texts, the probability of any hash collision is 1 in 3,700.
"""

from typing import NamedTuple

import numpy as np

# Columns of the hashes of a corpus, uint64[pairs, 2].
PROMPT, REPLY = 0, 1


def pair_hashes(hashes: np.ndarray) -> np.ndarray:
    """Returns uint64[pairs], a hash of each pair of prompt and reply.

    Args:
        hashes: uint64[pairs, 2], the hashes of prompts and replies.
    """
    # Multiplication by an odd number is a bijection, so pairs that differ in only one side keep
    # different hashes.
    prompt_factor, reply_factor = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
    prompt, reply = hashes[:, PROMPT], hashes[:, REPLY]
    return (prompt ^ (prompt >> np.uint64(32))) * prompt_factor + reply * reply_factor


def first_occurrences(hashes: np.ndarray, is_counted: np.ndarray) -> np.ndarray:
    """Returns bool[pairs], True at the first counted pair of each hash.

    Args:
        hashes: uint64[pairs], hash of each pair.
        is_counted: bool[pairs], whether the pair is counted.

    Example:
        >>> first_occurrences(np.array([5, 5, 7, 5]), np.array([False, True, True, True]))
        array([False,  True,  True, False])
    """
    order, is_start = _sort_positions(hashes, is_counted)
    is_first = np.zeros(len(hashes), bool)
    is_first[order[is_start]] = True
    return is_first


def occurrences_beyond(
    hashes: np.ndarray, is_counted: np.ndarray, max_occurrences: int
) -> np.ndarray:
    """Returns bool[pairs], True at counted pairs beyond the first `max_occurrences` of a hash.

    Args:
        hashes: uint64[pairs], hash of each pair.
        is_counted: bool[pairs], whether the pair is counted.
        max_occurrences: maximum number of occurrences, at least 1.

    Example:
        >>> occurrences_beyond(np.array([5, 5, 7, 5]), np.ones(4, bool), 2)
        array([False, False, False,  True])
    """
    order, is_start = _sort_positions(hashes, is_counted)
    index = np.arange(len(order), dtype=np.uint32)
    num_previous = index - np.maximum.accumulate(np.where(is_start, index, np.uint32(0)))
    is_beyond = np.zeros(len(hashes), bool)
    is_beyond[order[num_previous >= max_occurrences]] = True
    return is_beyond


def is_in(hashes: np.ndarray, is_candidate: np.ndarray, is_reference: np.ndarray) -> np.ndarray:
    """Returns bool[pairs], True at candidates whose hash occurs among the reference pairs.

    Args:
        hashes: uint64[pairs], hash of each pair.
        is_candidate: bool[pairs], whether the pair is a candidate.
        is_reference: bool[pairs], whether the pair is a reference.
    """
    result = np.zeros(len(hashes), bool)
    # np.isin would copy the hashes several times.
    reference, candidates = np.sort(hashes[is_reference]), hashes[is_candidate]
    if len(reference):
        index = np.minimum(np.searchsorted(reference, candidates), len(reference) - 1)
        result[is_candidate] = reference[index] == candidates
    return result


def _sort_positions(hashes: np.ndarray, is_counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorts the counted positions by hash, then by corpus order.

    Returns:
        uint32[counted], the positions, and bool[counted], whether a position is the first of its
        hash.
    """
    positions = np.flatnonzero(is_counted).astype(np.uint32)
    counted = hashes[positions]
    order = np.argsort(counted, kind="stable").astype(np.uint32)
    counted = counted[order]
    is_start = np.ones(len(order), bool)
    is_start[1:] = counted[1:] != counted[:-1]
    return positions[order], is_start


class DuplicateStats(NamedTuple):
    """Counts of repeated prompts, replies and pairs.

    Attributes:
        num_duplicates: number of pairs that repeat an earlier pair.
        num_distinct_prompts: number of distinct prompts.
        num_ambiguous_prompts: number of prompts with several different replies.
        num_ambiguous_pairs: number of pairs with such a prompt.
        num_distinct_replies: number of distinct replies.
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
        hashes: uint64[pairs, 2], the hashes of prompts and replies.
        num_most_common: number of most common replies.
    """
    is_first_pair = first_occurrences(pair_hashes(hashes), np.ones(len(hashes), bool))
    prompt_counts, num_different_replies = _count_replies(hashes[:, PROMPT], is_first_pair)
    is_ambiguous = num_different_replies > 1
    num_replies, most_common = _count_most_common(hashes[:, REPLY], num_most_common)
    return DuplicateStats(
        num_duplicates=int(len(hashes) - is_first_pair.sum()),
        num_distinct_prompts=len(prompt_counts),
        num_ambiguous_prompts=int(is_ambiguous.sum()),
        num_ambiguous_pairs=int(prompt_counts[is_ambiguous].sum()),
        num_distinct_replies=num_replies,
        most_common=most_common,
    )


def _count_replies(
    prompt_hashes: np.ndarray, is_first_pair: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of pairs and of replies of each prompt, both uint32[prompts]."""
    order, is_start = _sort_positions(prompt_hashes, np.ones(len(prompt_hashes), bool))
    starts = np.flatnonzero(is_start)
    counts = np.diff(starts, append=len(order)).astype(np.uint32)
    return counts, np.add.reduceat(is_first_pair[order], starts, dtype=np.uint32)


def _count_most_common(
    reply_hashes: np.ndarray, num_most_common: int
) -> tuple[int, list[tuple[int, int]]]:
    """Returns the number of distinct replies, and (count, first position) of the most common."""
    order, is_start = _sort_positions(reply_hashes, np.ones(len(reply_hashes), bool))
    first_positions = order[is_start]
    counts = np.diff(np.flatnonzero(is_start), append=len(order)).astype(np.uint32)
    # Sorts by count, then by position.
    keys = counts.astype(np.uint64) << np.uint64(32) | ~first_positions
    num_most_common = min(num_most_common, len(keys))
    largest = np.argpartition(keys, -num_most_common)[-num_most_common:]
    largest = largest[np.argsort(keys[largest])[::-1]]
    most_common = zip(counts[largest].tolist(), first_positions[largest].tolist())
    return len(counts), list(most_common)
