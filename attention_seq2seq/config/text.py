"""Options of tokenization and vocabularies."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option

TOKENIZERS = ("jieba", "characters", "whitespace")


@dataclasses.dataclass(frozen=True)
class TextConfig(ConfigBase):
    """Tokenization and vocabularies."""

    source_tokenizer: str = option(
        "jieba",
        "tokenizer of prompts: jieba, characters, or whitespace (for tokenized text)",
        choices=TOKENIZERS,
    )
    target_tokenizer: str = option(
        "jieba", "tokenizer of replies: jieba, characters or whitespace", choices=TOKENIZERS
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
        "tokens are kept",
        unit="tokens",
        low=6,
    )
    min_count: int = option(1, "minimum count of a vocabulary token", unit="occurrences", low=1)
