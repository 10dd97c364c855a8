"""Options of tokenization and vocabularies."""

import dataclasses

from attention_seq2seq.config.options import Options, option

TOKENIZERS = ("jieba", "characters", "whitespace")


@dataclasses.dataclass(frozen=True)
class TextConfig(Options):
    """How a string becomes words and words become ids."""

    source_tokenizer: str = option(
        "jieba",
        "how prompts are cut: jieba words, single characters, or at blanks (already segmented)",
        choices=TOKENIZERS,
    )
    target_tokenizer: str = option(
        "jieba", "how replies are cut; see source_tokenizer", choices=TOKENIZERS
    )
    jieba_hmm: bool = option(True, "let jieba guess words that its dictionary lacks")
    user_dictionary: str = option(
        "", "a jieba user dictionary: one word a line, then optionally its count", unit="path"
    )
    lowercase: bool = option(True, "turn A-Z into a-z")
    context_turns: int = option(
        0,
        "earlier turns of a conversation that stand before each prompt; a prompt is then its "
        "turns, a line each",
        unit="turns",
        low=0,
        high=100,
    )
    share_vocabulary: bool = option(True, "one vocabulary for prompts and replies, or one each")
    vocabulary_size: int = option(
        30000, "the most frequent words kept, the five special ones included", unit="words", low=6
    )
    min_count: int = option(
        1, "words seen less often than this are unknown", unit="occurrences", low=1
    )
