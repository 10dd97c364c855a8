"""jieba's word segmentation, computed here: same words, linear time, no state of the process.

The dictionary and the tables of the hidden Markov model are jieba's. The two algorithms that read
them are written anew, because jieba keeps words that must be split in a global set, which every
other user of jieba in the process changes, and copies a path at each character.
"""

import hashlib
import logging
import math
import os
import re
import stat
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

_IN_BLOCKS = "\u4e00-\u9fd5a-zA-Z0-9+#&._%-"
_BLOCKS = re.compile(f"([{_IN_BLOCKS}]+)")
_CHINESE = re.compile("([\u4e00-\u9fd5]+)")
_NUMBERS = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")
_LETTER = re.compile("[a-zA-Z0-9]")
_USER_WORD = re.compile("^(.+?)( [0-9]+)?( [a-z]+)?$")

# Part-of-speech tags of jieba's dictionary. A user word may have one, which is ignored.
_TAG = re.compile(
    "ad?|ag|an|b|c|df?|dg|e|eng|f|g|h|i|j|k|l|mg?|mq|n[grstz]?|nrfg|nrt|o|p|q|r[grz]?|s|tg?|u[dgjlvz]?"
    "|v[dginq]?|x|y|zg?"
)

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
        if len(count) > len(str(_LARGEST_COUNT)):
            raise ValueError(f"a count of {len(count) - 1} digits; expected at most 10^15")
        return cls(word, int(count) if count else None, tag.strip())

    @property
    def can_match(self) -> bool:
        """Whether a text can contain it: words have Chinese characters, letters, digits, +#&._%-.

        A Latin word with an unknown tag counts as two words, of which the second would be lost.
        """
        is_phrase = self.count is None and self.tag and _LETTER.match(self.word[-1])
        if is_phrase and not _TAG.fullmatch(self.tag):
            return False
        return bool(_BLOCKS.fullmatch(self.word))


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
        for part in segment(word, self, hmm=False):
            count = self.count(part)
            share *= (1 if count is None else count) / total
        known = self.count(word)
        return max(int(share * self.total) + 1, 1 if known is None else known)


def segment(text: str, dictionary: JiebaDictionary, hmm: bool = True) -> list[str]:
    r"""The words of a text, blanks included: equal to `jieba.lcut(text, HMM=hmm)`.

    Takes time linear in the length of the text.

    Args:
        text: any string; `\r\n` is one word.
        dictionary: the words.
        hmm: whether words that the dictionary lacks are guessed.

    Example:
        >>> segment("今天晚上吃什么", JiebaDictionary())
        ['今天', '晚上', '吃', '什么']
    """
    words = []
    for number, piece in enumerate(_BLOCKS.split(text)):
        if number % 2 == 0:
            words += re.findall("\r\n|.", piece, re.DOTALL)
        elif hmm:
            words += _with_guesses(_most_probable(piece, dictionary), dictionary)
        else:
            words += _with_letters_joined(_most_probable(piece, dictionary))
    return words


def _most_probable(block: str, dictionary: JiebaDictionary) -> Iterator[str]:
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
        if len(word) == 1 and _LETTER.match(word):
            letters += word
            continue
        if letters:
            yield letters
            letters = ""
        yield word
    if letters:
        yield letters


def _with_guesses(words: Iterator[str], dictionary: JiebaDictionary) -> Iterator[str]:
    """Runs of single characters are looked at again, unless a run is a word itself."""
    run: list[str] = []

    def guessed() -> Iterator[str]:
        text = "".join(run)
        # A word that is not probable enough to be one stays split.
        return iter(run[:]) if len(run) < 2 or dictionary.count(text) else _guess(text, dictionary)

    for word in words:
        if len(word) == 1:
            run.append(word)
            continue
        yield from guessed()
        run.clear()
        yield word
    yield from guessed()


def _guess(text: str, dictionary: JiebaDictionary) -> Iterator[str]:
    for number, piece in enumerate(_CHINESE.split(text)):
        if number % 2 == 0:
            yield from filter(None, _NUMBERS.split(piece))
            continue
        for word in _guess_chinese(piece):
            if word in dictionary.forced_splits:
                yield from word
            else:
                yield word


def _guess_chinese(text: str) -> Iterator[str]:
    """Words by the hidden Markov model: a character begins a word, ends one, is inside or single.

    The most probable states are found by the Viterbi algorithm. Each state has two states that can
    stand before it, and of equal ones the last in the order B, E, M, S counts, as in jieba.
    """
    start, transition, emissions, unknown = _hidden_markov_model()
    (eb, sb), (be, me), (bm, mm), (es, ss) = transition
    b, e, m, s = map(sum, zip(start, emissions.get(text[0], unknown)))
    # Of each character the states of the one before, for each state that it may have itself.
    before = [""]
    for character in text[1:]:
        to_b, to_e, to_m, to_s = emissions.get(character, unknown)
        b_of_e, b_of_s = e + eb + to_b, s + sb + to_b
        e_of_b, e_of_m = b + be + to_e, m + me + to_e
        m_of_b, m_of_m = b + bm + to_m, m + mm + to_m
        s_of_e, s_of_s = e + es + to_s, s + ss + to_s
        before.append(
            ("S" if b_of_s >= b_of_e else "E")
            + ("M" if e_of_m >= e_of_b else "B")
            + ("M" if m_of_m >= m_of_b else "B")
            + ("S" if s_of_s >= s_of_e else "E")
        )
        b, e = max(b_of_e, b_of_s), max(e_of_b, e_of_m)
        m, s = max(m_of_b, m_of_m), max(s_of_e, s_of_s)
    states = ["S" if s >= e else "E"]
    for choices in before[:0:-1]:
        states.append(choices["BEMS".index(states[-1])])
    begin = 0
    for place, state in enumerate(reversed(states)):
        if state == "B":
            begin = place
        elif state == "E":
            yield text[begin : place + 1]
        elif state == "S":
            yield text[place]


@cache
def _hidden_markov_model():
    """Jieba's log-probabilities, states in the order B, E, M, S.

    Returns:
        Of the first character, of each state the transitions from the two that can stand before it,
        of each character, and of a character that is not in the tables.
    """
    finalseg = _quiet_import().finalseg
    never = finalseg.MIN_FLOAT
    pairs = ("EB", "SB"), ("BE", "ME"), ("BM", "MM"), ("ES", "SS")
    characters = set().union(*finalseg.emit_P.values())
    return (
        tuple(finalseg.start_P[state] for state in "BEMS"),
        tuple(tuple(finalseg.trans_P[a].get(b, never) for a, b in two) for two in pairs),
        {c: tuple(finalseg.emit_P[state].get(c, never) for state in "BEMS") for c in characters},
        (never,) * 4,
    )


def _quiet_import():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
        warnings.filterwarnings("ignore", message="invalid escape sequence")
        import jieba
    return jieba


@cache
def _jieba_counts() -> tuple[dict[str, int], int]:
    """Words and counts of jieba's dictionary, read once a process; to be read, not written."""
    tokenizer = _quiet_import().Tokenizer()
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
