"""What a corpus is made of."""

from collections.abc import Iterable, Iterator, Sequence
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
        ValueError: an element is neither two strings nor a `Pair`; with its position.
    """
    pairs = list(pairs)
    for position, pair in enumerate(pairs):
        if not _is_pair(pair):
            raise ValueError(
                f"pairs[{position}] is {pair!r}, no pair; expected (prompt, reply), two strings, "
                "or a Pair."
            )
    if all(isinstance(pair, Pair) for pair in pairs):
        return pairs
    return list(in_conversations((pair[0], pair[1]) for pair in pairs))


def _is_pair(pair) -> bool:
    if isinstance(pair, Pair):
        return all(isinstance(side, str) for side in pair[:2]) and isinstance(pair[2], int)
    # Two characters of a string are no pair, nor are two keys of a dict in no order.
    return (
        isinstance(pair, Sequence)
        and not isinstance(pair, str | bytes)
        and len(pair) == 2
        and all(isinstance(side, str) for side in pair)
    )


def with_context(pairs: Iterable[Pair], num_turns: int) -> Iterator[Pair]:
    r"""Puts the turns before it in front of each prompt, a line each.

    Args:
        pairs: in the order of their conversations.
        num_turns: how many earlier turns at most; 0: the pairs as they are.

    Example:
        >>> pairs = [Pair("你好", "你好呀", 1), Pair("你好呀", "吃了吗", 1)]
        >>> [pair.prompt for pair in with_context(pairs, 2)]
        ['你好', '你好\n你好呀']
    """
    if not num_turns:
        yield from pairs
        return
    before, turns = None, []
    for pair in pairs:
        if before is None or pair.conversation != before.conversation:
            turns = []
        elif pair.prompt != before.reply:
            # The next prompt does not repeat it where two speakers take turns.
            turns.append(" ".join(before.reply.split("\n")))
        # A line break inside of a turn is none between turns.
        turns = [*turns, " ".join(pair.prompt.split("\n"))][-1 - num_turns :]
        yield pair._replace(prompt="\n".join(turns))
        before = pair
