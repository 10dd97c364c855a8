"""Options of tokenization and vocabularies."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option

TOKENIZERS = ("jieba", "characters", "whitespace", "words")
# Smallest vocabulary with `oov` spell, which needs 263 tokens for special tokens, marks and bytes.
MIN_SPELLING_VOCABULARY_SIZE = 300


@dataclasses.dataclass(frozen=True)
class TextConfig(ConfigBase):
    """Tokenization and vocabularies.

    Raises:
        ValueError: `vocabulary_size` is too small to spell words.
    """

    source_tokenizer: str = option(
        "jieba",
        "tokenizer of prompts: jieba, characters, whitespace (for tokenized text), or words (for "
        "scripts with blanks between words; splits off punctuation and digits)",
        choices=TOKENIZERS,
    )
    target_tokenizer: str = option(
        "jieba", "tokenizer of replies: jieba, characters, whitespace or words", choices=TOKENIZERS
    )
    jieba_hmm: bool = option(
        True, "whether jieba's hidden Markov model detects out-of-dictionary words"
    )
    user_dictionary: str = option(
        "", "jieba user dictionary: a word and an optional count per line", unit="path"
    )
    lowercase: bool = option(True, "whether to convert A-Z to a-z")
    context_turns: int = option(
        0,
        "number of previous turns prepended to each prompt; needs conversations: JSONL with "
        "messages or lists of turns, .conv, chatterbot YAML, or the JSON of LCCC, KdConv or "
        "CrossWOZ; lines of TSV are separate pairs, unless a prompt equals the previous reply",
        low=0,
        high=100,
    )
    share_vocabulary: bool = option(True, "whether prompts and replies share one vocabulary")
    vocabulary_size: int = option(
        30000,
        "maximum size of a vocabulary, including five special tokens; the most frequent "
        f"tokens are kept; at least {MIN_SPELLING_VOCABULARY_SIZE} with oov spell",
        unit="tokens",
        low=6,
    )
    oov: str = option(
        "unk",
        "handling of words outside of the vocabulary: unk (an unknown token), or spell (spelled "
        "in characters and bytes, which take a part of the vocabulary)",
        choices=("unk", "spell"),
    )
    min_count: int = option(1, "minimum count of a vocabulary token", unit="occurrences", low=1)

    def __post_init__(self):
        super().__post_init__()
        if self.oov == "spell" and self.vocabulary_size < MIN_SPELLING_VOCABULARY_SIZE:
            raise ValueError(
                f"vocabulary_size is {self.vocabulary_size} and oov is 'spell', which needs a "
                f"vocabulary_size of at least {MIN_SPELLING_VOCABULARY_SIZE} for characters and "
                "bytes. Raise vocabulary_size, or set oov to 'unk'."
            )
