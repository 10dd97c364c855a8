"""Turns of a conversation to exchanges: a prompt, and the reply to it."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# Between two letters or digits a separator stands for a blank.
_BLANK = re.compile(r"(?<=[0-9A-Za-z])[ /]+(?=[0-9A-Za-z])")


class Exchange(NamedTuple):
    """A prompt and its reply, and whether they stand in the conversation of the one before."""

    prompt: str
    reply: str
    continues: bool


def exchanges_of(turns: Sequence[str]) -> list[Exchange]:
    """Each turn but the first as the reply to the one before.

    Raises:
        ValueError: there are fewer than two, or one of them is empty or no text.
    """
    if len(turns) < 2:
        raise ValueError(
            f"a conversation of {('no', 'one')[len(turns)]} turn; expected two or more"
        )
    for turn in turns:
        filled(turn, "turn")
    return [
        Exchange(prompt, reply, number > 0)
        for number, (prompt, reply) in enumerate(pairwise(turns))
    ]


def filled(text, name: str) -> str:
    """A text that says something.

    Raises:
        ValueError: it is empty or no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a {name} that is no text; got {type(text).__name__}")
    if not text.strip():
        raise ValueError(f"an empty {name}; expected text")
    return text


def unseparated(text: str, separator: str) -> str:
    """A text without the separators between its characters or words.

    Example:
        >>> [unseparated(text, "/") for text in ("你/好/!", "1/2/////3")]
        ['你好!', '12//3']
        >>> unseparated("我 用 TF 2", " ")
        '我用TF 2'
    """
    text = text.removesuffix(separator) if len(text) % 2 == 0 else text
    if len(text) > 1 and not text[1::2].strip(separator):
        return text[::2]
    return _BLANK.sub("\n", text).replace(separator, "").replace("\n", " ")
