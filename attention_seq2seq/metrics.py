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
