"""Converts turns of a conversation to exchanges of a prompt and a reply."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Characters that are written without surrounding blanks: Chinese, Japanese and punctuation.
_UNSPACED = f"!-/:-@\\[-`{{-~\u2010-\u205e\u3000-\u30ff\uff00-\uffef{_HAN}"


class Exchange(NamedTuple):
    """A prompt and its reply.

    Attributes:
        prompt: the prompt.
        reply: the reply.
        is_continuation: whether the conversation of the previous exchange continues.
    """

    prompt: str
    reply: str
    is_continuation: bool


def to_exchanges(turns: Sequence[str]) -> list[Exchange]:
    """Returns an exchange for each turn except the first: the previous turn is the prompt.

    Raises:
        ValueError: there are fewer than two turns, or a turn is empty or not a string.
    """
    if len(turns) < 2:
        raise ValueError(
            f"a conversation of {('no', 'one')[len(turns)]} turn; expected two or more"
        )
    for turn in turns:
        require_text(turn, "turn")
    return [
        Exchange(prompt, reply, index > 0) for index, (prompt, reply) in enumerate(pairwise(turns))
    ]


def require_text(text, name: str) -> str:
    """Checks that a text is a nonempty string, and returns it.

    Args:
        text: the text.
        name: name of the text for errors.

    Raises:
        ValueError: the text is empty or not a string.
    """
    if not isinstance(text, str):
        raise ValueError(f"a {name} that is not text; got {type(text).__name__}")
    if not text.strip():
        raise ValueError(f"an empty {name}; expected text")
    return text


def detect_separation(text: str, separator: str) -> str:
    """Detects whether a separator separates characters or words of a text.

    If Chinese characters are rarely adjacent, each character is separated.

    Returns:
        "characters", "words", or "" if the text has no separators.

    Example:
        >>> detect_separation("你/好/呀", "/"), detect_separation("会议在2024/12/25", "/")
        ('characters', '')
        >>> detect_separation("我们 今天 吃 什么", " ")
        'words'
    """
    num_separated = len(re.findall(f"(?<=[{_HAN}]){separator}(?=[{_HAN}])", text))
    num_adjacent = len(re.findall(f"(?<=[{_HAN}])(?=[{_HAN}])", text))
    if not num_separated or 2 * num_separated < num_adjacent:
        return ""
    # Words have 1.5 characters on average, so a third of all neighbors are adjacent.
    return "words" if 10 * num_adjacent > num_separated else "characters"


def remove_separators(text: str, separator: str, separation: str) -> str:
    """Removes the separators between the characters or words of a turn.

    A separator between two words of a script with blanks becomes a blank. A separator between two
    other separators is part of the text. A turn is unchanged if all its separators are between
    letters or digits, as in dates, addresses and paths.

    Args:
        text: a turn of a file.
        separator: a single character.
        separation: "characters" or "words", as returned by `detect_separation`.

    Example:
        >>> turns = "你/好/!", "1/2/////3", "在2024/12/25"
        >>> [remove_separators(turn, "/", "characters") for turn in turns]
        ['你好!', '12//3', '在2024/12/25']
        >>> turns = "我 用 TF 2", "привет мир", "读 / 写"
        >>> [remove_separators(turn, " ", "words") for turn in turns]
        ['我用TF 2', 'привет мир', '读/写']
    """
    stripped = text.removesuffix(separator) if len(text) % 2 == 0 else text
    if separation == "characters" and len(stripped) > 1 and not stripped[1::2].strip(separator):
        return stripped[::2]
    if re.search(f"[{_HAN}]", text) and not re.search(
        f"[{_HAN}]{separator}|{separator}[{_HAN}]", text
    ):
        return text
    letter = f"[^{_UNSPACED}{separator}]"
    between_letters = f"(?P<letters>(?<={letter}){separator}(?={letter}))"
    # In a run of three or more, every second separator is part of the text.
    return re.sub(
        f"{between_letters}|{separator}+",
        lambda match: " " if match["letters"] else separator * ((len(match[0]) - 1) // 2),
        text,
    )


def remove_blank_separators(turns: list, separation: str) -> list:
    """Removes the blanks between Chinese characters or words from the turns of a JSON list."""
    if not separation:
        return turns
    return [
        remove_separators(turn, " ", separation) if isinstance(turn, str) else turn
        for turn in turns
    ]
