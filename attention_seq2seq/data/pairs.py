"""What a corpus is made of."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Pair(NamedTuple):
    """A prompt and its reply, and the number of the conversation they stand in."""

    prompt: str
    reply: str
    conversation: int = 0


class Split(NamedTuple):
    """Pairs to train on, pairs to validate on, and how many stood in both and were dropped."""

    training: list[Pair]
    validation: list[Pair]
    num_dropped: int = 0


def in_conversations(exchanges: Iterable[tuple[str, str] | None]) -> Iterator[Pair]:
    """Numbers conversations: a prompt equal to the reply before it continues one.

    Args:
        exchanges: (prompt, reply); None ends a conversation.
    """
    conversation, last_reply = -1, None
    for exchange in exchanges:
        if exchange is None:
            last_reply = None
            continue
        prompt, reply = exchange
        conversation += prompt != last_reply
        last_reply = reply
        yield Pair(prompt, reply, conversation)


def as_pairs(pairs: Iterable) -> list[Pair]:
    """Pairs of a user: `Pair` as it is, (prompt, reply) numbered by `in_conversations`.

    Raises:
        ValueError: an element is no pair of strings.
    """
    pairs = list(pairs)
    for pair in pairs:
        if len(pair) < 2 or not isinstance(pair[0], str) or not isinstance(pair[1], str):
            raise ValueError(f"{pair!r} is no pair; expected (prompt, reply), two strings.")
    if all(isinstance(pair, Pair) for pair in pairs):
        return pairs
    return list(in_conversations((pair[0], pair[1]) for pair in pairs))
