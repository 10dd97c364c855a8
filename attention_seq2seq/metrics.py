"""Strings or counts to numbers."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence


def exact_match(replies: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """The share of replies that are word for word the reference.

    Args:
        replies: the words of each reply.
        references: the words of each reply that was expected.

    Raises:
        ValueError: none were given, or not as many of one as of the other.

    Example:
        >>> exact_match([["晚上", "吃", "烤鸭"], ["不", "知道"]], [["晚上", "吃", "烤鸭"], ["是"]])
        0.5
    """
    if len(replies) != len(references) or not replies:
        raise ValueError(
            f"{len(replies)} replies and {len(references)} references; expected as many of one "
            "as of the other, and at least one."
        )
    return sum(list(a) == list(b) for a, b in zip(replies, references)) / len(replies)


def largest_at(weights: Sequence[Sequence[float]], places: Sequence[int]) -> float:
    """The share of rows whose largest weight stands at the expected place.

    Args:
        weights: attention weights float[row][place].
        places: the expected place of each row.

    Raises:
        ValueError: none were given, or not as many of one as of the other.

    Example:
        >>> largest_at([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
    """
    if len(weights) != len(places) or not len(places):
        raise ValueError(
            f"{len(weights)} rows of weights and {len(places)} places; expected as many of one as "
            "of the other, and at least one."
        )
    found = [max(range(len(row)), key=row.__getitem__) for row in weights]
    return sum(a == b for a, b in zip(found, places)) / len(places)


def distinct(replies: Sequence[Sequence[str]], size: int) -> float:
    """The share of n-grams that are different ones (Li et al. 2016, "distinct-n").

    Low: the replies say the same things again and again. It falls with the number of replies:
    only equal numbers compare.

    Args:
        replies: the words of each reply.
        size: n; 1 for words, 2 for pairs of words.

    Raises:
        ValueError: no reply is as long as that.

    Example:
        >>> distinct([["不", "知道"], ["不", "知道"]], 1)
        0.5
    """
    ngrams = [
        tuple(reply[start : start + size])
        for reply in replies
        for start in range(len(reply) - size + 1)
    ]
    if not ngrams:
        raise ValueError(f"no reply has {size} words; there is nothing to count.")
    return len(set(ngrams)) / len(ngrams)


def commonest_share(replies: Sequence[Sequence[str]]) -> float:
    """The share of replies that are the commonest one: 1 where every prompt is answered alike.

    Raises:
        ValueError: there are no replies.

    Example:
        >>> commonest_share([["不", "知道"], ["是"], ["不", "知道"], ["好"]])
        0.5
    """
    if not replies:
        raise ValueError("no replies; there is nothing to count.")
    return max(Counter(map(tuple, replies)).values()) / len(replies)


def flatness(weights: Sequence[float]) -> float:
    """How evenly weights are spread: 1 where all are the same, 0 where one has all.

    The entropy of the weights as a share of the largest possible. Weights that sum to less than
    one, as of monotonic attention, are scaled up first; of weights that are all zero it is 1.

    Raises:
        ValueError: there are less than two.

    Example:
        >>> flatness([0.5, 0.5, 0.0, 0.0])
        0.5
    """
    if len(weights) < 2:
        raise ValueError(f"{len(weights)} weights; expected at least two.")
    total = float(sum(weights))
    if total <= 0:
        return 1.0
    shares = [float(weight) / total for weight in weights]
    return -sum(s * math.log(s) for s in shares if s > 0) / math.log(len(shares))


def echo_rate(prompts: Sequence[Sequence[str]], replies: Sequence[Sequence[str]]) -> float:
    """The share of pairs of words in the replies that stand in the prompt as well.

    Args:
        prompts: the words of each prompt.
        replies: the words of each reply.

    Raises:
        ValueError: not as many of one as of the other, or no reply has two words.

    Example:
        >>> echo_rate([["你", "喜欢", "下雨", "吗"]], [["我", "喜欢", "下雨"]])
        0.5
    """
    if len(prompts) != len(replies):
        raise ValueError(f"{len(prompts)} prompts and {len(replies)} replies; expected as many.")
    echoes = total = 0
    for prompt, reply in zip(prompts, replies):
        asked = set(itertools.pairwise(prompt))
        said = list(itertools.pairwise(reply))
        echoes += sum(pair in asked for pair in said)
        total += len(said)
    if not total:
        raise ValueError("no reply has two words; there is nothing to count.")
    return echoes / total


def length_ratio(replies: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """The number of words in the replies, as a ratio to those in the references.

    Raises:
        ValueError: not as many of one as of the other, or the references have no words.

    Example:
        >>> length_ratio([["不", "知道"]], [["我", "也", "不", "知道"]])
        0.5
    """
    words = sum(map(len, references))
    if len(replies) != len(references) or not words:
        raise ValueError(
            f"{len(replies)} replies and {len(references)} references of {words} words; expected "
            "as many of one as of the other, and words."
        )
    return sum(map(len, replies)) / words
