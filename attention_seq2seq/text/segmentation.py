"""Segments texts by jieba, into characters, at whitespace, or into words and punctuation."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.jieba_segmentation import segment

# Letters and digits of scripts that separate words by spaces, for a regular expression.
SPACE_DELIMITED_CHARACTERS = "0-9A-Za-z\u00c0-\u1fff"
# First and last letters of scripts that separate words by spaces: the blocks from Latin to Greek
# Extended, without common punctuation, and Hangul.
LETTER_RANGES = (
    *("AZ", "az", "ªª", "µµ", "ºº", "ÀÖ", "Øö", "ø\u037d", "\u037f\u0386", "\u0388\u0559"),
    *("\u0560\u0588", "\u0591\u05bd", "\u05bf\u05bf", "\u05c1\u05c2", "\u05c4\u05c5"),
    *("\u05c7\u05f2", "\u0610\u061a", "\u0620\u0669", "\u066e\u06d3", "\u06d5\u06ff"),
    *("\u070f\u0963", "\u0966\u1fff", "\uac00\ud7ff"),
)
# Mark of a word without a blank before it: a fullwidth character, which no normalized text has.
ATTACHED = "＋"
_LETTERS = "".join(f"{first}-{last}" for first, last in LETTER_RANGES)
_WORD = re.compile(f"[{_LETTERS}]+|[0-9]+|[^ ]")
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


def segment_words(text: str) -> list[str]:
    """Segments a text into runs of letters, runs of digits, and other characters.

    A word has the mark ＋ if no blank precedes it, so that `join_attached_words` restores the text.

    Args:
        text: a normalized text.

    Example:
        >>> segment_words("it's 5km, (or so)")
        ['it', "＋'", '＋s', '5', '＋km', '＋,', '(', '＋or', 'so', '＋)']
    """
    return [
        (ATTACHED if match.start() and text[match.start() - 1] != " " else "") + match[0]
        for match in _WORD.finditer(text)
    ]


def join_attached_words(words: Sequence[str]) -> str:
    """Joins words to text, with a blank before each word that has no mark.

    Example:
        >>> join_attached_words(["it", "＋'", "＋s", "late", "＋."])
        "it's late."
    """
    text = "".join(
        word.removeprefix(ATTACHED) if word.startswith(ATTACHED) else f" {word}" for word in words
    )
    return text.removeprefix(" ")


def make_segmenter(
    name: str, jieba_hmm: bool = True, dictionary: JiebaDictionary | None = None
) -> Callable[[str], list[str]]:
    """Returns a function that splits normalized text into words.

    Args:
        name: jieba, characters (with spaces, so that joining restores the text), whitespace, or
            words.
        jieba_hmm: whether a hidden Markov model finds words that are not in the dictionary.
        dictionary: the dictionary of jieba.
    """
    segmenters = {
        "jieba": partial(segment_by_jieba, dictionary=dictionary, hmm=jieba_hmm),
        "characters": list,
        "whitespace": str.split,
        "words": segment_words,
    }
    return segmenters[name]


def make_joiner(name: str) -> Callable[[Sequence[str]], str]:
    """Returns a function that joins the words of a segmenter to text."""
    joiners = {"characters": "".join, "words": join_attached_words}
    return joiners.get(name, join_words)
