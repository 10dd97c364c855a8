"""Strings or counts to numbers."""

import bisect
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

    Args:
        replies: the words of each reply.

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

    Args:
        weights: float[place], none below zero.

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


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two rows of numbers order their places alike: Spearman's, from -1 to 1.

    Equal numbers share the mean of their ranks.

    Args:
        one: a number for each place.
        other: another one for each place.

    Raises:
        ValueError: there are not as many of one as of the other, or one has equal numbers only,
            which are in no order.

    Example:
        >>> rank_correlation([0.7, 0.1, 0.2], [0.5, 0.2, 0.3])
        1.0
        >>> rank_correlation([0.7, 0.1, 0.2], [0.1, 0.7, 0.2])
        -1.0
    """
    if len(one) != len(other):
        raise ValueError(f"{len(one)} numbers and {len(other)}; expected as many.")
    ranks = [_ranks(one), _ranks(other)]
    middle = (len(one) - 1) / 2
    a, b = ([rank - middle for rank in of_one] for of_one in ranks)
    spread = math.sqrt(math.fsum(x * x for x in a) * math.fsum(x * x for x in b))
    if not spread:
        raise ValueError("all numbers of a row are equal; they have no order to compare.")
    return math.fsum(x * y for x, y in zip(a, b)) / spread


def _ranks(numbers: Sequence[float]) -> list[float]:
    """The place of each in their order, from 0; of equal ones the mean of their places."""
    ordered = sorted(numbers)
    below = {number: bisect.bisect_left(ordered, number) for number in set(numbers)}
    upto = {number: bisect.bisect_right(ordered, number) - 1 for number in below}
    return [(below[number] + upto[number]) / 2 for number in numbers]


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
    found = [echoes(prompt, reply) for prompt, reply in zip(prompts, replies)]
    total = sum(pairs for _, pairs in found)
    if not total:
        raise ValueError("no reply has two words; there is nothing to count.")
    return sum(echoed for echoed, _ in found) / total


def echoes(prompt: Sequence[str], reply: Sequence[str]) -> tuple[int, int]:
    """How many pairs of words of a reply stand in the prompt too, and how many pairs it has.

    Args:
        prompt: its words.
        reply: its words.

    Example:
        >>> echoes(["你", "喜欢", "下雨", "吗"], ["我", "喜欢", "下雨"])
        (1, 2)
    """
    asked, said = set(itertools.pairwise(prompt)), list(itertools.pairwise(reply))
    return sum(pair in asked for pair in said), len(said)


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest words to put in, leave out or exchange to make one of the other (Levenshtein).

    Args:
        one: words.
        other: words.

    Example:
        >>> edits("AH B EY T".split(), "AH B EY T S".split())
        1
    """
    costs = list(range(len(other) + 1))
    for number, word in enumerate(one, 1):
        before, costs[0] = costs[0], number
        for place, expected in enumerate(other, 1):
            before, costs[place] = (
                costs[place],
                min(before + (word != expected), costs[place] + 1, costs[place - 1] + 1),
            )
    return costs[-1]


def rouge_l(reply: Sequence[str], reference: Sequence[str]) -> float:
    """How much of the reference stands in the reply in its order: ROUGE-L's F1 (Lin 2004).

    Args:
        reply: its words.
        reference: the words of the reply that was expected.

    Returns:
        0 to 1; where one of them has no words 1 if the other has none either.

    Example:
        >>> rouge_l("晚 上 吃 面".split(), "晚 上 我 吃 面 吧".split())
        0.8
    """
    if not reply or not reference:
        return float(list(reply) == list(reference))
    longest = [0] * (len(reference) + 1)
    for word in reply:
        before = 0
        for place, expected in enumerate(reference, 1):
            before, longest[place] = (
                longest[place],
                (before + 1 if word == expected else max(longest[place], longest[place - 1])),
            )
    return 2 * longest[-1] / (len(reply) + len(reference))


def length_ratio(replies: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """The number of words in the replies, as a ratio to those in the references.

    Args:
        replies: the words of each reply.
        references: the words of each reply that was expected.

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
