"""Segments texts by jieba, into characters, or at whitespace."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.jieba_segmentation import segment

# Letters and digits of scripts that separate words by spaces, for a regular expression.
SPACE_DELIMITED_CHARACTERS = "0-9A-Za-z\u00c0-\u1fff"
_TWO_SPACE_DELIMITED = re.compile(f"[{SPACE_DELIMITED_CHARACTERS}]\n[{SPACE_DELIMITED_CHARACTERS}]")


def join_words(words: Sequence[str]) -> str:
    """Joins words to text, with spaces only between two Latin words.

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


def segment_by_jieba(
    text: str, dictionary: JiebaDictionary | None = None, hmm: bool = True
) -> list[str]:
    """Segments Chinese text by jieba, without whitespace.

    Args:
        text: a normalized text.
        dictionary: the dictionary; None: jieba's default dictionary.
        hmm: whether a hidden Markov model finds words that are not in the dictionary.

    Example:
        >>> segment_by_jieba("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
    """
    words = segment(text, dictionary or JiebaDictionary(), hmm)
    return [word for word in words if not word.isspace()]


def make_segmenter(
    name: str, jieba_hmm: bool = True, dictionary: JiebaDictionary | None = None
) -> Callable[[str], list[str]]:
    """Returns a function that splits normalized text into words.

    Args:
        name: jieba, characters (with spaces, so that joining restores the text), or whitespace.
        jieba_hmm: whether a hidden Markov model finds words that are not in the dictionary.
        dictionary: the dictionary of jieba.
    """
    segmenters = {
        "jieba": partial(segment_by_jieba, dictionary=dictionary, hmm=jieba_hmm),
        "characters": list,
        "whitespace": str.split,
    }
    return segmenters[name]


def make_joiner(name: str) -> Callable[[Sequence[str]], str]:
    """Returns a function that joins the words of a segmenter to text."""
    return "".join if name == "characters" else join_words
