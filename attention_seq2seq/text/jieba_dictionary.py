"""jieba's dictionary with user words on top of it: which words there are, and how frequent."""

import hashlib
import logging
import math
import os
import re
import stat
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

# Blocks of the characters that words are made of, and what stands between them.
BLOCKS = re.compile("([\u4e00-\u9fd5a-zA-Z0-9+#&._%-]+)")
LETTER = re.compile("[a-zA-Z0-9]")
_USER_WORD = re.compile("^(.+?)( [0-9]+)?( [a-z]+)?$")

# Part-of-speech tags of jieba's dictionary. A user word may have one, which is ignored.
_TAG = re.compile(
    "ad?|ag|an|b|c|df?|dg|e|eng|f|g|h|i|j|k|l|mg?|mq|n[grstz]?|nrfg|nrt|o|p|q|r[grz]?|s|tg?|u[dgjlvz]?"
    "|v[dginq]?|x|y|zg?"
)

# Of two threads that need the dictionary first, one reads it.
_LOADING = threading.Lock()

# A count is divided as a float; larger ones mean nothing and would overflow.
_LARGEST_COUNT = 10**15


class UserWord(NamedTuple):
    """A line of a user dictionary.

    Attributes:
        word: the word.
        count: how often jieba shall suppose that it occurs; None: often enough to be cut out.
        tag: part of speech, or "".
    """

    word: str
    count: int | None
    tag: str

    @classmethod
    def parse(cls, line: str) -> "UserWord":
        """Reads a normalized line, `word [count] [tag]`.

        Raises:
            ValueError: the count is too large.
        """
        word, count, tag = _USER_WORD.match(line).groups(default="")
        count = count.strip()
        # Python refuses to read a number of thousands of digits.
        if len(count) > 100 or (count and int(count) > _LARGEST_COUNT):
            raise ValueError(f"a count of {len(count)} digits; expected at most {_LARGEST_COUNT}")
        return cls(word, int(count) if count else None, tag.strip())

    @property
    def can_match(self) -> bool:
        """Whether a text can contain it: words have Chinese characters, letters, digits, +#&._%-.

        A tag that jieba does not know, without a count, is more likely the end of a word with a
        blank in it, and would be lost.
        """
        if self.count is None and self.tag and not _TAG.fullmatch(self.tag):
            return False
        return bool(BLOCKS.fullmatch(self.word))


class JiebaDictionary:
    """jieba's dictionary with user words on top.

    Args:
        user_words: lines of a jieba user dictionary, normalized: `word [count] [tag]`. A word with
            count 0 is never a word, and is split into characters where the hidden Markov model
            finds it.

    Attributes:
        total: the sum of all counts.
        forced_splits: words with count 0.
    """

    def __init__(self, user_words: Sequence[str] = ()):
        self._shared, self.total = _jieba_counts()
        self._own: dict[str, int] = {}
        self.forced_splits: set[str] = set()
        for line in filter(None, map(str.strip, user_words)):
            self._add(UserWord.parse(line))
        # A single lookup where there are no user words.
        self.count = self._count if self._own else self._shared.get

    @property
    def counts(self) -> Mapping[str, int]:
        """All words with their counts; 0: only the beginning of other words."""
        return {**self._shared, **self._own}

    def _count(self, word: str) -> int | None:
        count = self._own.get(word)
        return self._shared.get(word) if count is None else count

    def _add(self, user_word: UserWord) -> None:
        word, count, _ = user_word
        self.count = self._count
        if count is None:
            count = self._suggested_count(word)
        self._own[word] = count
        self.total += count
        for end in range(1, len(word)):
            if self._count(word[:end]) is None:
                self._own[word[:end]] = 0
        if not count:
            self.forced_splits.add(word)

    def _suggested_count(self, word: str) -> int:
        """The least count with which the word is cut out, as `jieba.suggest_freq` finds it."""
        total, share = float(self.total), 1.0
        for part in without_guessing(word, self):
            count = self.count(part)
            share *= (1 if count is None else count) / total
        known = self.count(word)
        return max(int(share * self.total) + 1, 1 if known is None else known)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    r"""The blocks of a text, and each character between them; `\r\n` is one.

    Yields:
        A piece, and whether it is a block, which has words.
    """
    for number, piece in enumerate(BLOCKS.split(text)):
        if number % 2:
            yield piece, True
        else:
            for character in re.findall("\r\n|.", piece, re.DOTALL):
                yield character, False


def without_guessing(text: str, dictionary: JiebaDictionary) -> list[str]:
    """The words of a text, those of the dictionary only: `jieba.lcut(text, HMM=False)`."""
    words = []
    for piece, is_block in pieces(text):
        words += _with_letters_joined(most_probable(piece, dictionary)) if is_block else [piece]
    return words


def most_probable(block: str, dictionary: JiebaDictionary) -> Iterator[str]:
    """The words of a block whose product of frequencies is largest; of equal ones the longest."""
    count_of, log_total, size = dictionary.count, math.log(dictionary.total), len(block)
    scores, ends = [0.0] * (size + 1), [0] * size
    for begin in range(size - 1, -1, -1):
        best, end = None, begin + 1
        while end <= size and (count := count_of(block[begin:end])) is not None:
            if count:
                score = math.log(count) - log_total + scores[end]
                if best is None or score >= best:
                    best, ends[begin] = score, end
            end += 1
        if best is None:
            # No word begins here: the character is one, as rare as a word can be.
            best, ends[begin] = math.log(1) - log_total + scores[begin + 1], begin + 1
        scores[begin] = best
    begin = 0
    while begin < size:
        yield block[begin : ends[begin]]
        begin = ends[begin]


def _with_letters_joined(words: Iterator[str]) -> Iterator[str]:
    """Without guessing, single letters and digits beside each other are one word."""
    letters = ""
    for word in words:
        if len(word) == 1 and LETTER.match(word):
            letters += word
            continue
        if letters:
            yield letters
            letters = ""
        yield word
    if letters:
        yield letters


def import_jieba():
    """Imports jieba without the warnings that its import raises."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
        warnings.filterwarnings("ignore", message="invalid escape sequence")
        import jieba
    return jieba


def _jieba_counts() -> tuple[dict[str, int], int]:
    """Words and counts of jieba's dictionary, read once a process; to be read, not written."""
    with _LOADING:
        return _load_jieba_counts()


@cache
def _load_jieba_counts() -> tuple[dict[str, int], int]:
    tokenizer = import_jieba().Tokenizer()
    logger = logging.getLogger("jieba")
    level = logger.level
    # It reports how long reading took, and with a stack trace that a cache could not be written.
    logger.setLevel(logging.CRITICAL + 1)
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
    return tokenizer.FREQ, tokenizer.total


def _dictionary_hash(tokenizer) -> str:
    with tokenizer.get_dict_file() as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _private_folder() -> Path | None:
    """A cache folder that only this user can write to; None where there is none."""
    try:
        # A user without a home has no cache.
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(root) / "attention_seq2seq"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except (OSError, RuntimeError):
        return None
    private = status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return folder if private and os.access(folder, os.W_OK) else None
