"""Encodes prompts and replies as ids of a vocabulary, and decodes replies."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import ATTACHED
from attention_seq2seq.text.spelling import Speller, continuation_flags
from attention_seq2seq.text.tokenizer import PairTokenizer, Tokenizer, num_truncated_turns
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK, Vocabulary


class WordGroups(NamedTuple):
    """The words that tokens belong to. A word of the vocabulary has one token.

    Attributes:
        texts: texts of the words.
        starts: index of the first token of each word.
    """

    texts: list[str]
    starts: list[int]


class VocabularyTokenizer:
    """Converts words to tokens of a vocabulary.

    OOV words become unknown tokens, or are spelled.

    Args:
        vocabulary: the tokens.
        config: the options of tokenization.
    """

    def __init__(self, vocabulary: Vocabulary, config: TextConfig):
        self.vocabulary = vocabulary
        self.config = config
        self.speller = None
        if config.oov == "spell":
            self.speller = Speller(vocabulary, Normalizer(config.lowercase))

    def spell(self, words: Sequence[str]) -> list[str]:
        """Returns the tokens of words."""
        return self.speller.spell(words) if self.speller else list(words)

    def encode_words(self, words: Sequence[str]) -> tuple[list[str], list[int]]:
        """Returns the tokens and the ids of words."""
        tokens, ids = list(words), self.vocabulary.ids(words)
        if self.speller and UNK in ids:
            tokens = self.speller.spell(words)
            ids = self.vocabulary.ids(tokens)
        return tokens, ids

    def words(self, tokens: Sequence[str]) -> list[str]:
        """Returns the words of tokens, with the marks of the segmenter."""
        return self.speller.words(tokens) if self.speller else list(tokens)

    def group_words(self, tokens: Sequence[str]) -> WordGroups:
        """Returns the words of tokens, and their first tokens."""
        starts = list(range(len(tokens)))
        if self.speller:
            flags = continuation_flags(tokens)
            starts = [start for start in starts if not flags[start]]
        texts = (word.removeprefix(ATTACHED) for word in self.words(tokens))
        return WordGroups([text or tokens[i] for text, i in zip(texts, starts)], starts)


class SourceTokenizer(VocabularyTokenizer):
    """Encodes prompts.

    A prompt has at least one token: an empty prompt becomes a single unknown token. With
    `context_turns`, a prompt may consist of several turns, one per line. The special token TURN
    separates two turns.

    Args:
        pair_tokenizer: splits a prompt into turns and tokens.
        vocabulary: the source vocabulary.
    """

    def __init__(self, pair_tokenizer: PairTokenizer, vocabulary: Vocabulary):
        super().__init__(vocabulary, pair_tokenizer.config)
        self._pair_tokenizer = pair_tokenizer

    def tokenize(self, text: str | bytes) -> list[str]:
        """Returns the tokens of a prompt."""
        return self.encode_with_tokens(text)[0]

    def encode(self, text: str | bytes, limit: int = 0) -> list[int]:
        """Returns the ids of a prompt, like `encode_with_tokens`."""
        return self.encode_with_tokens(text, limit)[1]

    def encode_with_tokens(self, text: str | bytes, limit: int = 0) -> tuple[list[str], list[int]]:
        """Returns the tokens and the ids of a prompt.

        Args:
            text: the prompt.
            limit: maximum number of tokens, for which first turns are dropped; 0: no limit. The
                last turn is never truncated, so the result may be longer.
        """
        return self.encode_turns(self._pair_tokenizer.tokenize_turns(text), limit)

    def encode_turns(self, turns: Sequence[list[str]], limit: int) -> tuple[list[str], list[int]]:
        """Returns the tokens and the ids of the words of a prompt, like `encode_with_tokens`."""
        encoded_turns = list(map(self.encode_words, turns))
        if limit:
            num_truncated = num_truncated_turns([ids for _, ids in encoded_turns], limit)
            encoded_turns = encoded_turns[num_truncated:]
        tokens, ids = [], []
        for turn_tokens, turn_ids in encoded_turns:
            if tokens:
                tokens.append(SPECIALS[TURN])
                ids.append(TURN)
            tokens += turn_tokens
            ids += turn_ids
        return tokens or [SPECIALS[UNK]], ids or [UNK]

    def has_oov_word(self, text: str | bytes) -> bool:
        """Returns whether a prompt has a word outside of the vocabulary, even if it is spelled."""
        turns = self._pair_tokenizer.tokenize_turns(text)
        return not all(map(self.vocabulary.contains_all, turns))


class TargetTokenizer(VocabularyTokenizer):
    """Encodes and decodes replies.

    Args:
        tokenizer: splits a reply into tokens.
        vocabulary: the target vocabulary.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: Vocabulary):
        super().__init__(vocabulary, tokenizer.config)
        self._tokenizer = tokenizer

    def tokenize(self, text: str | bytes) -> list[str]:
        """Returns the tokens of a reply."""
        return self.spell(self._tokenizer.tokenize(text))

    def spellings(self, text: str) -> list[list[str]]:
        """Returns the token sequences of a text.

        The words are tokens of the vocabulary or spelled, and with the segmenter `words`, the first
        word may follow a blank or not. Other spellings of a word are possible, but not learned.
        """
        words = self._tokenizer.tokenize(text)
        variants = [words]
        if self.config.target_tokenizer == "words" and words:
            variants.append([ATTACHED + words[0], *words[1:]])
        spellings = list(map(self.spell, variants))
        if self.speller:
            spellings += [
                [token for word in variant for token in self.speller.spell_word(word)]
                for variant in variants
            ]
        return spellings

    def detokenize(self, tokens: Sequence[str]) -> str:
        """Returns the text of a reply's tokens."""
        return self._tokenizer.detokenize(self.words(tokens))

    def encode(self, text: str | bytes) -> list[int]:
        """Returns the ids of a reply, and EOS."""
        return self.encode_reply(self._tokenizer.tokenize(text))

    def encode_reply(self, words: Sequence[str]) -> list[int]:
        """Returns the ids of the words of a reply, and EOS."""
        return [*self.encode_words(words)[1], EOS]

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of a reply's ids before the first EOS."""
        ids = list(ids)
        if EOS in ids:
            ids = ids[: ids.index(EOS)]
        return self.detokenize(self.vocabulary.tokens(ids))
