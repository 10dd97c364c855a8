"""Strings or counts to numbers."""

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
