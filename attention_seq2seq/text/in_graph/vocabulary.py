"""`Vocabulary` as TensorFlow operations."""

import tensorflow as tf

from attention_seq2seq.text.vocabulary import SPECIALS, UNK, Vocabulary


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
