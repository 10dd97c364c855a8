"""The encoder: what the decoder attends to."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.lstm import LSTMCell


class Encoded(NamedTuple):
    """What the encoder hands over.

    Attributes:
        outputs: float[batch, source_time, units], one for each word: the attention memory;
            anything at padding.
        length: int32[batch], the number of real words.
        final_state: (h, c), each float[batch, units], after the last real word.
    """

    outputs: tf.Tensor
    length: tf.Tensor
    final_state: tuple[tf.Tensor, tf.Tensor]


class Encoder(keras.layers.Layer):
    """Embeds the prompt and reads it with one LSTM.

    It is an ordinary seq2seq encoder; what attention needs of it is the output at each word, not
    only the state at the end.

    Args:
        vocabulary_size: number of source words.
        units: width of embedding and LSTM.
        dropout: share of the embedding dropped in training.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        dtype: what matrix products are computed in, float32 or bfloat16.

    Returns:
        `Encoded`.
    """

    def __init__(self, vocabulary_size: int, units: int, dropout: float = 0.0):
        super().__init__(name="encoder")
        self.embedding = keras.layers.Embedding(vocabulary_size, units, name="source_embedding")
        self.dropout = keras.layers.Dropout(dropout)
        self.lstm = LSTMCell(units, units, name="encoder_lstm")

    def call(self, source_ids, source_length, training=False, dtype=tf.float32) -> Encoded:
        """Reads the prompts."""
        # float[source_time, batch, units]
        embedded = self.dropout(self.embedding(tf.transpose(source_ids)), training=training)
        zeros = tf.zeros([tf.shape(source_ids)[0], self.lstm.units])
        h, c = self.lstm.unroll(embedded, (zeros, zeros), dtype)
        # Padding comes after the last real word, whose state has not seen it; what the LSTM makes
        # of the padding is masked wherever outputs are used.
        last = tf.stack([source_length - 1, tf.range(tf.shape(source_ids)[0])], axis=1)
        final_state = tf.gather_nd(h, last), tf.gather_nd(c, last)
        return Encoded(tf.transpose(h, [1, 0, 2]), source_length, final_state)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        return {"embedding": self.embedding.embeddings, **self.lstm.named_weights()}
