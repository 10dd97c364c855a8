"""Word segmentation: by jieba, into characters, or at whitespace."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.jieba_segmentation import segment

# Letters and digits of scripts that separate words by spaces, for a regular expression.
SPACE_DELIMITED_CHARACTERS = "0-9A-Za-z\u00c0-\u1fff"
_TWO_SPACE_DELIMITED = re.compile(f"[{SPACE_DELIMITED_CHARACTERS}]\n[{SPACE_DELIMITED_CHARACTERS}]")


class Segmenter(Protocol):
    """Splits normalized text into words, and joins words to text."""

    def segment(self, text: str) -> list[str]:
        """Returns the words of a normalized text."""

    def join(self, words: Sequence[str]) -> str:
        """Returns the text of words."""


def join_words(words: Sequence[str]) -> str:
    """Joins words: with a space between two Latin words, with none beside a Chinese word.

    Example:
        >>> join_words(["我", "喜欢", "machine", "learning", "。"])
        '我喜欢machine learning。'
    """
    pieces = [words[0]] if words else []
    for left, right in pairwise(words):
        if _TWO_SPACE_DELIMITED.fullmatch(f"{left[-1:]}\n{right[:1]}"):
            pieces.append(" ")
        pieces.append(right)
    return "".join(pieces)


class JiebaSegmenter:
    """Segments Chinese text as jieba does, without the whitespace that jieba returns as words.

    Args:
        hmm: whether a hidden Markov model finds words that the dictionary lacks.
        dictionary: the words; jieba's own by default.

    Example:
        >>> JiebaSegmenter().segment("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
    """

    def __init__(self, hmm: bool = True, dictionary: JiebaDictionary | None = None):
        self.hmm = hmm
        self.dictionary = dictionary or JiebaDictionary()

    def segment(self, text: str) -> list[str]:
        """Returns the words of a normalized text."""
        words = segment(text, self.dictionary, self.hmm)
        return [word for word in words if not word.isspace()]

    join = staticmethod(join_words)


class CharacterSegmenter:
    """Makes each character a word, spaces included, so that joining restores the text."""

    def segment(self, text: str) -> list[str]:
        """Returns the characters of a normalized text."""
        return list(text)

    def join(self, words: Sequence[str]) -> str:
        """Returns the concatenated characters."""
        return "".join(words)


class WhitespaceSegmenter:
    """Splits text that is segmented already at whitespace."""

    def segment(self, text: str) -> list[str]:
        """Returns the words of a normalized text."""
        return text.split()

    join = staticmethod(join_words)


def make_joiner(name: str) -> Callable[[Sequence[str]], str]:
    """Returns the `join` of the segmenter that a configuration names, without its dictionary."""
    return "".join if name == "characters" else join_words


def make_segmenter(
    name: str, jieba_hmm: bool = True, dictionary: JiebaDictionary | None = None
) -> Segmenter:
    """Returns the segmenter that a configuration names: jieba, characters or blanks."""
    if name == "jieba":
        return JiebaSegmenter(jieba_hmm, dictionary)
    return {"characters": CharacterSegmenter, "whitespace": WhitespaceSegmenter}[name]()
