"""The model with its loss: what Keras compiles and fits."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.training.loss import token_cross_entropy


class TeacherForcing(keras.Model):
    """Trains a `Seq2Seq` to continue replies whose first words are given.

    Args:
        seq2seq: the model; its weights are trained in place.
        begin_id: the id that starts every reply.

    Call arguments:
        batch: as from `batching.batches`.

    Returns:
        float32[batch, target_time, vocab], the logits.
    """

    def __init__(self, seq2seq: Seq2Seq, begin_id: int):
        super().__init__(name="teacher_forcing")
        self.seq2seq = seq2seq
        self.begin_id = begin_id
        self.loss_mean = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        """The mean over all real words of an epoch, which Keras resets in between."""
        return [self.loss_mean]

    def call(self, batch, training=False) -> tf.Tensor:
        """The logits of a batch's replies."""
        target_ids = batch["target_ids"]
        begin = tf.fill([tf.shape(target_ids)[0], 1], tf.cast(self.begin_id, target_ids.dtype))
        target_input_ids = tf.concat([begin, target_ids[:, :-1]], axis=1)
        return self.seq2seq(
            batch["source_ids"],
            batch["source_length"],
            target_input_ids,
            emptied=batch.get("emptied"),
            training=training,
        )

    def loss_of(self, batch, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss, averaged over the batch's real words, and their number."""
        logits = self(batch, training=training)
        total, num_words = token_cross_entropy(logits, batch["target_ids"], batch["target_length"])
        return total / num_words, num_words

    def train_step(self, batch):
        """One update."""
        with tf.GradientTape() as tape:
            loss, num_words = self.loss_of(batch, training=True)
        variables = self.seq2seq.trainable_variables
        # An embedding's gradient comes as one row for each use of a word. Summed by word first,
        # it is clipped and applied as what it is; a word used thrice counts thrice.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
        self.optimizer.apply_gradients(zip(gradients, variables))
        return self._measured(loss, num_words)

    def test_step(self, batch):
        """Measures without updating."""
        return self._measured(*self.loss_of(batch, training=False))

    def _measured(self, loss, num_words):
        self.loss_mean.update_state(loss, sample_weight=num_words)
        mean = self.loss_mean.result()
        return {"loss": mean, "perplexity": tf.exp(mean)}
