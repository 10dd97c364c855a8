"""The model with its loss: gradients of a batch, and what is measured on one."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.config import TrainingConfig
from attention_seq2seq.models.seq2seq import Seq2Seq, drop_prompt
from attention_seq2seq.training.gradients import Gradient
from attention_seq2seq.training.guided_alignment import guidance
from attention_seq2seq.training.loss import cross_entropy, drop_padding, evaluate_cross_entropy
from attention_seq2seq.training.sampled_softmax import sampled_softmax_loss
from attention_seq2seq.training.scheduled_sampling import sample_decoder_inputs
from attention_seq2seq.utils.rng import BatchRng, RngStream


class EvalSums(NamedTuple):
    """Sums over the real words of a batch, ends of replies included.

    Attributes:
        loss: float32[], in nats.
        num_correct: float32[], tokens whose probability was the largest.
        num_tokens: float32[].
    """

    loss: tf.Tensor
    num_correct: tf.Tensor
    num_tokens: tf.Tensor


class Seq2SeqObjective:
    """Trains a `Seq2Seq` to continue replies whose first words are given.

    Args:
        seq2seq: the model.
        bos_id: the id that starts every reply.
        options: how it is trained; its `dtype` must not be `auto`.
        said_as: int32[source_vocab], for `attention_guidance`: each source word's id as a word of
            a reply, -1 of words that no reply says.
    """

    def __init__(
        self,
        seq2seq: Seq2Seq,
        bos_id: int,
        options: TrainingConfig,
        said_as: Sequence[int] = (),
    ):
        self.seq2seq = seq2seq
        self.bos_id = bos_id
        self.options = options
        self.dtype = tf.as_dtype(options.dtype)
        self._said_as = tf.constant(said_as, tf.int32)

    def logits(self, batch) -> tf.Tensor:
        """The logits float32[batch, target_time, vocab] of a batch's replies."""
        return self.seq2seq(**self._inputs(batch))

    def losses(self, batch, sampling_probability: tf.Tensor | float = 0.0) -> tf.Tensor:
        """What is to be made small.

        Args:
            batch: as from `batching.train_batches`.
            sampling_probability: see `scheduled_sampling`.

        Returns:
            float32[words], in nats, of each real word: its cross-entropy and, if asked for, how
            far attention is from where it should look.
        """
        losses, guidances = self.token_losses(batch, sampling_probability)
        return losses + guidances

    def token_losses(self, batch, sampling_probability) -> tuple[tf.Tensor, tf.Tensor]:
        """The two parts of `losses`, each float32[words]."""
        options = self.options
        rng = BatchRng(options.seed, batch["number"], batch.get("row"), batch.get("num_rows"))
        inputs = self._inputs(batch)
        if options.scheduled_sampling:
            inputs["target_input_ids"] = sample_decoder_inputs(
                *self._start(batch), inputs["target_input_ids"], sampling_probability, rng
            )
        vectors, attention_weights = self.seq2seq.hidden_states(**inputs, rng=rng, dtype=self.dtype)
        vectors, ids = drop_padding(vectors, batch["target_ids"], batch["target_length"])
        losses = self._cross_entropies(vectors, ids, rng)
        if not options.attention_guidance:
            return losses, tf.zeros_like(losses)
        return losses, options.attention_guidance * self._guidance(batch, attention_weights)

    def gradients(
        self, batch, num_words: tf.Tensor, sampling_probability: tf.Tensor
    ) -> tuple[list[Gradient], tf.Tensor]:
        """The gradients of the loss, one for each trainable variable.

        Args:
            batch: see `losses`.
            num_words: float32[], what the sum of losses is divided by: the real words of all
                batches that make an update together.
            sampling_probability: see `losses`.

        Returns:
            The gradients, and the sum of the cross-entropies float32[].
        """
        with tf.GradientTape() as tape:
            losses, guidances = self.token_losses(batch, sampling_probability)
            loss = tf.reduce_sum(losses + guidances) / num_words
        return tape.gradient(loss, self.seq2seq.trainable_variables), tf.reduce_sum(losses)

    def eval_step(self, batch) -> EvalSums:
        """Measures on a batch: no dropout, the whole vocabulary, float32."""
        vectors, _ = self.seq2seq.hidden_states(**self._inputs(batch))
        vectors, ids = drop_padding(vectors, batch["target_ids"], batch["target_length"])
        projection = self.seq2seq.decoder.output_projection
        losses, right = evaluate_cross_entropy(vectors, projection.kernel, projection.bias, ids)
        return EvalSums(*map(tf.reduce_sum, (losses, right, tf.ones_like(losses))))

    def _cross_entropies(self, vectors, ids, rng: BatchRng) -> tf.Tensor:
        """Of each real word float32[words], of all words or of sampled ones."""
        options, projection = self.options, self.seq2seq.decoder.output_projection
        weights = projection.kernel, projection.bias
        if options.sampled_words:
            seed = rng.fold_in(RngStream.SAMPLED_SOFTMAX)
            return sampled_softmax_loss(vectors, *weights, ids, options.sampled_words, seed)
        return cross_entropy(vectors, *weights, ids, self.dtype, options.label_smoothing)

    def _guidance(self, batch, attention_weights) -> tf.Tensor:
        """Of each real word float32[words]; an emptied prompt has nothing to look at."""
        target_ids = batch["target_ids"]
        costs = guidance(attention_weights, batch["source_ids"], target_ids, self._said_as)
        if "emptied" in batch:
            costs = tf.where(batch["emptied"][:, tf.newaxis], 0.0, costs)
        return drop_padding(costs, target_ids, batch["target_length"])[0]

    def _inputs(self, batch) -> dict:
        target_ids = batch["target_ids"]
        begin = tf.fill([tf.shape(target_ids)[0], 1], tf.cast(self.bos_id, target_ids.dtype))
        return {
            "source_ids": batch["source_ids"],
            "source_length": batch["source_length"],
            "target_input_ids": tf.concat([begin, target_ids[:, :-1]], axis=1),
            "prompt_dropped": batch.get("emptied"),
        }

    def _start(self, batch):
        """A step function that answers the batch's prompts, and the state before the first word."""
        decoder = self.seq2seq.decoder
        encoded = self.seq2seq.encoder(batch["source_ids"], batch["source_length"])
        if "emptied" in batch:
            encoded = drop_prompt(encoded, batch["emptied"])
        memory, state = decoder.initial_state(encoded)
        return lambda ids, state: decoder.step(ids, memory, state), state
