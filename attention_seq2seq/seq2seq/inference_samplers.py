"""Samplers that feed the chosen ids."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.seq2seq.call_state import CallAttribute
from attention_seq2seq.seq2seq.random_samples import categorical_sample
from attention_seq2seq.seq2seq.sampler_base import BatchSampler, EmbeddingSampler, int32_tensor


class GreedyEmbeddingSampler(EmbeddingSampler):
    """Sampler that feeds the embedding of the most probable id.

    Args:
        embedding_fn: function from ids int32[batch] to embeddings float[batch, units]; None: the
            `embedding` given to `initialize`.
    """

    start_tokens = CallAttribute()
    end_token = CallAttribute()
    start_inputs = CallAttribute()

    def initialize(self, embedding, start_tokens=None, end_token=None):
        """Returns bool[batch], all False, and the embeddings of the start tokens.

        Args:
            embedding: float[vocab, units]; ignored if there is an `embedding_fn`. None: the
                embedding of the previous call.
            start_tokens: int32[batch], ids fed in the first step.
            end_token: int32[], the id that finishes a row.

        Raises:
            ValueError: no embedding, or a wrong number of axes.
        """
        self.set_call_embedding(embedding)
        if self.embedding_fn is None:
            raise ValueError(
                f"{type(self).__name__} has no embedding. Pass `embedding` to `initialize`, or "
                "`embedding_fn` to the constructor."
            )
        self.start_tokens = int32_tensor("start_tokens", start_tokens, 1)
        self.end_token = int32_tensor("end_token", end_token, 0)
        self._batch_size = tf.size(self.start_tokens)
        self.start_inputs = self.embedding_fn(self.start_tokens)
        return tf.tile([False], [self._batch_size]), self.start_inputs

    def sample(self, time, outputs, state):
        """Returns int32[batch], the most probable ids."""
        return tf.argmax(_require_tensor(outputs), axis=-1, output_type=tf.int32)

    def next_inputs(self, time, outputs, state, sample_ids):
        """Returns the finished rows, the embeddings of the ids, and the state."""
        finished = tf.equal(sample_ids, self.end_token)
        next_inputs = tf.cond(
            tf.reduce_all(finished),
            lambda: self.start_inputs,
            lambda: self.embedding_fn(sample_ids),
        )
        return finished, next_inputs, state


class SampleEmbeddingSampler(GreedyEmbeddingSampler):
    """Sampler that draws an id from the distribution of the outputs, and feeds its embedding.

    Args:
        embedding_fn: function from ids int32[batch] to embeddings float[batch, units]; None: the
            `embedding` given to `initialize`.
        softmax_temperature: divisor of the logits; None: 1.
        seed: seed of the operation.
    """

    def __init__(
        self,
        embedding_fn: Callable | None = None,
        softmax_temperature: float | tf.Tensor | None = None,
        seed: int | None = None,
    ):
        super().__init__(embedding_fn)
        self.softmax_temperature = softmax_temperature
        self.seed = seed

    def sample(self, time, outputs, state):
        """Returns int32[batch], ids drawn from the distribution of the outputs."""
        logits = _require_tensor(outputs)
        if self.softmax_temperature is not None:
            logits = logits / self.softmax_temperature
        return categorical_sample(logits=logits, seed=self.seed)


class InferenceSampler(BatchSampler):
    """Sampler for outputs that need not be ids, such as frames.

    Args:
        sample_fn: function from outputs to samples.
        sample_shape: shape of the samples of one row.
        sample_dtype: dtype of the samples.
        end_fn: function from samples to bool[batch], the finished rows.
        next_inputs_fn: function from samples to the next inputs; None: the samples.
    """

    start_inputs = CallAttribute()

    def __init__(
        self,
        sample_fn: Callable,
        sample_shape: Any,
        sample_dtype: Any,
        end_fn: Callable,
        next_inputs_fn: Callable | None = None,
    ):
        self.sample_fn = sample_fn
        self.sample_shape = tf.TensorShape(sample_shape)
        self.sample_dtype = sample_dtype
        self.end_fn = end_fn
        self.next_inputs_fn = next_inputs_fn

    @property
    def sample_ids_shape(self):
        """Shape of the samples of one row."""
        return self.sample_shape

    @property
    def sample_ids_dtype(self):
        """Dtype of the samples."""
        return self.sample_dtype

    def initialize(self, start_inputs):
        """Returns bool[batch], all False, and the first inputs."""
        self.start_inputs = tf.convert_to_tensor(start_inputs)
        self._batch_size = tf.shape(self.start_inputs)[0]
        return tf.tile([False], [self._batch_size]), self.start_inputs

    def sample(self, time, outputs, state):
        """Calls `sample_fn`."""
        return self.sample_fn(outputs)

    def next_inputs(self, time, outputs, state, sample_ids):
        """Returns the finished rows, the next inputs, and the state."""
        inputs = sample_ids if self.next_inputs_fn is None else self.next_inputs_fn(sample_ids)
        return self.end_fn(sample_ids), inputs, state


def _require_tensor(outputs: Any) -> tf.Tensor:
    if not isinstance(outputs, tf.Tensor):
        raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
    return outputs
