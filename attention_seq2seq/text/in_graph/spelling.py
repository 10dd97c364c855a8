"""`Speller` as TensorFlow operations, with equal results."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.in_graph.normalization import map_characters
from attention_seq2seq.text.in_graph.vocabulary import InGraphVocabulary
from attention_seq2seq.text.segmentation import ATTACHED
from attention_seq2seq.text.spelling import BASIC_TOKENS, BYTE_TOKENS, CONTINUED, is_trailing_byte
from attention_seq2seq.text.vocabulary import UNK, Vocabulary
from attention_seq2seq.utils.tf_function import noinline


class WordGroups(NamedTuple):
    """The words of a batch of token sequences.

    Attributes:
        texts: string[batch, (words)], texts of the words, with the marks of the segmenter.
        is_start: bool[tokens], whether each token of the batch starts a word.
    """

    texts: tf.RaggedTensor
    is_start: tf.Tensor


class InGraphSpeller(tf.Module):
    """Spells OOV words in tokens of a vocabulary, and joins tokens to words, in a graph.

    Args:
        vocabulary: a vocabulary with the tokens of `spelling_tokens`.
        in_graph_vocabulary: the same vocabulary.
        lowercase: whether A to Z become a to z.
    """

    def __init__(
        self, vocabulary: Vocabulary, in_graph_vocabulary: InGraphVocabulary, lowercase: bool
    ):
        super().__init__()
        self._vocabulary = in_graph_vocabulary
        self._lowercase = lowercase
        tokens = vocabulary.tokens(range(len(vocabulary)))
        byte_of_token = {token: byte for byte, token in enumerate(BYTE_TOKENS)}
        texts = [
            bytes([byte_of_token[token]])
            if token in byte_of_token
            else token.removeprefix(CONTINUED).encode()
            for token in tokens
        ]
        mark = ATTACHED.encode()
        # Properties of each id.
        self._texts = tf.constant(texts)
        self._continued_texts = tf.constant([text.removeprefix(mark) for text in texts])
        self._is_byte = tf.constant([token in byte_of_token for token in tokens])
        self._is_trailing_byte = tf.constant(list(map(is_trailing_byte, tokens)))
        self._is_continued = tf.constant([token.startswith(CONTINUED) for token in tokens])
        self._joins_next = tf.constant([token in (CONTINUED, ATTACHED) for token in tokens])
        # A constant, because an operation would cost time in each call.
        self._is_spelling = tf.constant(
            [token.startswith(CONTINUED) or token in BASIC_TOKENS for token in tokens]
        )

    def spell(self, words: tf.RaggedTensor, unspelled: tuple[str, ...] = ()) -> tf.RaggedTensor:
        """Returns the tokens string[batch, (time)] of words string[batch, (words)].

        Args:
            words: the words.
            unspelled: words that are not spelled.
        """
        is_oov = self._vocabulary.ids(words.flat_values) == UNK
        for word in unspelled:
            is_oov &= words.flat_values != word
        return tf.cond(
            tf.reduce_any(is_oov),
            noinline(lambda: self._replace_words(words, is_oov)),
            lambda: words,
        )

    def spell_all(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the tokens of words, each spelled even if it is in the vocabulary."""
        return self._replace_words(words, tf.ones_like(words.flat_values, tf.bool))

    def group_words(self, tokens: tf.RaggedTensor, is_special: tf.Tensor) -> WordGroups:
        """Returns the words of tokens string[batch, (time)].

        Args:
            tokens: the tokens.
            is_special: bool[tokens], special tokens, which are words by themselves.
        """
        ids = self._vocabulary.ids(tokens.flat_values)
        return tf.cond(
            tf.reduce_any(tf.gather(self._is_spelling, ids)),
            noinline(lambda: self._group_words(tokens, ids, is_special)),
            lambda: WordGroups(tokens, tf.ones_like(ids, tf.bool)),
        )

    def nonempty_words(self, tokens: tf.RaggedTensor, has_marks: bool) -> tf.RaggedTensor:
        """Returns the words of tokens string[batch, (time)], without words that have no text.

        Args:
            tokens: tokens without special tokens.
            has_marks: whether words have marks of the segmenter. Otherwise, marks are removed.
        """
        ids = self._vocabulary.ids(tokens.flat_values)

        def words():
            is_special = tf.fill(tf.shape(ids), False)
            words = self._group_words(tokens, ids, is_special).texts
            if not has_marks:
                texts = tf.strings.regex_replace(words.flat_values, f"^{ATTACHED}", "")
                words = words.with_flat_values(texts)
            return tf.ragged.boolean_mask(words, words != "")

        is_spelled = tf.reduce_any(tf.gather(self._is_spelling, ids))
        return tf.cond(is_spelled, noinline(words), lambda: tokens)

    def _replace_words(self, words, is_replaced):
        """Returns tokens, some words replaced by their spelling."""
        flat_words = words.flat_values
        spelled = self._spell_words(tf.boolean_mask(flat_words, is_replaced))
        lengths = tf.scatter_nd(
            tf.where(is_replaced), spelled.row_lengths(), tf.shape(flat_words, tf.int64)
        )
        unchanged = tf.RaggedTensor.from_row_lengths(
            tf.boolean_mask(flat_words, ~is_replaced),
            tf.cast(~is_replaced, tf.int64),
            validate=False,
        )
        spelled = tf.RaggedTensor.from_row_lengths(spelled.flat_values, lengths, validate=False)
        tokens = tf.concat([unchanged, spelled], axis=1)
        return words.with_values(tokens).merge_dims(1, 2)

    def _spell_words(self, words):
        """Returns the spellings string[num_words, (tokens)]."""
        is_attached = tf.strings.substr(words, 0, len(ATTACHED.encode())) == ATTACHED
        words = tf.strings.regex_replace(words, f"^{ATTACHED}", "")
        characters = tf.strings.unicode_split(words, "UTF-8")
        rows, flat_characters = characters.value_rowids(), characters.flat_values
        is_first = tf.ragged.range(characters.row_lengths()).flat_values == 0
        first_marks = tf.gather(tf.where(is_attached, ATTACHED, ""), rows)
        marks = tf.where(is_first, first_marks, CONTINUED)
        marked = tf.strings.join([marks, flat_characters])
        has_marked = self._vocabulary.ids(marked) != UNK
        has_plain = self._vocabulary.ids(flat_characters) != UNK
        is_in_bytes = ~has_marked & ~has_plain
        in_bytes = tf.strings.bytes_split(tf.boolean_mask(flat_characters, is_in_bytes))
        # Without any byte, `decode_raw` returns [0, 0] instead of [0, 1].
        byte_values = tf.reshape(tf.io.decode_raw(in_bytes.flat_values, tf.uint8), [-1])
        indices = tf.cast(byte_values, tf.int32)
        num_bytes = tf.scatter_nd(
            tf.where(is_in_bytes), in_bytes.row_lengths(), tf.shape(marks, tf.int64)
        )
        # Tokens of each character: the mark, the character and the bytes are all optional.
        tokens = tf.concat(
            [
                _optional(marks, ~has_marked & (marks != "")),
                _optional(tf.where(has_marked, marked, flat_characters), ~is_in_bytes),
                tf.RaggedTensor.from_row_lengths(
                    tf.gather(tf.constant(BYTE_TOKENS), indices), num_bytes, validate=False
                ),
            ],
            axis=1,
        )
        return characters.with_values(tokens).merge_dims(1, 2)

    def _group_words(self, tokens, ids, is_special):
        rows = tokens.value_rowids()
        can_continue = tf.concat([[False], rows[1:] == rows[:-1]], axis=0)[: tf.size(rows)]
        can_continue &= ~is_special & ~_previous(is_special)
        is_byte = tf.gather(self._is_byte, ids)
        # Bytes of the same character.
        is_inside = can_continue & tf.gather(self._is_trailing_byte, ids) & _previous(is_byte)
        is_continued = tf.gather(self._is_continued, ids)
        is_continued |= _previous(tf.gather(self._joins_next, ids))
        is_start = ~(is_inside | (can_continue & is_continued))
        texts = tf.where(
            ids == UNK,
            tokens.flat_values,
            tf.where(is_start, tf.gather(self._texts, ids), tf.gather(self._continued_texts, ids)),
        )
        characters = _join_segments(texts, ~is_inside)
        characters = tf.where(
            tf.boolean_mask(is_byte, ~is_inside),
            map_characters(characters, self._lowercase),
            characters,
        )
        words = _join_segments(characters, tf.boolean_mask(is_start, ~is_inside))
        words = tf.RaggedTensor.from_value_rowids(
            words, tf.boolean_mask(rows, is_start), tokens.nrows(), validate=False
        )
        return WordGroups(words, is_start)


def _optional(values, mask):
    """Returns [num_values, (0 or 1)], the values that the mask selects."""
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(values, mask), tf.cast(mask, tf.int64), validate=False
    )


def _previous(flags):
    return tf.concat([[False], flags[:-1]], axis=0)[: tf.size(flags)]


def _join_segments(texts, is_start):
    """Joins texts string[n] to one text for each start."""
    segments = tf.cumsum(tf.cast(is_start, tf.int32)) - 1
    num_segments = tf.math.count_nonzero(is_start, dtype=tf.int32)
    return tf.strings.unsorted_segment_join(texts, segments, num_segments)
