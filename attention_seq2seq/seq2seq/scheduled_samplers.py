"""Samplers that feed the targets or, at random, outputs of the model (scheduled sampling)."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.seq2seq.batch_time import transpose_batch_time, unstack_time
from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.random_samples import bernoulli_sample, categorical_sample
from attention_seq2seq.seq2seq.sampler_base import EmbeddingSampler
from attention_seq2seq.seq2seq.training_sampler import TrainingSampler


class ScheduledEmbeddingTrainingSampler(TrainingSampler, EmbeddingSampler):
    """Sampler that feeds targets or, at random, embeddings of ids drawn from the outputs.

    The id is -1 in rows that are fed the target.

    Args:
        sampling_probability: float[] or float[batch], probability of feeding a drawn id.
        embedding_fn: function from ids int32[rows] to embeddings; None: the `embedding` given to
            `initialize`.
        time_major: whether inputs and mask are [target_time, batch, ...].
        seed: seed of the ids.
        scheduling_seed: seed of the choice between targets and ids.

    Raises:
        ValueError: `sampling_probability` is neither a scalar nor a vector.

    Source:
        Bengio et al.: Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks,
        NIPS 2015.
    """

    def __init__(
        self,
        sampling_probability: Any,
        embedding_fn: Callable | None = None,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
    ):
        self.embedding_fn = embedding_fn
        self.sampling_probability = _probability(sampling_probability)
        self.seed = seed
        self.scheduling_seed = scheduling_seed
        super().__init__(time_major=time_major)

    def initialize(self, inputs, sequence_length=None, mask=None, embedding=None):
        """Returns the finished rows and the first inputs.

        Args:
            inputs: float[batch, target_time, units], the embedded targets.
            sequence_length: int[batch], number of steps; None: all steps.
            mask: bool[batch, target_time], False at padding on the right.
            embedding: float[vocab, units]; ignored if there is an `embedding_fn`. None: the
                embedding of the previous call.

        Raises:
            ValueError: no embedding.
        """
        self.set_call_embedding(embedding)
        if self.embedding_fn is None:
            raise ValueError(
                "embedding is required as a keyword argument for "
                "ScheduledEmbeddingTrainingSampler without an embedding_fn."
            )
        return super().initialize(inputs, sequence_length=sequence_length, mask=mask)

    def sample(self, time, outputs, state):
        """Returns int32[batch], drawn ids, or -1 for rows that are fed the target."""
        is_sampled = bernoulli_sample(
            probs=self.sampling_probability,
            dtype=tf.bool,
            sample_shape=self.batch_size,
            seed=self.scheduling_seed,
        )
        return tf.where(is_sampled, categorical_sample(logits=outputs, seed=self.seed), -1)

    def next_inputs(self, time, outputs, state, sample_ids):
        """Returns the finished rows, targets or embeddings of the ids, and the state."""
        finished, targets, state = super().next_inputs(time, outputs, state, sample_ids)

        def mix_inputs():
            rows = tf.where(sample_ids > -1)
            embeddings = self.embedding_fn(tf.gather_nd(sample_ids, rows))
            return tf.tensor_scatter_nd_update(targets, rows, tf.cast(embeddings, targets.dtype))

        next_inputs = tf.cond(tf.reduce_all(finished), lambda: targets, mix_inputs)
        return finished, next_inputs, state


class ScheduledOutputTrainingSampler(TrainingSampler):
    """Sampler that feeds targets or, at random, outputs of the model.

    Args:
        sampling_probability: float[] or float[batch], probability of feeding an output.
        time_major: whether inputs and mask are [target_time, batch, ...].
        seed: seed of the choice between targets and outputs.
        next_inputs_fn: function from outputs float[rows, output_size] to the next inputs of these
            rows; None: the outputs are the inputs.

    Raises:
        ValueError: `sampling_probability` is neither a scalar nor a vector.

    Source:
        Bengio et al.: Scheduled Sampling for Sequence Prediction with Recurrent Neural Networks,
        NIPS 2015.
    """

    _auxiliary_input_tas = CallAttribute()

    def __init__(
        self,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Callable | None = None,
    ):
        self.sampling_probability = _probability(sampling_probability)
        self.seed = seed
        self.next_inputs_fn = next_inputs_fn
        super().__init__(time_major=time_major)

    def initialize(self, inputs, sequence_length=None, mask=None, auxiliary_inputs=None):
        """Returns the finished rows and the first inputs.

        Args:
            inputs: float[batch, target_time, input_size], the targets.
            sequence_length: int[batch], number of steps; None: all steps.
            mask: bool[batch, target_time], False at padding on the right.
            auxiliary_inputs: float[batch, target_time, size], concatenated with all inputs.
        """
        self._auxiliary_input_tas = None
        if auxiliary_inputs is not None:
            inputs = tf.convert_to_tensor(inputs)
            auxiliary_inputs = tf.convert_to_tensor(auxiliary_inputs)
            inputs = tf.concat([inputs, auxiliary_inputs], axis=-1)
            if not self.time_major:
                auxiliary_inputs = transpose_batch_time(auxiliary_inputs)
            self._auxiliary_input_tas = unstack_time(auxiliary_inputs)
        return super().initialize(inputs, sequence_length=sequence_length, mask=mask)

    def sample(self, time, outputs, state):
        """Returns int32[batch], 1 for rows that are fed the output."""
        return bernoulli_sample(
            probs=self.sampling_probability, sample_shape=self.batch_size, seed=self.seed
        )

    def next_inputs(self, time, outputs, state, sample_ids):
        """Returns the finished rows, targets or outputs, and the state."""
        finished, targets, state = super().next_inputs(time, outputs, state, sample_ids)

        is_sampled = tf.cast(sample_ids, tf.bool)

        def mix_inputs():
            arrays = [] if self._auxiliary_input_tas is None else [self._auxiliary_input_tas]
            auxiliary_inputs = [array.read(time + 1) for array in arrays]
            if self.next_inputs_fn is None:
                inputs = tf.concat([outputs, *auxiliary_inputs], axis=-1)
                return tf.where(is_sampled[:, tf.newaxis], inputs, targets)
            # The gradients of both branches must have the same type, slices with int32 indices.
            rows = tf.cast(tf.where(is_sampled), tf.int32)
            inputs = [self.next_inputs_fn(tf.gather_nd(outputs, rows))]
            inputs += [tf.gather_nd(values, rows) for values in auxiliary_inputs]
            return tf.tensor_scatter_nd_update(targets, rows, tf.concat(inputs, axis=-1))

        has_targets_only = tf.reduce_all(finished) | ~tf.reduce_any(is_sampled)
        return finished, tf.cond(has_targets_only, lambda: targets, mix_inputs), state


def _probability(probability: Any) -> tf.Tensor | tf.Variable:
    """Returns a probability whose number of axes was checked. A variable stays a variable."""
    if not isinstance(probability, tf.Variable):
        probability = tf.convert_to_tensor(probability)
    if probability.shape.rank not in (0, 1):
        raise ValueError(
            f"sampling_probability must be either a scalar or a vector. saw shape: "
            f"{probability.shape}"
        )
    return probability
