"""Spells OOV words in characters and bytes, and joins tokens to words.

Marks are fullwidth ASCII characters, which no normalized text contains:

    吃      a word of the vocabulary, or the first character of a spelled word
    ＃吃    another character of a spelled word
    ＜E5＞  a byte of a character that is not in the vocabulary
    ＃      the next token continues the word
    ＋吃    a word without a blank before it, as split off by the segmenter `words`
    ＋      the next token has no blank before it

The marks are separate tokens only before characters that have no token with the mark.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import ATTACHED
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary, most_common

CONTINUED = "＃"
BYTE_TOKENS = tuple(f"＜{byte:02X}＞" for byte in range(256))
_BYTES = {token: byte for byte, token in enumerate(BYTE_TOKENS)}
# Tokens of every vocabulary that words are spelled in.
BASIC_TOKENS = (CONTINUED, ATTACHED, *BYTE_TOKENS)


class Speller:
    """Spells OOV words in tokens of a vocabulary, and joins tokens to words.

    Args:
        vocabulary: a vocabulary with the tokens of `spelling_tokens`.
        normalizer: normalizes characters that are spelled in bytes.

    Example:
        >>> tokens = spelling_tokens({"晚上": 9, "早安": 3}, max_size=266, min_count=2)
        >>> speller = Speller(Vocabulary(tokens), Normalizer(lowercase=True))
        >>> speller.spell(["晚上", "早安"])
        ['晚上', '早', '＃安']
        >>> speller.words(["晚上", "早", "＃安"])
        ['晚上', '早安']
    """

    def __init__(self, vocabulary: Vocabulary, normalizer: Normalizer):
        self._vocabulary = vocabulary
        self._normalizer = normalizer

    def spell(self, words: Sequence[str]) -> list[str]:
        """Returns the tokens of words. A word of the vocabulary is a single token."""
        if self._vocabulary.contains_all(words):
            return list(words)
        tokens = []
        for word in words:
            tokens += [word] if word in self._vocabulary else self.spell_word(word)
        return tokens

    def spell_word(self, word: str) -> list[str]:
        """Returns the spelling of a word, even of a word of the vocabulary."""
        mark = ATTACHED if word.startswith(ATTACHED) else ""
        tokens = []
        for character in word.removeprefix(mark):
            if mark + character in self._vocabulary:
                tokens.append(mark + character)
            else:
                tokens += [mark] if mark else []
                if character in self._vocabulary:
                    tokens.append(character)
                else:
                    tokens += (BYTE_TOKENS[byte] for byte in character.encode())
            mark = CONTINUED
        return tokens

    def words(self, tokens: Sequence[str]) -> list[str]:
        """Returns the words of any tokens, including those without text.

        A word without a blank before it keeps its mark. Bytes that are not UTF-8 become U+FFFD.
        """
        words, pending = [], bytearray()

        def flush():
            if pending:
                words[-1] += self._normalizer.map_characters(pending.decode("utf-8", "replace"))
                pending.clear()

        for token, is_continued in zip(tokens, continuation_flags(tokens)):
            if not is_trailing_byte(token):
                flush()
            if not is_continued:
                words.append("")
            if token in _BYTES:
                pending.append(_BYTES[token])
            else:
                token = token.removeprefix(CONTINUED)
                words[-1] += token.removeprefix(ATTACHED) if is_continued else token
        flush()
        return words


def continuation_flags(tokens: Sequence[str]) -> list[bool]:
    """Returns whether each token belongs to the word of the previous token."""
    flags, previous = [], None
    for token in tokens:
        flags.append(
            previous is not None
            and (
                token.startswith(CONTINUED)
                or previous in (CONTINUED, ATTACHED)
                or (is_trailing_byte(token) and previous in _BYTES)
            )
        )
        previous = token
    return flags


def num_final_tokens(tokens: Sequence[str]) -> int:
    """Returns the number of first tokens whose text no further token can change.

    The last character may be incomplete if it is spelled in bytes.
    """
    num_tokens = len(tokens)
    while num_tokens and tokens[num_tokens - 1] in _BYTES:
        num_tokens -= 1
    return num_tokens


def num_characters(token: str) -> int:
    """Returns the number of characters of a token, without blanks and marks.

    Example:
        >>> [num_characters(token) for token in ("晚上", "＃安", "＋", "＜E5＞", "＜AE＞")]
        [2, 1, 0, 1, 0]
    """
    if token in _BYTES:
        return int(not is_trailing_byte(token) and _BYTES[token] != ord(" "))
    return len(token.removeprefix(CONTINUED).removeprefix(ATTACHED).strip())


def spelling_tokens(counts: Mapping[str, int], max_size: int, min_count: int) -> list[str]:
    """Returns the tokens of a vocabulary that can spell every word.

    Words take half of the vocabulary, and the tokens of spellings the other half. A half that is
    not filled is left to the other.

    Args:
        counts: number of occurrences of each word.
        max_size: maximum size of the vocabulary, special tokens included.
        min_count: minimum number of occurrences of a word or a character.

    Returns:
        Words and characters, most frequent first, then marks and bytes.
    """
    size = max_size - len(SPECIALS) - len(BASIC_TOKENS)
    # A word of a single character is its own spelling.
    words = [word for word in most_common(counts, min_count) if _spelling(word)[1:]]
    frequent_words = set(words[: size // 2])
    character_counts, spelling_counts = Counter(), Counter()
    for word, count in counts.items():
        spelling = _spelling(word)
        character_counts.update(dict.fromkeys((token[-1] for token in spelling), count))
        if word not in frequent_words:
            spelling_counts.update(dict.fromkeys(spelling, count))
    # Characters that only occur in frequent words come last.
    spellings = dict.fromkeys(most_common(spelling_counts, min_count))
    spellings |= dict.fromkeys(most_common(character_counts, min_count))
    num_words = min(len(words), max(size // 2, size - len(spellings)))
    tokens = [*words[:num_words], *list(spellings)[: size - num_words]]
    tokens.sort(key=lambda token: (-counts.get(token, spelling_counts[token]), token))
    return [*tokens, *BASIC_TOKENS]


def _spelling(word: str) -> list[str]:
    """Returns the characters of a word, with their marks."""
    mark = ATTACHED if word.startswith(ATTACHED) else ""
    first, *rest = word.removeprefix(mark)
    return [mark + first, *(CONTINUED + character for character in rest)]


def is_trailing_byte(token: str) -> bool:
    """Returns whether a token is a byte other than the first of a character."""
    return 0x80 <= _BYTES.get(token, 0) < 0xC0
