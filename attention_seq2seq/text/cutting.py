"""Prompts and replies to words: what a codec does before there is a vocabulary."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.config import TextConfig
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import segmenter_for, tokenizer_with


class TextSide:
    """One side of a pair: normalisation and segmentation, and how words become text again."""

    def __init__(self, segmentation: str, config: TextConfig, user_words: Sequence[str]):
        self.normalize = Normalizer(config.lower_case)
        self._segmenter = segmenter_for(segmentation, config.jieba_hmm, user_words)
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
        self.source = TextSide(config.source_segmentation, config, self.user_words)
        self.target = TextSide(config.target_segmentation, config, self.user_words)

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

    def tokenizer(self):
        """The `jieba.Tokenizer` that cuts the words, with the user's."""
        return tokenizer_with(self.user_words)


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

    Raises:
        ValueError: it cannot be read.
    """
    if not config.user_dictionary:
        return []
    path = Path(config.user_dictionary)
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"user_dictionary {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}, line {line}: not UTF-8. Convert the user dictionary to UTF-8."
        ) from None
    return [line for line in map(Normalizer(config.lower_case), lines) if line]
