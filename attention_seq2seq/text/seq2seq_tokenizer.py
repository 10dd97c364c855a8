"""Texts to ids and ids to texts, exactly as in training."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from attention_seq2seq.config.artifacts import (
    SHARED_VOCABULARY_FILE,
    SOURCE_VOCABULARY_FILE,
    TARGET_VOCABULARY_FILE,
    USER_DICTIONARY_FILE,
)
from attention_seq2seq.config.config import TextConfig
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.tokenizer import (
    PairTokenizer,
    TokenizedPair,
    load_user_dictionary,
    num_truncated_turns,
)
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK, Vocabulary
from attention_seq2seq.utils.files import write_text

TOKENIZER_FILES = (
    SHARED_VOCABULARY_FILE,
    SOURCE_VOCABULARY_FILE,
    TARGET_VOCABULARY_FILE,
    USER_DICTIONARY_FILE,
)


def tokenizer_files(config: TextConfig) -> list[str]:
    """The names of the files that `Seq2SeqTokenizer.save` writes.

    Example:
        >>> tokenizer_files(TextConfig())
        ['vocabulary.txt']
    """
    names = (
        [SHARED_VOCABULARY_FILE]
        if config.shared_vocabulary
        else [SOURCE_VOCABULARY_FILE, TARGET_VOCABULARY_FILE]
    )
    return [*names, USER_DICTIONARY_FILE] if config.user_dictionary else names


class Seq2SeqTokenizer:
    """Everything between a string and ids, for both sides; part of a trained model.

    Args:
        config: how texts are cut.
        source_vocabulary: words of the prompts.
        target_vocabulary: words of the replies; the same object when shared.
        user_words: lines of the jieba user dictionary.

    Example:
        >>> tokenizer = Seq2SeqTokenizer.build([("今天晚上吃什么", "晚上吃烤鸭")], TextConfig())
        >>> tokenizer.prompt_words("今天晚上吃什么")
        ['今天', '晚上', '吃', '什么']
        >>> tokenizer.reply_text(tokenizer.encode_reply("晚上吃烤鸭"))
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
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self._pair_tokenizer = PairTokenizer(config, user_words)

    @classmethod
    def build(cls, pairs: Iterable[Sequence], config: TextConfig) -> "Seq2SeqTokenizer":
        """A tokenizer with the vocabulary of these pairs (prompt first, then reply).

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
            pair_tokenizer: the one that tokenized them.
            base: a tokenizer whose tokens all keep their ids.
        """
        prompts, replies = [], []
        for turns, reply in pairs:
            prompts += turns
            replies.append(reply)
        config = pair_tokenizer.config
        size, min_count = config.vocabulary_size, config.min_count
        base_source = base.source_vocabulary if base else None
        base_target = base.target_vocabulary if base else None
        if config.shared_vocabulary:
            source = target = Vocabulary.build(prompts + replies, size, min_count, base_source)
        else:
            source = Vocabulary.build(prompts, size, min_count, base_source)
            target = Vocabulary.build(replies, size, min_count, base_target)
        return cls(config, source, target, pair_tokenizer.user_words)

    def prompt_words(self, text: str | bytes) -> list[str]:
        """The words of a prompt as they were cut; of an empty one, a single unknown word."""
        return self.read_prompt(text)[0]

    def reply_words(self, text: str | bytes) -> list[str]:
        """The words of a reply as they were cut."""
        return self._pair_tokenizer.target.tokenize(text)

    def encode_prompt(self, text: str | bytes, limit: int = 0) -> list[int]:
        """The ids of a prompt, at least one: no words at all read as one unknown word."""
        return self.read_prompt(text, limit)[1]

    def read_prompt(self, text: str | bytes, limit: int = 0) -> tuple[list[str], list[int]]:
        """The words of a prompt as they were cut, and their ids.

        With `context_turns` a prompt may be several turns, a line each, the last of them the one
        to be answered; between two turns stands the special word of that name.

        Args:
            text: the prompt.
            limit: earlier turns are left out until there are no more words than this; 0: none is.
        """
        return self._read(self._pair_tokenizer.tokenize_turns(text), limit)

    def _read(self, turns: Sequence[list[str]], limit: int) -> tuple[list[str], list[int]]:
        if limit:
            turns = turns[num_truncated_turns(turns, limit) :]
        words, ids = [], []
        for turn in turns:
            if words:
                words.append(SPECIALS[TURN])
                ids.append(TURN)
            words += turn
            ids += self.source_vocabulary.ids(turn)
        return words or [SPECIALS[UNK]], ids or [UNK]

    def encode(self, pair: TokenizedPair, limit: int = 0) -> tuple[list[int], list[int]]:
        """The ids of both sides of a pair that is cut: see `encode_prompt` and `encode_reply`."""
        return self._read(pair.turns, limit)[1], self._ended(pair.reply)

    def encode_reply(self, text: str | bytes) -> list[int]:
        """The ids of a reply, the end of the reply included."""
        return self._ended(self._pair_tokenizer.target.tokenize(text))

    def _ended(self, words: Sequence[str]) -> list[int]:
        return [*self.target_vocabulary.ids(words), EOS]

    def reply_text(self, ids: Iterable[int]) -> str:
        """The text of a reply's ids, up to its end."""
        ids = list(ids)
        if EOS in ids:
            ids = ids[: ids.index(EOS)]
        return self.join_reply(self.target_vocabulary.tokens(ids))

    def join_reply(self, words: Iterable[str]) -> str:
        """The text of a reply's words."""
        return self._pair_tokenizer.target.detokenize(list(words))

    def source_to_target_ids(self) -> list[int]:
        """For each source word its id as a word of a reply; -1 of special ones and unknown ones.

        Example:
            >>> config = TextConfig("blanks", "blanks", shared_vocabulary=False)
            >>> tokenizer = Seq2SeqTokenizer.build([("吃 什么", "我 吃 面")], config)
            >>> source, target = tokenizer.source_vocabulary, tokenizer.target_vocabulary
            >>> tokenizer.source_to_target_ids()[source.ids(["吃"])[0]] == target.ids(["吃"])[0]
            True
        """
        words = self.source_vocabulary.tokens(range(len(SPECIALS), len(self.source_vocabulary)))
        ids = self.target_vocabulary.ids(words)
        return [-1] * len(SPECIALS) + [-1 if i == UNK else i for i in ids]

    def refuse_empty(self) -> None:
        """Refuses a vocabulary without a word: a model of it could say nothing.

        Raises:
            ValueError: with the options that leave words out.
        """
        for side in (self.source_vocabulary, self.target_vocabulary):
            if len(side) == len(SPECIALS):
                raise ValueError(
                    f"no word is left for the vocabulary with min_count {self.config.min_count}: "
                    "none occurs so often. Choose a smaller min_count."
                )

    def __eq__(self, other: object) -> bool:
        """Whether both make the same ids of any text, and the same text of any ids."""
        return isinstance(other, Seq2SeqTokenizer) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        user_words = self._pair_tokenizer.user_words
        return self.config, self.source_vocabulary, self.target_vocabulary, user_words

    @property
    def dictionary(self) -> JiebaDictionary | None:
        """Jieba's words and the user's; None where neither side is cut by jieba."""
        return self._pair_tokenizer.dictionary

    def save(self, model_dir: str | Path) -> None:
        """Writes the vocabularies and the user dictionary into a model folder."""
        folder = Path(model_dir)
        if self.config.shared_vocabulary:
            self.source_vocabulary.save(folder / SHARED_VOCABULARY_FILE)
        else:
            self.source_vocabulary.save(folder / SOURCE_VOCABULARY_FILE)
            self.target_vocabulary.save(folder / TARGET_VOCABULARY_FILE)
        if self.config.user_dictionary:
            text = "".join(f"{line}\n" for line in self._pair_tokenizer.user_words)
            write_text(folder / USER_DICTIONARY_FILE, text)

    @classmethod
    def load(cls, model_dir: str | Path, config: TextConfig) -> "Seq2SeqTokenizer":
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: a file of it is missing.
            ValueError: a file of it is damaged.
        """
        folder = Path(model_dir)
        if config.shared_vocabulary:
            source = target = Vocabulary.load(folder / SHARED_VOCABULARY_FILE)
        else:
            source = Vocabulary.load(folder / SOURCE_VOCABULARY_FILE)
            target = Vocabulary.load(folder / TARGET_VOCABULARY_FILE)
        path = folder / USER_DICTIONARY_FILE
        if config.user_dictionary and not path.is_file():
            raise FileNotFoundError(
                f"{path}: the model's user dictionary is missing. Train the model again."
            )
        lines = path.read_text(encoding="utf-8").splitlines() if config.user_dictionary else ()
        try:
            return cls(config, source, target, lines)
        except ValueError as error:
            raise ValueError(f"{path}: {error}. Train the model again.") from None
