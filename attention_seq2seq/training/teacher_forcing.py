"""The model with its loss: what Keras compiles and fits."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.training.gradients import clipped, with_rows_summed
from attention_seq2seq.training.loss import cross_entropy, real_words
from attention_seq2seq.training.sampled_loss import sampled_cross_entropy


class TeacherForcing(keras.Model):
    """Trains a `Seq2Seq` to continue replies whose first words are given.

    Args:
        seq2seq: the model; its weights are trained in place.
        begin_id: the id that starts every reply.
        clip_norm: the global norm that gradients are scaled down to.
        dtype_of_products: what the matrix products of training are computed in, float32 or
            bfloat16; measuring is always in float32.
        num_sampled: words sampled for the loss of training instead of the whole vocabulary, which
            is what is always measured with; 0: none.
        seed: of the samples; each update has its own.

    Call arguments:
        batch: as from `batching.batches`.

    Returns:
        float32[batch, target_time, vocab], the logits.
    """

    def __init__(
        self,
        seq2seq: Seq2Seq,
        begin_id: int,
        clip_norm: float = 5.0,
        dtype_of_products: tf.DType = tf.float32,
        num_sampled: int = 0,
        seed: int = 1,
    ):
        super().__init__(name="teacher_forcing")
        self.seq2seq = seq2seq
        self.begin_id = begin_id
        self.clip_norm = clip_norm
        self.dtype_of_products = dtype_of_products
        self.num_sampled = num_sampled
        self.seed = seed
        self.loss_mean = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        """The mean over all real words of an epoch, which Keras resets in between."""
        return [self.loss_mean]

    def call(self, batch, training=False) -> tf.Tensor:
        """The logits of a batch's replies."""
        return self.seq2seq(**self._inputs(batch), training=training)

    def loss_of(self, batch, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """The loss, averaged over the batch's real words, and their number."""
        dtype = self.dtype_of_products if training else tf.float32
        vectors = self.seq2seq.attention_vectors(
            **self._inputs(batch), training=training, dtype=dtype
        )
        vectors, ids = real_words(vectors, batch["target_ids"], batch["target_length"])
        projection = self.seq2seq.decoder.output_projection
        if training and self.num_sampled:
            seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
            losses = sampled_cross_entropy(
                vectors, projection.kernel, projection.bias, ids, self.num_sampled, seed
            )
        else:
            losses = cross_entropy(vectors, projection.kernel, projection.bias, ids, dtype)
        return tf.reduce_mean(losses), tf.cast(tf.size(ids), tf.float32)

    def _inputs(self, batch) -> dict:
        target_ids = batch["target_ids"]
        begin = tf.fill([tf.shape(target_ids)[0], 1], tf.cast(self.begin_id, target_ids.dtype))
        return {
            "source_ids": batch["source_ids"],
            "source_length": batch["source_length"],
            "target_input_ids": tf.concat([begin, target_ids[:, :-1]], axis=1),
            "emptied": batch.get("emptied"),
        }

    def train_step(self, batch):
        """One update."""
        with tf.GradientTape() as tape:
            loss, num_words = self.loss_of(batch, training=True)
        variables = self.seq2seq.trainable_variables
        gradients = [with_rows_summed(g) for g in tape.gradient(loss, variables)]
        self.optimizer.apply_gradients(zip(clipped(gradients, self.clip_norm), variables))
        return self._measured(loss, num_words)

    def test_step(self, batch):
        """Measures without updating."""
        return self._measured(*self.loss_of(batch, training=False))

    def _measured(self, loss, num_words):
        self.loss_mean.update_state(loss, sample_weight=num_words)
        mean = self.loss_mean.result()
        return {"loss": mean, "perplexity": tf.exp(mean)}
