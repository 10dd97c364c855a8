"""`Seq2SeqTokenizer` as TensorFlow operations, with equal results."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.in_graph.jieba import InGraphJieba
from attention_seq2seq.text.in_graph.normalization import normalize
from attention_seq2seq.text.segmentation import SPACE_DELIMITED_CHARACTERS
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, PAD, SPECIALS, TURN, UNK, Vocabulary

# Separates turns before they have ids. No normalized token is a line break.
_SEPARATOR = "\n"


class EncodedPrompts(NamedTuple):
    """Tokens and ids of a batch of prompts.

    Attributes:
        tokens: string[batch, source_time], padded with "".
        ids: int32[batch, source_time], padded with 0.
        target_ids: int32[batch, source_time], ids of the tokens in the target vocabulary; -1 for
            OOV tokens and padding.
        length: int32[batch], number of tokens, at least 1.
        num_truncated: int32[batch], number of tokens beyond the limit.
    """

    tokens: tf.Tensor
    ids: tf.Tensor
    target_ids: tf.Tensor
    length: tf.Tensor
    num_truncated: tf.Tensor


class InGraphVocabulary(tf.Module):
    """Maps tokens to ids and ids to tokens in a graph.

    Args:
        vocabulary: the vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        tokens = vocabulary.tokens(range(len(vocabulary)))
        ids = range(len(SPECIALS), len(tokens))
        keys = tf.constant(tokens[len(SPECIALS) :], tf.string)
        initializer = tf.lookup.KeyValueTensorInitializer(keys, tf.constant(list(ids), tf.int32))
        self._ids = tf.lookup.StaticHashTable(initializer, UNK)
        self._tokens = tf.constant(tokens)

    def ids(self, tokens: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """Returns the int32 ids of string tokens of any shape."""
        return self._ids.lookup(tokens)

    def tokens(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the string tokens of int32 ids of any shape."""
        return tf.gather(self._tokens, ids)


class InGraphTokenizer(tf.Module):
    """Converts texts to ids and ids to texts in a graph.

    Args:
        tokenizer: the tokenizer of a trained model.
        output_dir: directory for the dictionary, if jieba segments a side.
    """

    def __init__(self, tokenizer: Seq2SeqTokenizer, output_dir: str | Path):
        super().__init__()
        config = tokenizer.config
        self.config = config
        self._jieba = None
        if tokenizer.dictionary:
            self._jieba = InGraphJieba(tokenizer.dictionary, config.jieba_hmm, output_dir)
        self.target_vocabulary = InGraphVocabulary(tokenizer.target.vocabulary)
        self.source_vocabulary = self.target_vocabulary
        if not config.share_vocabulary:
            self.source_vocabulary = InGraphVocabulary(tokenizer.source.vocabulary)

    def encode_prompts(self, texts: tf.Tensor, limit: int) -> EncodedPrompts:
        """Encodes prompts string[batch], any bytes, with at most `limit` tokens each.

        If a prompt is too long, first turns are dropped, then tokens at the end.
        """
        if not self.config.context_turns:
            return self._encode(self._tokenize(self.config.source_tokenizer, texts), limit)
        turns = tf.strings.split(texts, "\n")[:, -1 - self.config.context_turns :]
        tokens = self._tokenize(self.config.source_tokenizer, turns.values)
        is_within_limit = _turns_within_limit(tokens.row_lengths(), turns, limit)
        tokens = tf.ragged.boolean_mask(tokens, is_within_limit)
        rows = tf.boolean_mask(turns.value_rowids(), is_within_limit)
        return self._encode(_join_turns(tokens, rows, turns.nrows()), limit)

    def encode_prompt_tokens(self, tokens: tf.Tensor, limit: int) -> EncodedPrompts:
        """Encodes tokenized prompts string[batch, source_time], padded with empty strings."""
        tokens = tf.where(tokens == _SEPARATOR, SPECIALS[UNK], tokens)
        if self.config.context_turns:
            tokens = tf.where(tokens == SPECIALS[TURN], _SEPARATOR, tokens)
        return self._encode(tf.ragged.boolean_mask(tokens, tokens != ""), limit)

    def encode_replies(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Returns the tokens and ids, with EOS, of replies string[batch], any bytes."""
        tokens = self.tokenize_replies(texts)
        ids = self.target_vocabulary.ids(tokens)
        column = tf.stack([ids.nrows(), 1])
        return (
            tf.concat([tokens, tf.fill(column, SPECIALS[EOS])], axis=1),
            tf.concat([ids, tf.fill(column, EOS)], axis=1),
        )

    def tokenize_replies(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Returns the tokens string[batch, (time)] of replies string[batch], any bytes."""
        return self._tokenize(self.config.target_tokenizer, texts)

    def detokenize_replies(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Returns the texts string[batch] of tokens string[batch, (time)]."""
        texts = tokens.flat_values
        if self.config.target_tokenizer != "characters":
            characters = SPACE_DELIMITED_CHARACTERS
            is_delimited_left = tf.strings.regex_full_match(texts, f"[{characters}](.|\n)*")
            is_delimited_right = tf.strings.regex_full_match(texts, f"(.|\n)*[{characters}]")
            rows = tokens.value_rowids()
            has_space = is_delimited_left[1:] & is_delimited_right[:-1] & (rows[1:] == rows[:-1])
            has_space = tf.concat([[False], has_space], axis=0)[: tf.size(texts)]
            texts = tf.strings.join([tf.where(has_space, " ", ""), texts])
        return tf.strings.reduce_join(tokens.with_flat_values(texts).to_tensor(""), axis=1)

    def _encode(self, tokens: tf.RaggedTensor, limit: int) -> EncodedPrompts:
        lengths = tf.cast(tokens.row_lengths(), tf.int32)
        num_truncated = tf.maximum(lengths - limit, 0)
        tokens = tokens.to_tensor("")[:, :limit]
        # An empty prompt becomes one unknown token.
        tokens = tf.pad(tokens, [[0, 0], [0, tf.maximum(1 - tf.shape(tokens)[1], 0)]])
        is_first = tf.range(tf.shape(tokens)[1]) == 0
        tokens = tf.where((lengths == 0)[:, tf.newaxis] & is_first, SPECIALS[UNK], tokens)
        lengths = tf.clip_by_value(lengths, 1, limit)
        mask = tf.sequence_mask(lengths, tf.shape(tokens)[1])
        is_separator = tokens == _SEPARATOR
        ids = tf.where(is_separator, TURN, self.source_vocabulary.ids(tokens))
        target_ids = self.target_vocabulary.ids(tokens)
        return EncodedPrompts(
            tokens=tf.where(is_separator, SPECIALS[TURN], tokens),
            ids=tf.where(mask, ids, PAD),
            target_ids=tf.where(mask & (target_ids != UNK), target_ids, -1),
            length=lengths,
            num_truncated=num_truncated,
        )

    def _tokenize(self, segmentation: str, texts) -> tf.RaggedTensor:
        segmenters: dict[str, Callable] = {
            "characters": lambda texts: tf.strings.unicode_split(texts, "UTF-8"),
            "whitespace": tf.strings.split,
            "jieba": self._jieba and self._jieba.segment,
        }
        # Strings are on the CPU, so integers would otherwise be copied to a GPU and back.
        with tf.device("CPU:0"):
            return segmenters[segmentation](normalize(texts, self.config.lowercase))


def _turns_within_limit(num_tokens, turns: tf.RaggedTensor, limit: int):
    """Returns bool[num_turns], whether each turn is kept.

    A nonempty turn is kept if it and all later turns of its prompt are within the limit together.
    The last nonempty turn of a prompt is always kept.
    """
    # A separator is counted before each turn.
    with_separator = tf.where(num_tokens > 0, num_tokens + 1, 0)
    offsets = tf.cumsum(with_separator, exclusive=True)
    row_offsets = tf.concat([offsets, [tf.reduce_sum(with_separator)]], axis=0)
    row_ends = tf.gather(tf.gather(row_offsets, turns.row_splits[1:]), turns.value_rowids())
    # Number of tokens of each turn and all later turns, without the separator before the turn.
    num_remaining = row_ends - offsets - 1
    is_last = num_remaining == num_tokens
    return (num_tokens > 0) & (is_last | (num_remaining <= limit))


def _join_turns(turns: tf.RaggedTensor, rows, nrows) -> tf.RaggedTensor:
    """Concatenates the tokens of the turns of each row, with a separator between two turns."""
    has_separator = tf.concat([[False], rows[1:] == rows[:-1]], axis=0)[: tf.size(rows)]
    separators = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.math.count_nonzero(has_separator)], _SEPARATOR),
        tf.cast(has_separator, tf.int64),
        validate=False,
    )
    turns = tf.concat([separators, turns], axis=1)
    return tf.RaggedTensor.from_value_rowids(turns, rows, nrows, validate=False).merge_dims(1, 2)
