"""Text to words, and words to text: three ways, one for each side of a pair."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.jieba_segmentation import segment

# Letters and digits of scripts that are written with blanks between the words.
SPACED = "0-9A-Za-z\u00c0-\u1fff"
_BOTH_SPACED = re.compile(f"[{SPACED}]\n[{SPACED}]")


class Segmenter(Protocol):
    """What a segmentation can do: cut normalised text into words, and join words to text."""

    def cut(self, text: str) -> list[str]:
        """The words of a normalised text."""

    def join(self, words: Sequence[str]) -> str:
        """The text of these words."""


def join_words(words: Sequence[str]) -> str:
    """Joins words: one blank between two Latin words, none beside a Chinese one.

    Example:
        >>> join_words(["我", "喜欢", "machine", "learning", "。"])
        '我喜欢machine learning。'
    """
    pieces = [words[0]] if words else []
    for left, right in pairwise(words):
        if _BOTH_SPACED.fullmatch(f"{left[-1:]}\n{right[:1]}"):
            pieces.append(" ")
        pieces.append(right)
    return "".join(pieces)


class JiebaSegmenter:
    """Chinese words as jieba cuts them, without the blanks it returns as words.

    Args:
        hmm: whether words that the dictionary lacks are guessed.
        dictionary: the words; jieba's alone by default.

    Example:
        >>> JiebaSegmenter().cut("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
    """

    def __init__(self, hmm: bool = True, dictionary: JiebaDictionary | None = None):
        self.hmm = hmm
        self.dictionary = dictionary or JiebaDictionary()

    def cut(self, text: str) -> list[str]:
        """The words of a normalised text."""
        words = segment(text, self.dictionary, self.hmm)
        return [word for word in words if not word.isspace()]

    join = staticmethod(join_words)


class CharacterSegmenter:
    """Every character is a word, the blank too: Latin words stay apart."""

    def cut(self, text: str) -> list[str]:
        """The characters of a normalised text."""
        return list(text)

    def join(self, words: Sequence[str]) -> str:
        """The characters in a row."""
        return "".join(words)


class BlankSegmenter:
    """For text that is already segmented: words are what stands between blanks."""

    def cut(self, text: str) -> list[str]:
        """The words of a normalised text."""
        return text.split()

    join = staticmethod(join_words)


def join_for(name: str) -> Callable[[Sequence[str]], str]:
    """How the segmenter that a configuration names joins words, without loading it."""
    return "".join if name == "characters" else join_words


def segmenter_for(
    name: str, jieba_hmm: bool = True, dictionary: JiebaDictionary | None = None
) -> Segmenter:
    """The segmenter that a configuration names: jieba, characters or blanks."""
    if name == "jieba":
        return JiebaSegmenter(jieba_hmm, dictionary)
    return {"characters": CharacterSegmenter, "blanks": BlankSegmenter}[name]()
