"""Pairs of a prompt and a reply, and the conversations that they belong to."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

log = logging.getLogger(__name__)


class Pair(NamedTuple):
    """A prompt, its reply, and the index of their conversation."""

    prompt: str
    reply: str
    conversation: int = 0


class Split(NamedTuple):
    """Training and validation pairs.

    Attributes:
        training: training pairs.
        validation: validation pairs.
        num_dropped: number of validation pairs dropped because they also occur in training.
    """

    training: list[Pair]
    validation: list[Pair]
    num_dropped: int = 0


def as_pairs(pairs: Iterable) -> list[Pair]:
    """Converts user input to pairs.

    Conversations of (prompt, reply) tuples are numbered. A prompt that equals the previous reply
    continues the conversation.

    Raises:
        ValueError: an element is neither a tuple of two strings nor a `Pair`.
    """
    pairs = list(pairs)
    for position, pair in enumerate(pairs):
        if not _is_pair(pair):
            raise ValueError(
                f"pairs[{position}] is {pair!r}; expected (prompt, reply) with two strings, or a "
                "Pair."
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
    # A string of two characters is also a sequence, and sets and dicts have no order.
    return (
        isinstance(pair, Sequence)
        and not isinstance(pair, str | bytes)
        and len(pair) == 2
        and all(isinstance(side, str) for side in pair)
    )


def prepend_context(pairs: Iterable[Pair], num_turns: int) -> Iterator[Pair]:
    r"""Prepends the previous turns to each prompt, one line per turn.

    Args:
        pairs: pairs in the order of their conversations.
        num_turns: maximum number of previous turns; 0: the pairs are unchanged.

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
            # If the speakers alternate, the previous reply is the prompt.
            turns.append(" ".join(previous.reply.split("\n")))
        # Line breaks separate turns, so line breaks within a turn are replaced.
        turns = [*turns, " ".join(pair.prompt.split("\n"))][-1 - num_turns :]
        yield pair._replace(prompt="\n".join(turns))
        previous = pair


def warn_about_missing_context(num_turns: int) -> None:
    """Warns that no pair of a corpus has a previous turn to prepend.

    Args:
        num_turns: maximum number of previous turns.
    """
    log.warning(
        "context_turns is %d, but no pair has a previous turn. Give a corpus of conversations.",
        num_turns,
    )
