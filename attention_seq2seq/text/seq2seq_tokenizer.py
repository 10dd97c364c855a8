"""Converts prompts and replies to ids, and ids to replies, as in training."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from attention_seq2seq.config.artifacts import (
    SHARED_VOCABULARY_FILE,
    SOURCE_VOCABULARY_FILE,
    TARGET_VOCABULARY_FILE,
    USER_DICTIONARY_FILE,
)
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.spelling import BASIC_TOKENS, spelling_tokens
from attention_seq2seq.text.tokenizer import (
    PairTokenizer,
    TokenizedPair,
    load_user_dictionary,
)
from attention_seq2seq.text.vocabulary import SPECIALS, TURN, UNK, Vocabulary, most_common
from attention_seq2seq.text.vocabulary_tokenizers import SourceTokenizer, TargetTokenizer
from attention_seq2seq.utils.files import write_text

TOKENIZER_FILES = (
    SHARED_VOCABULARY_FILE,
    SOURCE_VOCABULARY_FILE,
    TARGET_VOCABULARY_FILE,
    USER_DICTIONARY_FILE,
)


def tokenizer_files(config: TextConfig) -> list[str]:
    """Returns the names of the files written by `Seq2SeqTokenizer.save`.

    Example:
        >>> tokenizer_files(TextConfig())
        ['vocabulary.txt']
    """
    names = (
        [SHARED_VOCABULARY_FILE]
        if config.share_vocabulary
        else [SOURCE_VOCABULARY_FILE, TARGET_VOCABULARY_FILE]
    )
    return [*names, USER_DICTIONARY_FILE] if config.user_dictionary else names


def build_vocabulary(counts: Mapping[str, int], config: TextConfig) -> Vocabulary:
    """Builds a vocabulary.

    Args:
        counts: number of occurrences of each word.
        config: the options of the vocabulary.
    """
    if config.oov == "spell":
        return Vocabulary(spelling_tokens(counts, config.vocabulary_size, config.min_count))
    num_words = config.vocabulary_size - len(SPECIALS)
    return Vocabulary(most_common(counts, config.min_count)[:num_words])


class Seq2SeqTokenizer:
    """Tokenizers and vocabularies of prompts and replies, part of a trained model.

    Args:
        config: the options of tokenization.
        source_vocabulary: tokens of the prompts.
        target_vocabulary: tokens of the replies; the same object if shared.
        user_words: lines of the jieba user dictionary.

    Attributes:
        source: the `SourceTokenizer`.
        target: the `TargetTokenizer`.

    Example:
        >>> tokenizer = Seq2SeqTokenizer.build([("今天晚上吃什么", "晚上吃烤鸭")], TextConfig())
        >>> tokenizer.source.tokenize("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
        >>> tokenizer.target.decode(tokenizer.target.encode("晚上吃烤鸭"))
        '晚上吃烤鸭'
    """

    def __init__(
        self,
        config: TextConfig,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        user_words: Sequence[str] = (),
    ):
        self.config = config
        self._pair_tokenizer = PairTokenizer(config, user_words)
        self.source = SourceTokenizer(self._pair_tokenizer, source_vocabulary)
        self.target = TargetTokenizer(self._pair_tokenizer.target, target_vocabulary)

    @classmethod
    def build(cls, pairs: Iterable[Sequence], config: TextConfig) -> "Seq2SeqTokenizer":
        """Builds a tokenizer with the vocabulary of (prompt, reply) pairs.

        Raises:
            ValueError: the user dictionary cannot be read.
        """
        pair_tokenizer = PairTokenizer(config, load_user_dictionary(config))
        return cls.from_tokenized(map(pair_tokenizer.tokenize_pair, pairs), pair_tokenizer)

    @classmethod
    def from_tokenized(
        cls,
        pairs: Iterable[TokenizedPair],
        pair_tokenizer: PairTokenizer,
        base: "Seq2SeqTokenizer | None" = None,
    ) -> "Seq2SeqTokenizer":
        """Builds a tokenizer with the vocabulary of tokenized pairs.

        Args:
            pairs: the tokens of each pair.
            pair_tokenizer: the tokenizer of the pairs.
            base: a tokenizer whose tokens keep their ids.
        """
        prompts, replies = [], []
        for turns, reply in pairs:
            prompts += turns
            replies.append(reply)
        config = pair_tokenizer.config
        base_source = base.source.vocabulary if base else None
        base_target = base.target.vocabulary if base else None
        prompt_counts, reply_counts = (
            Counter(word for text in texts for word in text) for texts in (prompts, replies)
        )
        if config.share_vocabulary:
            source = build_vocabulary(prompt_counts + reply_counts, config).extend(base_source)
            target = source
        else:
            source = build_vocabulary(prompt_counts, config).extend(base_source)
            target = build_vocabulary(reply_counts, config).extend(base_target)
        return cls(config, source, target, pair_tokenizer.user_words)

    def encode_pair(self, pair: TokenizedPair, limit: int = 0) -> tuple[list[int], list[int]]:
        """Returns the ids of the prompt, with at most `limit` tokens, and of the reply."""
        _, prompt_ids = self.source.encode_turns(pair.turns, limit)
        return prompt_ids, self.target.encode_reply(pair.reply)

    def target_ids(self, tokens: Sequence[str], ids: Sequence[int]) -> list[int]:
        """Returns the ids of the words of a prompt in the target vocabulary.

        Args:
            tokens: the tokens of the prompt.
            ids: the ids of the prompt.

        Returns:
            The ids, -1 for special tokens and OOV words. With `oov` spell and two vocabularies,
            there may be more or fewer ids than tokens, because words are spelled differently.
        """
        if list(tokens) == [SPECIALS[UNK]] and list(ids) == [UNK]:
            return [-1]
        if self.config.oov == "unk":
            return self._ordinary_target_ids(tokens)
        if self.config.share_vocabulary:
            return [-1 if i < len(SPECIALS) else i for i in ids]
        target_ids = []
        for is_special, group in groupby(zip(tokens, ids), lambda pair: pair[1] in (TURN, UNK)):
            tokens = [token for token, _ in group]
            if is_special:
                target_ids += [-1] * len(tokens)
            else:
                words = self.source.words(tokens)
                target_ids += self._ordinary_target_ids(self.target.spell(words))
        return target_ids

    def _ordinary_target_ids(self, tokens: Iterable[str]) -> list[int]:
        return [-1 if i == UNK else i for i in self.target.vocabulary.ids(tokens)]

    def source_to_target_ids(self) -> list[int]:
        """Returns the target id of each source id; -1 for special and OOV tokens.

        Example:
            >>> config = TextConfig("whitespace", "whitespace", share_vocabulary=False)
            >>> tokenizer = Seq2SeqTokenizer.build([("吃 什么", "我 吃 面")], config)
            >>> source, target = tokenizer.source.vocabulary, tokenizer.target.vocabulary
            >>> tokenizer.source_to_target_ids()[source.ids(["吃"])[0]] == target.ids(["吃"])[0]
            True
        """
        vocabulary = self.source.vocabulary
        tokens = vocabulary.tokens(range(len(SPECIALS), len(vocabulary)))
        return [-1] * len(SPECIALS) + self._ordinary_target_ids(tokens)

    def require_tokens(self) -> None:
        """Checks that both vocabularies have words or characters.

        Raises:
            ValueError: a vocabulary has only special tokens, marks and bytes.
        """
        num_basic = len(SPECIALS) + len(BASIC_TOKENS) * (self.config.oov == "spell")
        for vocabulary in (self.source.vocabulary, self.target.vocabulary):
            if len(vocabulary) == num_basic:
                raise ValueError(
                    "The vocabulary is empty: no token occurs min_count "
                    f"({self.config.min_count}) times. Lower min_count."
                )

    def __eq__(self, other: object) -> bool:
        """Returns whether both tokenizers encode and decode equally."""
        return isinstance(other, Seq2SeqTokenizer) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        vocabularies = self.source.vocabulary, self.target.vocabulary
        return self.config, vocabularies, self._pair_tokenizer.user_words

    @property
    def dictionary(self) -> JiebaDictionary | None:
        """Dictionary of jieba and of the user; None if jieba segments neither side."""
        return self._pair_tokenizer.dictionary

    def save(self, model_dir: str | Path) -> None:
        """Writes the vocabularies and the user dictionary into a model directory."""
        directory = Path(model_dir)
        if self.config.share_vocabulary:
            self.source.vocabulary.save(directory / SHARED_VOCABULARY_FILE)
        else:
            self.source.vocabulary.save(directory / SOURCE_VOCABULARY_FILE)
            self.target.vocabulary.save(directory / TARGET_VOCABULARY_FILE)
        if self.config.user_dictionary:
            text = "".join(f"{line}\n" for line in self._pair_tokenizer.user_words)
            write_text(directory / USER_DICTIONARY_FILE, text)

    @classmethod
    def load(cls, model_dir: str | Path, config: TextConfig) -> "Seq2SeqTokenizer":
        """Reads the files written by `save`.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file is damaged.
        """
        directory = Path(model_dir)
        if config.share_vocabulary:
            source = target = Vocabulary.load(directory / SHARED_VOCABULARY_FILE)
        else:
            source = Vocabulary.load(directory / SOURCE_VOCABULARY_FILE)
            target = Vocabulary.load(directory / TARGET_VOCABULARY_FILE)
        path = directory / USER_DICTIONARY_FILE
        if config.user_dictionary and not path.is_file():
            raise FileNotFoundError(
                f"{path}: the model's user dictionary is missing. Train the model again."
            )
        lines = path.read_text(encoding="utf-8").splitlines() if config.user_dictionary else ()
        try:
            return cls(config, source, target, lines)
        except ValueError as error:
            raise ValueError(f"{path}: {error}. Train the model again.") from None
