"""The model with its loss: gradients of a batch, and what is measured on one."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config import TrainingConfig
from attention_seq2seq.model.draws import Draw, seed_of
from attention_seq2seq.model.seq2seq import Seq2Seq, without_prompt
from attention_seq2seq.training.gradients import Gradient
from attention_seq2seq.training.loss import cross_entropy, judged, real_words
from attention_seq2seq.training.sampled_loss import sampled_cross_entropy
from attention_seq2seq.training.scheduled_sampling import with_own_words


class Judged(NamedTuple):
    """Sums over the real words of a batch, ends of replies included.

    Attributes:
        loss: float32[], in nats.
        right: float32[], how many had the largest probability of all.
        words: float32[], how many there are.
    """

    loss: tf.Tensor
    right: tf.Tensor
    words: tf.Tensor


class TeacherForcing:
    """Trains a `Seq2Seq` to continue replies whose first words are given.

    Args:
        seq2seq: the model.
        begin_id: the id that starts every reply.
        options: how it is trained; its `dtype` must not be `auto`.
    """

    def __init__(self, seq2seq: Seq2Seq, begin_id: int, options: TrainingConfig):
        self.seq2seq = seq2seq
        self.begin_id = begin_id
        self.options = options
        self.dtype = tf.as_dtype(options.dtype)

    def logits(self, batch) -> tf.Tensor:
        """The logits float32[batch, target_time, vocab] of a batch's replies."""
        return self.seq2seq(**self._inputs(batch))

    def losses(self, batch, share_of_own_words: tf.Tensor | float = 0.0) -> tf.Tensor:
        """What is to be made small.

        Args:
            batch: as from `batching.training_batches`.
            share_of_own_words: see `scheduled_sampling`.

        Returns:
            float32[words], in nats, of each real word.
        """
        options = self.options
        seed = tf.stack([options.seed, tf.cast(batch["number"], tf.int32)])
        inputs = self._inputs(batch)
        if options.scheduled_sampling:
            inputs["target_input_ids"] = with_own_words(
                *self._start(batch), inputs["target_input_ids"], share_of_own_words, seed
            )
        vectors = self.seq2seq.attention_vectors(**inputs, seed=seed, dtype=self.dtype)
        vectors, ids = real_words(vectors, batch["target_ids"], batch["target_length"])
        projection = self.seq2seq.decoder.output_projection
        weights = projection.kernel, projection.bias
        if options.sampled_words:
            seed = seed_of(Draw.SAMPLED_WORDS, *tf.unstack(seed))
            return sampled_cross_entropy(vectors, *weights, ids, options.sampled_words, seed)
        return cross_entropy(vectors, *weights, ids, self.dtype, options.label_smoothing)

    def gradients(
        self, batch, num_words: tf.Tensor, share_of_own_words: tf.Tensor
    ) -> tuple[list[Gradient], tf.Tensor]:
        """The gradients of the loss, one for each trainable variable.

        Args:
            batch: see `losses`.
            num_words: float32[], what the sum of losses is divided by: the real words of all
                batches that make an update together.
            share_of_own_words: see `losses`.

        Returns:
            The gradients, and the sum of the losses float32[].
        """
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(self.losses(batch, share_of_own_words))
            loss = total / num_words
        return tape.gradient(loss, self.seq2seq.trainable_variables), total

    def judge(self, batch) -> Judged:
        """Measures on a batch: no dropout, the whole vocabulary, float32."""
        vectors = self.seq2seq.attention_vectors(**self._inputs(batch))
        vectors, ids = real_words(vectors, batch["target_ids"], batch["target_length"])
        projection = self.seq2seq.decoder.output_projection
        losses, right = judged(vectors, projection.kernel, projection.bias, ids)
        return Judged(*map(tf.reduce_sum, (losses, right, tf.ones_like(losses))))

    def _inputs(self, batch) -> dict:
        target_ids = batch["target_ids"]
        begin = tf.fill([tf.shape(target_ids)[0], 1], tf.cast(self.begin_id, target_ids.dtype))
        return {
            "source_ids": batch["source_ids"],
            "source_length": batch["source_length"],
            "target_input_ids": tf.concat([begin, target_ids[:, :-1]], axis=1),
            "emptied": batch.get("emptied"),
        }

    def _start(self, batch):
        """A step function that answers the batch's prompts, and the state before the first word."""
        decoder = self.seq2seq.decoder
        encoded = self.seq2seq.encoder(batch["source_ids"], batch["source_length"])
        if "emptied" in batch:
            encoded = without_prompt(encoded, batch["emptied"])
        memory, state = decoder.start(encoded)
        return lambda ids, state: decoder.step(ids, memory, state), state
