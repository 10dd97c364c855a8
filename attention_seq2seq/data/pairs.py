"""Pairs of a prompt and a reply, and the conversations that they belong to."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Pair(NamedTuple):
    """A prompt and its reply, and the number of their conversation."""

    prompt: str
    reply: str
    conversation: int = 0


class Split(NamedTuple):
    """Training and validation pairs.

    Attributes:
        training: pairs to train on.
        validation: pairs to validate on.
        num_dropped: the number of validation pairs dropped because training has them too.
    """

    training: list[Pair]
    validation: list[Pair]
    num_dropped: int = 0


def as_pairs(pairs: Iterable) -> list[Pair]:
    """Converts user input to pairs.

    The conversations of (prompt, reply) are numbered. A prompt that equals the reply before it
    continues a conversation.

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
    numbered, conversation, last_reply = [], -1, None
    for prompt, reply, *_ in pairs:
        conversation += prompt != last_reply
        last_reply = reply
        numbered.append(Pair(prompt, reply, conversation))
    return numbered


def _is_pair(pair) -> bool:
    if isinstance(pair, Pair):
        return all(isinstance(side, str) for side in pair[:2]) and isinstance(pair[2], int)
    # A string of two characters is a sequence too, and a set or dict has no order.
    return (
        isinstance(pair, Sequence)
        and not isinstance(pair, str | bytes)
        and len(pair) == 2
        and all(isinstance(side, str) for side in pair)
    )


def prepend_context(pairs: Iterable[Pair], num_turns: int) -> Iterator[Pair]:
    r"""Puts the previous turns in front of each prompt, a line each.

    Args:
        pairs: in the order of their conversations.
        num_turns: the most previous turns; 0 leaves the pairs unchanged.

    Example:
        >>> pairs = [Pair("你好", "你好呀", 1), Pair("你好呀", "吃了吗", 1)]
        >>> [pair.prompt for pair in prepend_context(pairs, 2)]
        ['你好', '你好\n你好呀']
    """
    if not num_turns:
        yield from pairs
        return
    previous, turns = None, []
    for pair in pairs:
        if previous is None or pair.conversation != previous.conversation:
            turns = []
        elif pair.prompt != previous.reply:
            # Where two speakers take turns, the prompt is the previous reply.
            turns.append(" ".join(previous.reply.split("\n")))
        # Line breaks separate turns, so those within a turn are removed.
        turns = [*turns, " ".join(pair.prompt.split("\n"))][-1 - num_turns :]
        yield pair._replace(prompt="\n".join(turns))
        previous = pair
