"""Prompts and replies to words: what a codec does before there is a vocabulary."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary, UserWord
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import segmenter_for

log = logging.getLogger(__name__)

# The most user words that a warning names.
_NAMED_WORDS = 20


class TextSide:
    """One side of a pair: normalisation and segmentation, and how words become text again."""

    def __init__(self, segmentation: str, config: TextConfig, dictionary: JiebaDictionary | None):
        self.normalize = Normalizer(config.lower_case)
        self._segmenter = segmenter_for(segmentation, config.jieba_hmm, dictionary)
        self.join = self._segmenter.join

    def cut(self, text: str | bytes) -> list[str]:
        """The words of any text."""
        return self._segmenter.cut(self.normalize(text))


class CutPair(NamedTuple):
    """A pair as words.

    Attributes:
        turns: of the prompt; those without words are left out.
        reply: the words of the reply.
    """

    turns: list[list[str]]
    reply: list[str]


class PairCutter:
    r"""Both sides of a pair, and the turns of a prompt.

    Args:
        config: how texts are cut.
        user_words: lines of the jieba user dictionary.

    Attributes:
        dictionary: jieba's words and the user's; None where neither side is cut by jieba.

    Example:
        >>> cutter = PairCutter(TextConfig(context_turns=1))
        >>> turns = cutter.turns("你好\n今天晚上吃什么")
        >>> turns
        [['你好'], ['今天', '晚上', '吃', '什么']]
        >>> num_unread_turns(turns, limit=5)
        1
    """

    def __init__(self, config: TextConfig, user_words: Sequence[str] = ()):
        self.config = config
        self.user_words = tuple(user_words)
        sides = config.source_segmentation, config.target_segmentation
        self.dictionary = JiebaDictionary(self.user_words) if "jieba" in sides else None
        self.source, self.target = (TextSide(side, config, self.dictionary) for side in sides)

    def turns(self, prompt: str | bytes) -> list[list[str]]:
        """The words of each turn of a prompt that has any.

        With `context_turns` a prompt may be several turns, a line each, the last of them the one
        to be answered.
        """
        turns = [prompt]
        if self.config.context_turns:
            lines = prompt.split(b"\n" if isinstance(prompt, bytes) else "\n")
            turns = lines[-1 - self.config.context_turns :]
        return [words for words in map(self.source.cut, turns) if words]

    def reply(self, text: str | bytes) -> list[str]:
        """The words of a reply."""
        return self.target.cut(text)

    def pair(self, pair: Sequence) -> CutPair:
        """Both sides of a pair, prompt first."""
        return CutPair(self.turns(pair[0]), self.reply(pair[1]))


def num_unread_turns(turns: Sequence[Sequence[str]], limit: int) -> int:
    """How many of the first turns are left out, so that no more than `limit` words are left.

    A border between two turns counts as a word; the last turn always stays.
    """
    unread, num_words = 0, sum(map(len, turns)) + len(turns) - 1
    while num_words > limit and unread < len(turns) - 1:
        num_words -= len(turns[unread]) + 1
        unread += 1
    return unread


def read_user_dictionary(config: TextConfig) -> list[str]:
    """The lines of the user dictionary that a configuration names, normalised as every text is.

    Words that can never match are kept, with one warning that names their lines.

    Raises:
        ValueError: it cannot be read, or a count is too large.
    """
    if not config.user_dictionary:
        return []
    path = Path(config.user_dictionary)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"user_dictionary {path}: {error.strerror}.") from None
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}, line {line}: not UTF-8. Convert the user dictionary to UTF-8."
        ) from None
    normalize = Normalizer(config.lower_case)
    words = {number: word for number, line in enumerate(lines, 1) if (word := normalize(line))}
    _warn_of_useless_words(path, words, config)
    return list(words.values())


def _warn_of_useless_words(path: Path, words: dict[int, str], config: TextConfig) -> None:
    if "jieba" not in (config.source_segmentation, config.target_segmentation):
        log.warning("%s has no effect: neither prompts nor replies are segmented by jieba.", path)
        return
    useless = []
    for number, line in words.items():
        try:
            if not UserWord.parse(line).can_match:
                useless.append(f"{number} ({line})")
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: {error}. Lower the count, or leave it out."
            ) from None
    if useless:
        more = f" and {len(useless) - _NAMED_WORDS} more" if len(useless) > _NAMED_WORDS else ""
        log.warning(
            "%s: %d words can never match. A line is 'word count tag', where count and tag may be "
            "left out, and words for jieba have Chinese characters (U+4E00 to U+9FD5), Latin "
            "letters, digits and +#&._%%- only, so no blanks. Lines %s%s.",
            path,
            len(useless),
            ", ".join(useless[:_NAMED_WORDS]),
            more,
        )
