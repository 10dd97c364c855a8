"""Converts texts to tokens and tokens to texts, without a vocabulary."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary, UserWord
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import ATTACHED, make_joiner, make_segmenter

log = logging.getLogger(__name__)

# Maximum number of user words that a warning lists.
_MAX_LISTED_WORDS = 20


class Tokenizer:
    """Splits prompts or replies into tokens, and joins tokens to texts.

    Args:
        segmentation: name of the segmenter.
        config: the options of tokenization.
        dictionary: the dictionary of jieba.
    """

    def __init__(self, segmentation: str, config: TextConfig, dictionary: JiebaDictionary | None):
        self.config = config
        self.normalize = Normalizer(config.lowercase)
        self._segment = make_segmenter(segmentation, config.jieba_hmm, dictionary)
        self._join = make_joiner(segmentation)
        self._has_marks = segmentation == "words"

    def tokenize(self, text: str | bytes) -> list[str]:
        """Returns the words of a text."""
        return self._segment(self.normalize(text))

    def detokenize(self, words: Sequence[str]) -> str:
        """Returns the text of words. Words without text have no effect."""
        if not self._has_marks:
            words = [word.removeprefix(ATTACHED) for word in words]
        return self._join([word for word in words if word])


class TokenizedPair(NamedTuple):
    """Tokens of a pair.

    Attributes:
        turns: tokens of each nonempty turn of the prompt.
        reply: tokens of the reply.
    """

    turns: list[list[str]]
    reply: list[str]


class PairTokenizer:
    r"""Tokenizes prompts, turn by turn, and replies.

    Args:
        config: the options of tokenization.
        user_words: lines of the jieba user dictionary.

    Attributes:
        source: the tokenizer of prompts.
        target: the tokenizer of replies.
        dictionary: dictionary of jieba and of the user; None if jieba segments neither side.

    Example:
        >>> tokenizer = PairTokenizer(TextConfig(context_turns=1))
        >>> turns = tokenizer.tokenize_turns("你好\n今天晚上吃什么")
        >>> turns
        [['你好'], ['今天', '晚上', '吃', '什么']]
        >>> num_truncated_turns(turns, limit=5)
        1
    """

    def __init__(self, config: TextConfig, user_words: Sequence[str] = ()):
        self.config = config
        self.user_words = tuple(user_words)
        segmentations = config.source_tokenizer, config.target_tokenizer
        self.dictionary = JiebaDictionary(self.user_words) if "jieba" in segmentations else None
        self.source = Tokenizer(config.source_tokenizer, config, self.dictionary)
        self.target = Tokenizer(config.target_tokenizer, config, self.dictionary)

    def tokenize_turns(self, prompt: str | bytes) -> list[list[str]]:
        """Returns the tokens of each nonempty turn of a prompt.

        With `context_turns`, a prompt may consist of several turns, one per line. The reply is to
        the last turn.
        """
        turns = [prompt]
        if self.config.context_turns:
            lines = prompt.split(b"\n" if isinstance(prompt, bytes) else "\n")
            turns = lines[-1 - self.config.context_turns :]
        return [tokens for tokens in map(self.source.tokenize, turns) if tokens]

    def tokenize_pair(self, pair: Sequence) -> TokenizedPair:
        """Returns the tokens of a (prompt, reply) pair."""
        return TokenizedPair(self.tokenize_turns(pair[0]), self.target.tokenize(pair[1]))


def num_truncated_turns(turns: Sequence[Sequence[str]], limit: int) -> int:
    """Returns the number of first turns to drop to keep at most `limit` tokens.

    A separator between two turns counts as a token. The last turn is always kept.
    """
    num_truncated, num_tokens = 0, sum(map(len, turns)) + len(turns) - 1
    while num_tokens > limit and num_truncated < len(turns) - 1:
        num_tokens -= len(turns[num_truncated]) + 1
        num_truncated += 1
    return num_truncated


def load_user_dictionary(config: TextConfig) -> list[str]:
    """Returns the normalized lines of the user dictionary of a configuration.

    Words that can never match are kept, and a warning lists their lines.

    Raises:
        ValueError: the file cannot be read, or a count is too large.
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
        line_number = raw[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path}, line {line_number}: not UTF-8. Convert the user dictionary to UTF-8."
        ) from None
    normalize = Normalizer(config.lowercase)
    normalized = {line_number: normalize(line) for line_number, line in enumerate(lines, 1)}
    user_words = {line_number: line for line_number, line in normalized.items() if line}
    _warn_of_unmatchable_words(path, user_words, config)
    return list(user_words.values())


def _warn_of_unmatchable_words(path: Path, user_words: dict[int, str], config: TextConfig) -> None:
    if "jieba" not in (config.source_tokenizer, config.target_tokenizer):
        log.warning("%s has no effect: neither prompts nor replies are segmented by jieba.", path)
        return
    unmatchable = []
    for line_number, line in user_words.items():
        try:
            if not UserWord.parse(line).is_matchable:
                unmatchable.append(f"{line_number} ({line})")
        except ValueError as error:
            raise ValueError(
                f"{path}, line {line_number}: {error}. Lower the count, or omit it."
            ) from None
    if unmatchable:
        num_more = len(unmatchable) - _MAX_LISTED_WORDS
        log.warning(
            "%s: %d words can never match, because jieba matches only Chinese characters (U+4E00 "
            "to U+9FD5), Latin letters, digits and +#&._%%-. Expected 'word [count] [tag]'. Lines "
            "%s%s.",
            path,
            len(unmatchable),
            ", ".join(unmatchable[:_MAX_LISTED_WORDS]),
            f" and {num_more} more" if num_more > 0 else "",
        )
