"""What a codec does between a string and ids, executed by TensorFlow ops: equal to `Codec`."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.text.codec import Codec
from attention_seq2seq.text.jieba_graph import JiebaGraph
from attention_seq2seq.text.normalization_graph import normalize
from attention_seq2seq.text.segmentation import SPACED
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK, Vocabulary


class Read(NamedTuple):
    """Prompts as the model reads them, all [batch, (source_time)].

    Attributes:
        words: string, as they were cut.
        ids: int32.
        said_as: int32, the ids of the words in the vocabulary of the replies; -1: it has none.
    """

    words: tf.RaggedTensor
    ids: tf.RaggedTensor
    said_as: tf.RaggedTensor


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

    def ids(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """The ids of string words of any shape; int32."""
        return words.with_flat_values(self._ids.lookup(words.flat_values))

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
        if "jieba" in (config.source_segmentation, config.target_segmentation):
            self._jieba = JiebaGraph(codec.tokenizer(), config.jieba_hmm, folder)
        self.target_vocabulary = VocabularyGraph(codec.target_vocabulary)
        self.source_vocabulary = self.target_vocabulary
        if not config.shared_vocabulary:
            self.source_vocabulary = VocabularyGraph(codec.source_vocabulary)

    def read_prompts(self, texts: tf.Tensor, limit: int) -> Read:
        """The words of string[batch], any bytes; earlier turns, then words beyond the limit go."""
        turns = self._turns(texts)
        words = self._cut(self.config.source_segmentation, turns.values)
        kept = _that_fit(words.row_lengths(), turns, limit)
        words = tf.ragged.boolean_mask(words, kept)
        rows = tf.boolean_mask(turns.value_rowids(), kept)
        # Between two turns stands the special word of that name.
        borders = tf.concat([[False], rows[1:] == rows[:-1]], axis=0)[: tf.size(rows)]
        nrows = turns.nrows()
        read = [
            _joined(words, SPECIALS[TURN], SPECIALS[UNK], borders, rows, nrows),
            _joined(self.source_vocabulary.ids(words), TURN, UNK, borders, rows, nrows),
        ]
        words, ids = (column[:, :limit] for column in read)
        said_as = self.target_vocabulary.ids(words)
        return Read(words, ids, tf.where(said_as == UNK, -1, said_as))

    def encode_replies(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """The ids of string[batch], any bytes, the end of each included: int32[batch, (time)]."""
        ids = self.target_vocabulary.ids(self.reply_words(texts))
        end = tf.fill(tf.stack([ids.nrows(), 1]), EOS)
        return tf.concat([ids, end], axis=1)

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

    def _turns(self, texts) -> tf.RaggedTensor:
        if not self.config.context_turns:
            return tf.RaggedTensor.from_uniform_row_length(texts, 1)
        return tf.strings.split(texts, "\n")[:, -1 - self.config.context_turns :]

    def _cut(self, segmentation: str, texts) -> tf.RaggedTensor:
        cuts: dict[str, Callable] = {
            "characters": lambda texts: tf.strings.unicode_split(texts, "UTF-8"),
            "blanks": tf.strings.split,
            "jieba": self._jieba and self._jieba.cut,
        }
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


def _joined(parts: tf.RaggedTensor, border, nothing, borders, rows, nrows) -> tf.RaggedTensor:
    """The parts of each row one after the other, a border between them; or nothing's sign."""
    ones = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.math.count_nonzero(borders)], border),
        tf.cast(borders, tf.int64),
        validate=False,
    )
    parts = tf.concat([ones, parts], axis=1)
    whole = tf.RaggedTensor.from_value_rowids(parts, rows, nrows, validate=False).merge_dims(1, 2)
    empty = whole.row_lengths() == 0
    signs = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.math.count_nonzero(empty)], nothing), tf.cast(empty, tf.int64), validate=False
    )
    return tf.concat([whole, signs], axis=1)
