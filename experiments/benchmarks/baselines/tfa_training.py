"""Model and training step of the TensorFlow Addons tutorials, as a baseline."""

from collections.abc import Callable
from types import ModuleType

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.text.vocabulary import BOS


class TutorialSeq2Seq(keras.Model):
    """The attention model of the tutorials, with the projection inside the decoder loop.

    Args:
        units: width of the model.
        vocabulary_size: number of tokens.
        seq2seq: module of the layers and decoders, such as `tfa.seq2seq`.
    """

    def __init__(self, units: int, vocabulary_size: int, seq2seq: ModuleType):
        super().__init__()
        self.source_embedding = keras.layers.Embedding(vocabulary_size, units)
        self.encoder = keras.layers.LSTM(units, return_sequences=True, return_state=True)
        self.target_embedding = keras.layers.Embedding(vocabulary_size, units)
        self.mechanism = seq2seq.LuongAttention(units)
        cell = seq2seq.AttentionWrapper(
            keras.layers.LSTMCell(units), self.mechanism, attention_layer_size=units
        )
        self.decoder = seq2seq.BasicDecoder(
            cell, seq2seq.TrainingSampler(), output_layer=keras.layers.Dense(vocabulary_size)
        )

    def call(self, source_ids, source_length, target_input_ids):
        """Returns the logits float32[batch, target_time, vocab], also at padding."""
        mask = tf.sequence_mask(source_length, tf.shape(source_ids)[1])
        memory, _, _ = self.encoder(self.source_embedding(source_ids), mask=mask)
        self.mechanism.setup_memory(memory, source_length)
        state = self.decoder.cell.get_initial_state(
            batch_size=tf.shape(source_ids)[0], dtype=tf.float32
        )
        outputs, _, _ = self.decoder(
            self.target_embedding(target_input_ids),
            initial_state=state,
            sequence_length=tf.fill(tf.shape(source_length), tf.shape(target_input_ids)[1]),
        )
        return outputs.rnn_output


def make_train_step(model: TutorialSeq2Seq, clip_norm: float, seq2seq: ModuleType) -> Callable:
    """Returns a training step with the Adam optimizer of Keras.

    Args:
        model: the trained model.
        clip_norm: maximum global norm of the gradients.
        seq2seq: module with `sequence_loss`, such as `tfa.seq2seq`.

    Returns:
        A function of int32[batch, source_time], int32[batch], int32[batch, target_time] and
        int32[batch], which returns the mean loss of all tokens so far.
    """
    optimizer = keras.optimizers.Adam(0.001, global_clipnorm=clip_norm)
    mean = keras.metrics.Mean()
    ids, length = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=[ids, length, ids, length])
    def train_step(source_ids, source_length, target_ids, target_length):
        bos_ids = tf.fill([tf.shape(target_ids)[0], 1], BOS)
        target_input_ids = tf.concat([bos_ids, target_ids[:, :-1]], axis=1)
        with tf.GradientTape() as tape:
            logits = model(source_ids, source_length, target_input_ids)
            mask = tf.sequence_mask(target_length, tf.shape(target_ids)[1], dtype=tf.float32)
            loss = seq2seq.sequence_loss(logits, target_ids, mask)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        mean.update_state(loss, sample_weight=tf.reduce_sum(mask))
        return mean.result()

    return train_step
