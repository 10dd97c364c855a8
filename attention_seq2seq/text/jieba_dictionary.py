"""jieba's dictionary with user words: words and their frequencies."""

import hashlib
import logging
import math
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.utils.posix import is_private

# A block is a run of characters that words can consist of.
BLOCK_PATTERN = re.compile("([\u4e00-\u9fd5a-zA-Z0-9+#&._%-]+)")
_ALPHANUMERIC = re.compile("[a-zA-Z0-9]")
_USER_WORD = re.compile("^(.+?)( [0-9]+)?( [a-z]+)?$")

# Part-of-speech tags of jieba's dictionary. A user word may have one, which is ignored.
_TAG = re.compile(
    "ad?|ag|an|b|c|df?|dg|e|eng|f|g|h|i|j|k|l|mg?|mq|n[grstz]?|nrfg|nrt|o|p|q|r[grz]?|s|tg?|u[dgjlvz]?"
    "|v[dginq]?|x|y|zg?"
)

# Only one thread loads the dictionary.
_LOADING_LOCK = threading.Lock()

# Counts are divided as floats, which larger counts would overflow.
_MAX_COUNT = 10**15


class UserWord(NamedTuple):
    """A line of a user dictionary.

    Attributes:
        word: the word.
        count: frequency of the word; None: the smallest count that keeps jieba from splitting it.
        tag: part of speech; "": none.
    """

    word: str
    count: int | None
    tag: str

    @classmethod
    def parse(cls, line: str) -> "UserWord":
        """Parses a normalized line, `word [count] [tag]`.

        Raises:
            ValueError: the count is too large.
        """
        word, count, tag = _USER_WORD.match(line).groups(default="")
        count = count.strip()
        # Python does not convert strings of thousands of digits to integers.
        if len(count) > 100 or (count and int(count) > _MAX_COUNT):
            raise ValueError(f"a count of {len(count)} digits; expected at most {_MAX_COUNT}")
        return cls(word, int(count) if count else None, tag.strip())

    @property
    def is_matchable(self) -> bool:
        """Whether jieba can find the word in a text.

        Words consist of Chinese characters, letters, digits and +#&._%-. An unknown tag without a
        count is probably the end of a word with a space, so such a line does not match.
        """
        if self.count is None and self.tag and not _TAG.fullmatch(self.tag):
            return False
        return bool(BLOCK_PATTERN.fullmatch(self.word))


class JiebaDictionary:
    """jieba's dictionary with user words.

    Args:
        user_words: lines of a jieba user dictionary, normalized: `word [count] [tag]`. A word with
            count 0 is always split: into characters, if the hidden Markov model finds it.

    Attributes:
        total: sum of all counts.
        forced_splits: words with count 0.
    """

    def __init__(self, user_words: Sequence[str] = ()):
        self._base_counts, self.total = _jieba_counts()
        self._user_counts: dict[str, int] = {}
        self.forced_splits: set[str] = set()
        lines = list(filter(None, map(str.strip, user_words)))
        # Without user words, one lookup is enough.
        self.count = self._count if lines else self._base_counts.get
        for line in lines:
            self._add_user_word(UserWord.parse(line))

    @property
    def counts(self) -> Mapping[str, int]:
        """Counts of all words; 0 marks prefixes that are not words."""
        return {**self._base_counts, **self._user_counts}

    def _count(self, word: str) -> int | None:
        count = self._user_counts.get(word)
        return self._base_counts.get(word) if count is None else count

    def _add_user_word(self, user_word: UserWord) -> None:
        word, count, _ = user_word
        if count is None:
            count = self._suggest_count(word)
        self._user_counts[word] = count
        self.total += count
        for end in range(1, len(word)):
            if self._count(word[:end]) is None:
                self._user_counts[word[:end]] = 0
        if not count:
            self.forced_splits.add(word)

    def _suggest_count(self, word: str) -> int:
        """Returns the smallest count that keeps a word whole, as `jieba.suggest_freq`."""
        total, probability = float(self.total), 1.0
        for part in segment_without_hmm(word, self):
            count = self.count(part)
            probability *= (1 if count is None else count) / total
        current_count = self.count(word)
        return max(int(probability * self.total) + 1, 1 if current_count is None else current_count)


def split_blocks(text: str) -> Iterator[tuple[str, bool]]:
    r"""Yields the blocks of a text, and each character between blocks.

    Yields:
        Tuples of a piece of the text and whether the piece is a block. `\r\n` is one piece.
    """
    for index, piece in enumerate(BLOCK_PATTERN.split(text)):
        if index % 2:
            yield piece, True
        else:
            for character in re.findall("\r\n|.", piece, re.DOTALL):
                yield character, False


def segment_without_hmm(text: str, dictionary: JiebaDictionary) -> list[str]:
    """Segments a text by the dictionary only, as `jieba.lcut(text, HMM=False)`."""
    words = []
    for piece, is_block in split_blocks(text):
        if is_block:
            words += _join_letters(max_probability_segmentation(piece, dictionary))
        else:
            words.append(piece)
    return words


def max_probability_segmentation(block: str, dictionary: JiebaDictionary) -> Iterator[str]:
    """Yields the words of a block with the largest product of frequencies.

    Among equally probable words, the longest is chosen.
    """
    get_count, log_total, size = dictionary.count, math.log(dictionary.total), len(block)
    scores, ends = [0.0] * (size + 1), [0] * size
    for start in range(size - 1, -1, -1):
        best_score, end = None, start + 1
        while end <= size and (count := get_count(block[start:end])) is not None:
            if count:
                score = math.log(count) - log_total + scores[end]
                if best_score is None or score >= best_score:
                    best_score, ends[start] = score, end
            end += 1
        if best_score is None:
            # No word starts here, so the character is a word with count 1.
            best_score, ends[start] = math.log(1) - log_total + scores[start + 1], start + 1
        scores[start] = best_score
    start = 0
    while start < size:
        yield block[start : ends[start]]
        start = ends[start]


def _join_letters(words: Iterator[str]) -> Iterator[str]:
    """Joins consecutive single letters and digits to one word, as jieba does without the HMM."""
    for is_letter, group in groupby(words, lambda word: bool(_ALPHANUMERIC.fullmatch(word))):
        if is_letter:
            yield "".join(group)
        else:
            yield from group


def import_jieba():
    """Imports jieba without the warnings that its import raises."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
        warnings.filterwarnings("ignore", message="invalid escape sequence")
        import jieba
    return jieba


def _jieba_counts() -> tuple[dict[str, int], int]:
    """Returns the counts of jieba's dictionary and their sum. Do not modify the counts."""
    with _LOADING_LOCK:
        return _load_jieba_counts()


@cache
def _load_jieba_counts() -> tuple[dict[str, int], int]:
    jieba_tokenizer = import_jieba().Tokenizer()
    logger = logging.getLogger("jieba")
    level = logger.level
    # jieba logs the loading time, and a stack trace if the cache cannot be written.
    logger.setLevel(logging.CRITICAL + 1)
    try:
        cache_dir = _private_cache_dir()
        if cache_dir is None:
            with tempfile.TemporaryDirectory() as temporary:
                jieba_tokenizer.tmp_dir = temporary
                jieba_tokenizer.initialize()
        else:
            jieba_tokenizer.tmp_dir = str(cache_dir)
            # jieba does not check that the cache fits the dictionary, so the name has a hash.
            jieba_tokenizer.cache_file = f"jieba-{_dictionary_hash(jieba_tokenizer)}.cache"
            jieba_tokenizer.initialize()
    finally:
        logger.setLevel(level)
    return jieba_tokenizer.FREQ, jieba_tokenizer.total


def _dictionary_hash(jieba_tokenizer) -> str:
    with jieba_tokenizer.get_dict_file() as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _private_cache_dir() -> Path | None:
    """Returns a cache directory that only this user can write to; None if there is none."""
    try:
        # Raises RuntimeError for a user without a home directory.
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache_dir = Path(root) / "attention_seq2seq"
        cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cache_dir if is_private(cache_dir) else None
    except (OSError, RuntimeError):
        return None
