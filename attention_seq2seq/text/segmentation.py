"""Text to words, and words to text: three ways, one for each side of a pair."""

import hashlib
import io
import logging
import os
import re
import stat
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol

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
    """Chinese words by jieba, without the blanks it returns as words.

    Each segmenter has a tokenizer of its own: nothing that a program does to `jieba` elsewhere
    reaches it, and its user words reach nobody else.

    Args:
        hmm: whether jieba guesses words that its dictionary lacks.
        user_words: lines of a jieba user dictionary, normalised: `word [count]`.

    Example:
        >>> JiebaSegmenter().cut("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
    """

    def __init__(self, hmm: bool = True, user_words: Sequence[str] = ()):
        self.hmm = hmm
        self.tokenizer = tokenizer_with(tuple(user_words))

    def cut(self, text: str) -> list[str]:
        """The words of a normalised text."""
        return [word for word in self.tokenizer.lcut(text, HMM=self.hmm) if not word.isspace()]

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


def segmenter_for(name: str, jieba_hmm: bool, user_words: Sequence[str] = ()) -> Segmenter:
    """The segmenter that a configuration names: jieba, characters or blanks."""
    if name == "jieba":
        return JiebaSegmenter(jieba_hmm, user_words)
    return {"characters": CharacterSegmenter, "blanks": BlankSegmenter}[name]()


@cache
def tokenizer_with(user_words: tuple[str, ...]):
    """A jieba tokenizer of our own, loaded quietly and from a cache that nobody else can write."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
        warnings.filterwarnings("ignore", message="invalid escape sequence")
        import jieba

    tokenizer = jieba.Tokenizer()
    logger = logging.getLogger("jieba")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        folder = _private_folder()
        if folder is None:
            with tempfile.TemporaryDirectory() as temporary:
                tokenizer.tmp_dir = temporary
                tokenizer.initialize()
        else:
            tokenizer.tmp_dir = str(folder)
            # jieba never asks whether its cache is of this dictionary; the name does.
            tokenizer.cache_file = f"jieba-{_dictionary_hash(tokenizer)}.cache"
            tokenizer.initialize()
    finally:
        logger.setLevel(level)
    if user_words:
        tokenizer.load_userdict(io.StringIO("\n".join(user_words)))
    return tokenizer


def _dictionary_hash(tokenizer) -> str:
    with tokenizer.get_dict_file() as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _private_folder() -> Path | None:
    """A cache folder that only this user can write to; None where there is none."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "attention_seq2seq"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    private = status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if private and os.access(folder, os.W_OK) else None
