"""What a codec does between a string and ids, executed by TensorFlow ops: equal to `Codec`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.in_graph.jieba import JiebaGraph
from attention_seq2seq.text.in_graph.normalization import normalize
from attention_seq2seq.text.segmentation import SPACED
from attention_seq2seq.text.seq2seq_tokenizer import Codec
from attention_seq2seq.text.vocabulary import EOS, PAD, SPECIALS, TURN, UNK, Vocabulary

# Between two turns, until they have ids: no normalised word is a line break.
_BORDER = "\n"


class Read(NamedTuple):
    """Prompts as the model reads them.

    Attributes:
        words: string[batch, source_time], as they were cut, padded with "".
        ids: int32[batch, source_time], padded with 0.
        said_as: int32[batch, source_time], the ids of the words in the vocabulary of the replies,
            -1 where it has none and at padding.
        length: int32[batch], at least 1.
        num_unread: int32[batch], how many words more each had than are read.
    """

    words: tf.Tensor
    ids: tf.Tensor
    said_as: tf.Tensor
    length: tf.Tensor
    num_unread: tf.Tensor


class VocabularyGraph(tf.Module):
    """Words to ids and back inside a graph.

    Args:
        vocabulary: as of training.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        words = vocabulary.words(range(len(vocabulary)))
        real = range(len(SPECIALS), len(words))
        keys = tf.constant(words[len(SPECIALS) :], tf.string)
        initializer = tf.lookup.KeyValueTensorInitializer(keys, tf.constant(list(real), tf.int32))
        self._ids = tf.lookup.StaticHashTable(initializer, UNK)
        self._words = tf.constant(words)

    def ids(self, words: tf.Tensor | tf.RaggedTensor) -> tf.Tensor | tf.RaggedTensor:
        """The ids of string words of any shape; int32."""
        return self._ids.lookup(words)

    def words(self, ids: tf.Tensor) -> tf.Tensor:
        """The words of int32 ids of any shape."""
        return tf.gather(self._words, ids)


class CodecGraph(tf.Module):
    """Everything between a string and ids, inside a graph.

    Args:
        codec: of a trained model.
        folder: where the dictionary is written to, if words are cut by jieba.
    """

    def __init__(self, codec: Codec, folder: str | Path):
        super().__init__()
        config = codec.config
        self.config = config
        self._jieba = None
        if codec.dictionary:
            self._jieba = JiebaGraph(codec.dictionary, config.jieba_hmm, folder)
        self.target_vocabulary = VocabularyGraph(codec.target_vocabulary)
        self.source_vocabulary = self.target_vocabulary
        if not config.shared_vocabulary:
            self.source_vocabulary = VocabularyGraph(codec.source_vocabulary)

    def read_prompts(self, texts: tf.Tensor, limit: int) -> Read:
        """The words of string[batch], any bytes; earlier turns, then words beyond the limit go."""
        if not self.config.context_turns:
            return self._read(self._cut(self.config.source_segmentation, texts), limit)
        turns = tf.strings.split(texts, "\n")[:, -1 - self.config.context_turns :]
        words = self._cut(self.config.source_segmentation, turns.values)
        kept = _that_fit(words.row_lengths(), turns, limit)
        words = tf.ragged.boolean_mask(words, kept)
        rows = tf.boolean_mask(turns.value_rowids(), kept)
        return self._read(_joined(words, rows, turns.nrows()), limit)

    def read_tokens(self, tokens: tf.Tensor, limit: int) -> Read:
        """The same for string[batch, source_time], words as `Read` has them; empty: no word."""
        tokens = tf.where(tokens == _BORDER, SPECIALS[UNK], tokens)
        if self.config.context_turns:
            tokens = tf.where(tokens == SPECIALS[TURN], _BORDER, tokens)
        return self._read(tf.ragged.boolean_mask(tokens, tokens != ""), limit)

    def encode_replies(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """The words and ids of string[batch], any bytes, the end of each included."""
        words = self.reply_words(texts)
        ids = self.target_vocabulary.ids(words)
        column = tf.stack([ids.nrows(), 1])
        return (
            tf.concat([words, tf.fill(column, SPECIALS[EOS])], axis=1),
            tf.concat([ids, tf.fill(column, EOS)], axis=1),
        )

    def reply_words(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The words of string[batch], any bytes, as they are cut: string[batch, (time)]."""
        return self._cut(self.config.target_segmentation, texts)

    def join_replies(self, words: tf.RaggedTensor) -> tf.Tensor:
        """The texts of string[batch, (time)] words: string[batch]."""
        texts = words.flat_values
        if self.config.target_segmentation != "characters":
            begins = tf.strings.regex_full_match(texts, f"[{SPACED}](.|\n)*")
            ends = tf.strings.regex_full_match(texts, f"(.|\n)*[{SPACED}]")
            rows = words.value_rowids()
            apart = begins[1:] & ends[:-1] & (rows[1:] == rows[:-1])
            apart = tf.concat([[False], apart], axis=0)[: tf.size(texts)]
            texts = tf.strings.join([tf.where(apart, " ", ""), texts])
        return tf.strings.reduce_join(words.with_flat_values(texts).to_tensor(""), axis=1)

    def _read(self, words: tf.RaggedTensor, limit: int) -> Read:
        lengths = tf.cast(words.row_lengths(), tf.int32)
        num_unread = tf.maximum(lengths - limit, 0)
        words = words.to_tensor("")[:, :limit]
        # No words at all read as one unknown word.
        words = tf.pad(words, [[0, 0], [0, tf.maximum(1 - tf.shape(words)[1], 0)]])
        first = tf.range(tf.shape(words)[1]) == 0
        words = tf.where((lengths == 0)[:, tf.newaxis] & first, SPECIALS[UNK], words)
        lengths = tf.clip_by_value(lengths, 1, limit)
        real = tf.sequence_mask(lengths, tf.shape(words)[1])
        border = words == _BORDER
        ids = tf.where(border, TURN, self.source_vocabulary.ids(words))
        said_as = self.target_vocabulary.ids(words)
        return Read(
            words=tf.where(border, SPECIALS[TURN], words),
            ids=tf.where(real, ids, PAD),
            said_as=tf.where(real & (said_as != UNK), said_as, -1),
            length=lengths,
            num_unread=num_unread,
        )

    def _cut(self, segmentation: str, texts) -> tf.RaggedTensor:
        cuts: dict[str, Callable] = {
            "characters": lambda texts: tf.strings.unicode_split(texts, "UTF-8"),
            "blanks": tf.strings.split,
            "jieba": self._jieba and self._jieba.cut,
        }
        # Strings live on the processor: without this, integers among them travel to a GPU and back.
        with tf.device("CPU:0"):
            return cuts[segmentation](normalize(texts, self.config.lower_case))


def _that_fit(num_words, turns: tf.RaggedTensor, limit: int):
    """bool[num_turns], the turns kept: they have words, and are the last of a prompt that fit."""
    # Of each turn, the words from it on to the last turn, a border before each turn.
    with_border = tf.where(num_words > 0, num_words + 1, 0)
    before = tf.cumsum(with_border, exclusive=True)
    totals = tf.concat([before, [tf.reduce_sum(with_border)]], axis=0)
    end_of_row = tf.gather(tf.gather(totals, turns.row_splits[1:]), turns.value_rowids())
    from_here = end_of_row - before - 1
    last = from_here == num_words
    return (num_words > 0) & (last | (from_here <= limit))


def _joined(turns: tf.RaggedTensor, rows, nrows) -> tf.RaggedTensor:
    """The words of the turns of each row one after the other, a border between two turns."""
    border = tf.concat([[False], rows[1:] == rows[:-1]], axis=0)[: tf.size(rows)]
    borders = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.math.count_nonzero(border)], _BORDER),
        tf.cast(border, tf.int64),
        validate=False,
    )
    turns = tf.concat([borders, turns], axis=1)
    return tf.RaggedTensor.from_value_rowids(turns, rows, nrows, validate=False).merge_dims(1, 2)
