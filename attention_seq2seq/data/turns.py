"""Turns of a conversation to exchanges: a prompt, and the reply to it."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Characters that stand without a blank beside others: Chinese, Japanese, and all punctuation.
_SOLID = f"!-/:-@\\[-`{{-~\u2010-\u205e\u3000-\u30ff\uff00-\uffef{_HAN}"


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


def separation_of(text: str, separator: str) -> str:
    """What a text has a separator between: "characters", "words", or "" where it has none.

    Chinese characters tell: if hardly any two of them stand together, each is separated.

    Example:
        >>> separation_of("你/好/呀", "/"), separation_of("会议在2024/12/25", "/")
        ('characters', '')
        >>> separation_of("我们 今天 吃 什么", " ")
        'words'
    """
    apart = len(re.findall(f"(?<=[{_HAN}]){separator}(?=[{_HAN}])", text))
    together = len(re.findall(f"(?<=[{_HAN}])(?=[{_HAN}])", text))
    if not apart or 2 * apart < together:
        return ""
    # Words have one and a half characters on average: of three pairs one is together.
    return "words" if 10 * together > apart else "characters"


def unseparated(text: str, separator: str, separation: str) -> str:
    """A turn without the separators between its characters or words.

    Between two words of a script that is written with blanks a separator becomes a blank. A
    separator that is a character of the text stands between two others. A turn whose separators
    are all among its letters and digits has none: they are a date, an address or a path.

    Args:
        text: a turn of a file.
        separator: a single character.
        separation: of the file, "characters" or "words".

    Example:
        >>> [unseparated(t, "/", "characters") for t in ("你/好/!", "1/2/////3", "在2024/12/25")]
        ['你好!', '12//3', '在2024/12/25']
        >>> [unseparated(t, " ", "words") for t in ("我 用 TF 2", "привет мир", "读 / 写")]
        ['我用TF 2', 'привет мир', '读/写']
    """
    whole = text.removesuffix(separator) if len(text) % 2 == 0 else text
    if separation == "characters" and len(whole) > 1 and not whole[1::2].strip(separator):
        return whole[::2]
    if re.search(f"[{_HAN}]", text) and not re.search(
        f"[{_HAN}]{separator}|{separator}[{_HAN}]", text
    ):
        return text
    letter = f"[^{_SOLID}{separator}]"
    between_letters = f"(?P<letters>(?<={letter}){separator}(?={letter}))"
    # Of three or more, every second one is a character between two separators.
    return re.sub(
        f"{between_letters}|{separator}+",
        lambda found: " " if found["letters"] else separator * ((len(found[0]) - 1) // 2),
        text,
    )


def listed_turns(turns: list, separation: str) -> list:
    """The turns of a JSON list; blanks between Chinese characters or words go if it has such."""
    if not separation:
        return turns
    return [unseparated(turn, " ", separation) if isinstance(turn, str) else turn for turn in turns]
