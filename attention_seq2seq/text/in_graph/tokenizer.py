"""`Seq2SeqTokenizer` as TensorFlow operations, with equal results."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.in_graph.jieba import InGraphJieba
from attention_seq2seq.text.in_graph.normalization import normalize
from attention_seq2seq.text.in_graph.spelling import InGraphSpeller, WordGroups
from attention_seq2seq.text.in_graph.vocabulary import InGraphVocabulary
from attention_seq2seq.text.in_graph.words import segment_words
from attention_seq2seq.text.segmentation import ATTACHED, SPACE_DELIMITED_CHARACTERS
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, PAD, SPECIALS, TURN, UNK

# Separates turns before they have ids. No normalized token is a line break.
_SEPARATOR = "\n"


class EncodedPrompts(NamedTuple):
    """Tokens and ids of a batch of prompts.

    Attributes:
        tokens: string[batch, source_time], padded with "".
        ids: int32[batch, source_time], padded with 0.
        target_ids: int32[batch, prompt_time], ids of the prompts in the target vocabulary, as
            `Seq2SeqTokenizer.target_ids`; padded with -1.
        length: int32[batch], number of tokens, at least 1.
        num_truncated: int32[batch], number of tokens beyond the limit.
    """

    tokens: tf.Tensor
    ids: tf.Tensor
    target_ids: tf.Tensor
    length: tf.Tensor
    num_truncated: tf.Tensor


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
        self.source_speller = self.target_speller = None
        if config.oov == "spell":
            self.target_speller = InGraphSpeller(
                tokenizer.target.vocabulary, self.target_vocabulary, config.lowercase
            )
            self.source_speller = self.target_speller
            if not config.share_vocabulary:
                self.source_speller = InGraphSpeller(
                    tokenizer.source.vocabulary, self.source_vocabulary, config.lowercase
                )

    def encode_prompts(self, texts: tf.Tensor, limit: int) -> EncodedPrompts:
        """Encodes prompts string[batch], any bytes, with at most `limit` tokens each.

        If a prompt is too long, first turns are dropped, then tokens at the end.
        """
        if not self.config.context_turns:
            return self._encode(self._tokenize_prompts(texts), limit)
        turns = tf.strings.split(texts, "\n")[:, -1 - self.config.context_turns :]
        tokens = self._tokenize_prompts(turns.values)
        is_within_limit = _turns_within_limit(tokens.row_lengths(), turns, limit)
        tokens = tf.ragged.boolean_mask(tokens, is_within_limit)
        rows = tf.boolean_mask(turns.value_rowids(), is_within_limit)
        return self._encode(_join_turns(tokens, rows, turns.nrows()), limit)

    def encode_prompt_tokens(self, tokens: tf.Tensor, limit: int) -> EncodedPrompts:
        """Encodes tokenized prompts string[batch, source_time], padded with empty strings."""
        tokens = tf.where(tokens == _SEPARATOR, SPECIALS[UNK], tokens)
        if self.config.context_turns:
            tokens = tf.where(tokens == SPECIALS[TURN], _SEPARATOR, tokens)
        tokens = tf.ragged.boolean_mask(tokens, tokens != "")
        if self.source_speller:
            tokens = self.source_speller.spell(tokens, (_SEPARATOR, SPECIALS[UNK]))
        return self._encode(tokens, limit)

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
        words = self._segment(self.config.target_tokenizer, texts)
        return self.target_speller.spell(words) if self.target_speller else words

    def spell_replies(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Returns tokens string[rows, (time)], all that `TargetTokenizer.spellings` returns."""
        words = self._segment(self.config.target_tokenizer, texts)
        if self.config.target_tokenizer == "words":
            is_first = tf.ragged.range(words.row_lengths()).flat_values == 0
            marks = tf.where(is_first, ATTACHED, "")
            attached = words.with_flat_values(tf.strings.join([marks, words.flat_values]))
            words = tf.concat([words, attached], axis=0)
        if not self.target_speller:
            return words
        spellings = self.target_speller.spell(words), self.target_speller.spell_all(words)
        return tf.concat(spellings, axis=0)

    def group_prompt_words(self, tokens: tf.RaggedTensor, is_special: tf.Tensor) -> WordGroups:
        """Returns the words of prompts; `is_special` is bool[tokens], True for special tokens."""
        return _group_words(self.source_speller, tokens, is_special)

    def group_reply_words(self, tokens: tf.RaggedTensor, is_special: tf.Tensor) -> WordGroups:
        """Returns the words of replies; `is_special` is bool[tokens], True for special tokens."""
        return _group_words(self.target_speller, tokens, is_special)

    def detokenize_replies(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Returns the texts string[batch] of tokens string[batch, (time)]."""
        if self.target_speller:
            has_marks = self.config.target_tokenizer == "words"
            tokens = self.target_speller.nonempty_words(tokens, has_marks)
        texts = tokens.flat_values
        if self.config.target_tokenizer == "words":
            is_attached = tf.strings.substr(texts, 0, len(ATTACHED.encode())) == ATTACHED
            texts = tf.strings.join([tf.where(is_attached, "", " "), texts])
            texts = tf.strings.regex_replace(texts, f"^{ATTACHED}", "")
        elif self.config.target_tokenizer != "characters":
            characters = SPACE_DELIMITED_CHARACTERS
            is_delimited_left = tf.strings.regex_full_match(texts, f"[{characters}](.|\n)*")
            is_delimited_right = tf.strings.regex_full_match(texts, f"(.|\n)*[{characters}]")
            rows = tokens.value_rowids()
            has_space = is_delimited_left[1:] & is_delimited_right[:-1] & (rows[1:] == rows[:-1])
            has_space = tf.concat([[False], has_space], axis=0)[: tf.size(texts)]
            texts = tf.strings.join([tf.where(has_space, " ", ""), texts])
        texts = tf.strings.reduce_join(tokens.with_flat_values(texts).to_tensor(""), axis=1)
        if self.config.target_tokenizer == "words":
            texts = tf.strings.regex_replace(texts, "^ ", "")
        return texts

    def _encode(self, tokens: tf.RaggedTensor, limit: int) -> EncodedPrompts:
        ragged_tokens = tokens[:, :limit]
        lengths = tf.cast(tokens.row_lengths(), tf.int32)
        num_truncated = tf.maximum(lengths - limit, 0)
        tokens = tokens.to_tensor("")[:, :limit]
        # An empty prompt becomes one unknown token.
        tokens = tf.pad(tokens, [[0, 0], [0, tf.maximum(1 - tf.shape(tokens)[1], 0)]])
        is_unk = (lengths == 0)[:, tf.newaxis] & (tf.range(tf.shape(tokens)[1]) == 0)
        tokens = tf.where(is_unk, SPECIALS[UNK], tokens)
        lengths = tf.clip_by_value(lengths, 1, limit)
        mask = tf.sequence_mask(lengths, tf.shape(tokens)[1])
        is_separator = tokens == _SEPARATOR
        ids = tf.where(is_separator, TURN, self.source_vocabulary.ids(tokens))
        ids = tf.where(is_unk, UNK, ids)
        target_ids = self._target_ids(ragged_tokens, tokens)
        is_only_unk = (lengths == 1) & (ids[:, 0] == UNK) & (tokens[:, 0] == SPECIALS[UNK])
        target_ids = tf.where(is_only_unk[:, tf.newaxis], -1, target_ids)
        return EncodedPrompts(
            tokens=tf.where(is_separator, SPECIALS[TURN], tokens),
            ids=tf.where(mask, ids, PAD),
            target_ids=tf.where(target_ids >= len(SPECIALS), target_ids, -1),
            length=lengths,
            num_truncated=num_truncated,
        )

    def _target_ids(self, ragged_tokens: tf.RaggedTensor, tokens):
        """Returns the ids of prompts in the target vocabulary. Special ids have no meaning."""
        if not self.target_speller or self.config.share_vocabulary:
            return self.target_vocabulary.ids(tokens)
        is_special = ragged_tokens.flat_values == _SEPARATOR
        is_special |= ragged_tokens.flat_values == SPECIALS[UNK]
        words = self.source_speller.group_words(ragged_tokens, is_special).texts
        spelled = self.target_speller.spell(words, (_SEPARATOR,)).to_tensor("")
        # An empty prompt has an unknown token.
        missing = tf.maximum(1 - tf.shape(spelled)[1], 0)
        return self.target_vocabulary.ids(tf.pad(spelled, [[0, 0], [0, missing]]))

    def _tokenize_prompts(self, texts) -> tf.RaggedTensor:
        words = self._segment(self.config.source_tokenizer, texts)
        return self.source_speller.spell(words) if self.source_speller else words

    def _segment(self, segmentation: str, texts) -> tf.RaggedTensor:
        segmenters: dict[str, Callable] = {
            "characters": lambda texts: tf.strings.unicode_split(texts, "UTF-8"),
            "whitespace": tf.strings.split,
            "words": segment_words,
            "jieba": self._jieba and self._jieba.segment,
        }
        # Strings are on the CPU, so integers would otherwise be copied to a GPU and back.
        with tf.device("CPU:0"):
            return segmenters[segmentation](normalize(texts, self.config.lowercase))


def _group_words(
    speller: InGraphSpeller | None, tokens: tf.RaggedTensor, is_special: tf.Tensor
) -> WordGroups:
    if speller:
        return speller.group_words(tokens, is_special)
    return WordGroups(tokens, tf.ones_like(is_special))


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
