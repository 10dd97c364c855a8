"""Metrics of token sequences and attention weights."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence


def exact_match(replies: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """Returns the fraction of replies that equal their reference, token for token.

    Args:
        replies: tokens of each reply.
        references: tokens of each reference.

    Raises:
        ValueError: there are no replies, or not as many replies as references.

    Example:
        >>> exact_match([["晚上", "吃", "烤鸭"], ["不", "知道"]], [["晚上", "吃", "烤鸭"], ["是"]])
        0.5
    """
    if len(replies) != len(references) or not replies:
        raise ValueError(
            f"{len(replies)} replies and {len(references)} references; expected equal "
            "numbers, at least one."
        )
    return sum(list(a) == list(b) for a, b in zip(replies, references)) / len(replies)


def distinct_n(replies: Sequence[Sequence[str]], n: int) -> float:
    """Returns the number of distinct n-grams divided by the number of n-grams.

    A low value means that replies repeat each other. The value decreases with the number of
    replies, so only compare equal numbers of replies.

    Args:
        replies: tokens of each reply.
        n: 1 for tokens, 2 for bigrams.

    Raises:
        ValueError: no reply has n tokens.

    Source:
        Li et al. 2016, "A Diversity-Promoting Objective Function", distinct-n.

    Example:
        >>> distinct_n([["不", "知道"], ["不", "知道"]], 1)
        0.5
    """
    ngrams = [
        tuple(reply[start : start + n]) for reply in replies for start in range(len(reply) - n + 1)
    ]
    if not ngrams:
        raise ValueError(f"No reply has {n} tokens; expected at least one.")
    return len(set(ngrams)) / len(ngrams)


def most_common_ratio(replies: Sequence[Sequence[str]]) -> float:
    """Returns the fraction of replies that equal the most common one.

    Args:
        replies: tokens of each reply.

    Raises:
        ValueError: there are no replies.

    Example:
        >>> most_common_ratio([["不", "知道"], ["是"], ["不", "知道"], ["好"]])
        0.5
    """
    if not replies:
        raise ValueError("No replies; expected at least one.")
    return max(Counter(map(tuple, replies)).values()) / len(replies)


def normalized_entropy(weights: Sequence[float]) -> float:
    """Returns the entropy of weights divided by the largest possible entropy.

    The value is 1 if all weights are equal, and 0 if only one weight is positive. Weights are first
    scaled to a sum of 1, because weights of monotonic attention may have a smaller sum. If all
    weights are zero, the value is 1.

    Args:
        weights: float[positions], not negative.

    Raises:
        ValueError: there are fewer than two weights.

    Example:
        >>> normalized_entropy([0.5, 0.5, 0.0, 0.0])
        0.5
    """
    if len(weights) < 2:
        raise ValueError(f"{len(weights)} weights; expected at least two.")
    total = float(sum(weights))
    if total <= 0:
        return 1.0
    probabilities = [float(weight) / total for weight in weights]
    return -sum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))


def count_prompt_bigrams(prompt: Sequence[str], reply: Sequence[str]) -> tuple[int, int]:
    """Counts the bigrams of a reply that also occur in the prompt, and all its bigrams.

    Args:
        prompt: tokens of the prompt.
        reply: tokens of the reply.

    Example:
        >>> count_prompt_bigrams(["你", "喜欢", "下雨", "吗"], ["我", "喜欢", "下雨"])
        (1, 2)
    """
    prompt_bigrams = set(itertools.pairwise(prompt))
    reply_bigrams = list(itertools.pairwise(reply))
    return sum(bigram in prompt_bigrams for bigram in reply_bigrams), len(reply_bigrams)


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Returns the Levenshtein distance, the minimum number of edits of single tokens.

    Args:
        a: first sequence of tokens.
        b: second sequence of tokens.

    Example:
        >>> edit_distance("AH B EY T".split(), "AH B EY T S".split())
        1
    """
    # costs[j] is the distance of the tokens of `a` so far to b[:j].
    costs = list(range(len(b) + 1))
    for i, token in enumerate(a, 1):
        diagonal, costs[0] = costs[0], i
        for j, expected in enumerate(b, 1):
            diagonal, costs[j] = (
                costs[j],
                min(diagonal + (token != expected), costs[j] + 1, costs[j - 1] + 1),
            )
    return costs[-1]


def rouge_l(reply: Sequence[str], reference: Sequence[str]) -> float:
    """Returns ROUGE-L: the F1 score of the longest common subsequence.

    Args:
        reply: tokens of the reply.
        reference: tokens of the reference.

    Returns:
        A value between 0 and 1; 1 if both sequences are empty, 0 if only one is.

    Source:
        Lin 2004, "ROUGE".

    Example:
        >>> rouge_l("晚 上 吃 面".split(), "晚 上 我 吃 面 吧".split())
        0.8
    """
    if not reply or not reference:
        return float(list(reply) == list(reference))
    # lengths[j] is the length of the subsequence of the reply so far and reference[:j].
    lengths = [0] * (len(reference) + 1)
    for token in reply:
        diagonal = 0
        for j, expected in enumerate(reference, 1):
            diagonal, lengths[j] = (
                lengths[j],
                (diagonal + 1 if token == expected else max(lengths[j], lengths[j - 1])),
            )
    return 2 * lengths[-1] / (len(reply) + len(reference))
