"""The whole model: ids of a prompt and of a reply to logits."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config import ModelConfig
from attention_seq2seq.model.decoder import Decoder
from attention_seq2seq.model.encoder import Encoder


class Seq2Seq(keras.Model):
    """The document's attention seq2seq model; its weights exist from construction on.

    Use `__call__` to score given replies (training), `start` to answer (decoding).

    Args:
        config: the model's options.
        source_vocabulary_size: number of source words.
        target_vocabulary_size: number of target words.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        target_input_ids: int32[batch, target_time]: begin of reply, then the reply without its
            last id.

    Returns:
        float32[batch, target_time, vocab], the logits of the reply's words.

    Source:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation,
        EMNLP 2015.

    Example:
        >>> model = Seq2Seq(ModelConfig(units=3), 11, 13)
        >>> source_ids, target_input_ids = tf.constant([[5, 6, 7]]), tf.constant([[1, 5]])
        >>> model(source_ids, tf.constant([3]), target_input_ids).shape
        TensorShape([1, 2, 13])
    """

    def __init__(
        self, config: ModelConfig, source_vocabulary_size: int, target_vocabulary_size: int
    ):
        super().__init__(name="seq2seq")
        self.encoder = Encoder(source_vocabulary_size, config.units, config.dropout)
        self.decoder = Decoder(config, target_vocabulary_size)
        one = tf.ones([1, 1], tf.int32)
        self(one, tf.ones([1], tf.int32), one)

    def call(self, source_ids, source_length, target_input_ids, training=False) -> tf.Tensor:
        """Teacher forcing; see the class."""
        encoded = self.encoder(source_ids, source_length, training=training)
        return self.decoder(target_input_ids, encoded, training=training)

    def start(self, source_ids: tf.Tensor, source_length: tf.Tensor):
        """Reads prompts and gets ready to answer.

        Returns:
            A step function (see `decoding.step`) and the state before the first word. Several
            may be in use at once, in one graph too.
        """
        memory, state = self.decoder.start(self.encoder(source_ids, source_length))
        return lambda ids, state: self.decoder.step(ids, memory, state), state

    def named_weights(self) -> dict[str, tf.Variable]:
        """Every variable by a name of our own, which no version of Keras changes."""
        return {
            **{f"encoder/{name}": value for name, value in self.encoder.named_weights().items()},
            **{f"decoder/{name}": value for name, value in self.decoder.named_weights().items()},
        }
