"""The model with its loss: gradients and evaluation of a batch."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.seq2seq import Seq2Seq, drop_prompt
from attention_seq2seq.training.gradients import Gradient
from attention_seq2seq.training.guided_alignment import guided_alignment_loss
from attention_seq2seq.training.loss import cross_entropy, drop_padding, evaluate_cross_entropy
from attention_seq2seq.training.sampled_softmax import sampled_softmax_loss
from attention_seq2seq.training.scheduled_sampling import sample_decoder_inputs
from attention_seq2seq.utils.rng import BatchRng, RngStream


class EvalSums(NamedTuple):
    """Sums over the target tokens of a batch, EOS included.

    Attributes:
        loss: float32[], sum of the cross-entropies [nats].
        num_correct: float32[], number of tokens with the largest probability.
        num_tokens: float32[], number of tokens.
    """

    loss: tf.Tensor
    num_correct: tf.Tensor
    num_tokens: tf.Tensor


class Seq2SeqObjective:
    """Loss of each reply token, given the prompt and the tokens before it (teacher forcing).

    Args:
        seq2seq: the model.
        bos_id: id of the BOS token.
        options: the training options; `compute_dtype` must not be `auto`.
        source_to_target_ids: int32[source_vocab], for guided alignment: the target id of each
            source token, -1 if it has none.
    """

    def __init__(
        self,
        seq2seq: Seq2Seq,
        bos_id: int,
        options: TrainingConfig,
        source_to_target_ids: Sequence[int] = (),
    ):
        self.seq2seq = seq2seq
        self.bos_id = bos_id
        self.options = options
        self.dtype = tf.as_dtype(options.compute_dtype)
        self._source_to_target_ids = tf.constant(source_to_target_ids, tf.int32)

    def logits(self, batch) -> tf.Tensor:
        """Returns the logits float32[batch, target_time, vocab] of a batch's replies."""
        return self.seq2seq(**self._inputs(batch))

    def token_losses(
        self, batch, sampling_probability: tf.Tensor | float = 0.0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the two terms of the training loss.

        Args:
            batch: a batch of `train_batches`.
            sampling_probability: probability of a sampled decoder input (scheduled sampling).

        Returns:
            Two float32[tokens]: for each target token, the cross-entropy and the weighted guided
            alignment loss [nats].
        """
        options = self.options
        rng = BatchRng(
            options.seed, batch["batch_index"], batch.get("row_index"), batch.get("num_rows")
        )
        inputs = self._inputs(batch)
        if options.scheduled_sampling_probability:
            step, state = self._prepare_decoding(batch)
            inputs["target_input_ids"] = sample_decoder_inputs(
                step, state, inputs["target_input_ids"], sampling_probability, rng
            )
        vectors, attention_weights = self.seq2seq.hidden_states(**inputs, rng=rng, dtype=self.dtype)
        vectors, ids = drop_padding(vectors, batch["target_ids"], batch["target_length"])
        losses = self._cross_entropy(vectors, ids, rng)
        if not options.guided_alignment_weight:
            return losses, tf.zeros_like(losses)
        alignment_losses = self._guided_alignment_loss(batch, attention_weights)
        return losses, options.guided_alignment_weight * alignment_losses

    def gradients(
        self, batch, num_tokens: tf.Tensor, sampling_probability: tf.Tensor
    ) -> tuple[list[Gradient], tf.Tensor]:
        """Computes the gradients of the loss for all weights.

        Args:
            batch: a batch of `train_batches`.
            num_tokens: float32[], number of target tokens of all batches of the update; the sum of
                losses is divided by it.
            sampling_probability: probability of a sampled decoder input (scheduled sampling).

        Returns:
            The gradients in the order of `named_weights`, and the sum of the cross-entropies
            float32[].
        """
        with tf.GradientTape() as tape:
            losses, alignment_losses = self.token_losses(batch, sampling_probability)
            loss = tf.reduce_sum(losses + alignment_losses) / num_tokens
        weights = list(self.seq2seq.named_weights().values())
        return tape.gradient(loss, weights), tf.reduce_sum(losses)

    def eval_step(self, batch) -> EvalSums:
        """Evaluates a batch without dropout, with the whole vocabulary, in float32."""
        vectors, _ = self.seq2seq.hidden_states(**self._inputs(batch))
        vectors, ids = drop_padding(vectors, batch["target_ids"], batch["target_length"])
        projection = self.seq2seq.decoder.output_projection
        losses, is_correct = evaluate_cross_entropy(
            vectors, projection.kernel, projection.bias, ids
        )
        return EvalSums(*map(tf.reduce_sum, (losses, is_correct, tf.ones_like(losses))))

    def _cross_entropy(self, vectors, ids, rng: BatchRng) -> tf.Tensor:
        """Returns float32[tokens], over the whole vocabulary or over sampled tokens."""
        options, projection = self.options, self.seq2seq.decoder.output_projection
        weights = projection.kernel, projection.bias
        if options.num_sampled:
            seed = rng.fold_in(RngStream.SAMPLED_SOFTMAX)
            return sampled_softmax_loss(vectors, *weights, ids, options.num_sampled, seed)
        return cross_entropy(vectors, *weights, ids, self.dtype, options.label_smoothing)

    def _guided_alignment_loss(self, batch, attention_weights) -> tf.Tensor:
        """Returns float32[tokens]; zero for pairs whose prompt is dropped."""
        target_ids = batch["target_ids"]
        losses = guided_alignment_loss(
            attention_weights, batch["source_ids"], target_ids, self._source_to_target_ids
        )
        if "prompt_dropped" in batch:
            losses = tf.where(batch["prompt_dropped"][:, tf.newaxis], 0.0, losses)
        return drop_padding(losses, target_ids, batch["target_length"])[0]

    def _inputs(self, batch) -> dict:
        target_ids = batch["target_ids"]
        bos_ids = tf.fill([tf.shape(target_ids)[0], 1], tf.cast(self.bos_id, target_ids.dtype))
        return {
            "source_ids": batch["source_ids"],
            "source_length": batch["source_length"],
            "target_input_ids": tf.concat([bos_ids, target_ids[:, :-1]], axis=1),
            "prompt_dropped": batch.get("prompt_dropped"),
        }

    def _prepare_decoding(self, batch):
        """Returns the step function and the initial state for scheduled sampling."""
        decoder = self.seq2seq.decoder
        encoded = self.seq2seq.encoder(batch["source_ids"], batch["source_length"])
        if "prompt_dropped" in batch:
            encoded = drop_prompt(encoded, batch["prompt_dropped"])
        memory, state = decoder.initial_state(encoded)
        return lambda ids, state: decoder.step(ids, memory, state), state
