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


def is_separated(text: str, separator: str) -> bool:
    """Whether most Chinese characters or words of a text have a separator between them.

    Example:
        >>> is_separated("你/好/呀", "/"), is_separated("会议在2024/12/25", "/")
        (True, False)
        >>> is_separated("我们 今天 吃 什么", " ")
        True
    """
    apart = len(re.findall(f"(?<=[{_HAN}]){separator}(?=[{_HAN}])", text))
    together = len(re.findall(f"(?<=[{_HAN}])(?=[{_HAN}])", text))
    # Words have one and a half characters on average: of three pairs two are apart.
    return 2 * apart >= together and apart > 0


def unseparated(text: str, separator: str) -> str:
    """A turn without the separators between its characters or words.

    Between two words of a script that is written with blanks a separator becomes a blank. A
    separator that is a character of the text stands between two others. A turn whose separators
    are all among its letters and digits has none: they are a date, an address or a path.

    Args:
        text: a turn of a file for which `is_separated` holds.
        separator: a single character.

    Example:
        >>> [unseparated(text, "/") for text in ("你/好/!", "1/2/////3", "会议在2024/12/25")]
        ['你好!', '12//3', '会议在2024/12/25']
        >>> [unseparated(text, " ") for text in ("我 用 TF 2", "привет мир")]
        ['我用TF 2', 'привет мир']
    """
    whole = text.removesuffix(separator) if len(text) % 2 == 0 else text
    is_chinese = re.search(f"[{_HAN}]", text)
    # A single separator between two letters of another script may as well be between two words.
    if len(whole) > (1 if is_chinese else 3) and not whole[1::2].strip(separator):
        return whole[::2]
    if is_chinese and not re.search(f"[{_HAN}]{separator}|{separator}[{_HAN}]", text):
        return text
    letter = f"[^{_SOLID}{separator}]"
    between = re.compile(f"(?P<letters>(?<={letter}){separator}+(?={letter}))|{separator}")
    return separator.join(
        between.sub(lambda found: " " if found["letters"] else "", part)
        for part in text.split(3 * separator)
    )


def listed_turns(turns: list, separated: bool) -> list:
    """The turns of a JSON list; blanks between Chinese characters or words go if it has such."""
    if not separated:
        return turns
    return [unseparated(turn, " ") if isinstance(turn, str) else turn for turn in turns]
