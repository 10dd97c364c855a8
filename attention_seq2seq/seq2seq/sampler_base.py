"""Interface of samplers, which choose the ids and the next inputs of a `BasicDecoder`."""

import abc
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.seq2seq.call_state import CallAttribute


class Sampler(metaclass=abc.ABCMeta):
    """Interface of samplers.

    A decoder calls `initialize` once, then `sample` and `next_inputs` in each step.
    """

    @abc.abstractmethod
    def initialize(self, inputs, **kwargs) -> tuple[tf.Tensor, Any]:
        """Returns bool[batch], the rows that are finished, and the first inputs.

        Args:
            inputs: inputs of the decoder.
            **kwargs: arguments of derived classes.
        """

    @abc.abstractmethod
    def sample(self, time: tf.Tensor, outputs: Any, state: Any) -> tf.Tensor:
        """Returns ids for the outputs of a step.

        Args:
            time: int32[], index of the step.
            outputs: float[batch, vocab], outputs of the cell or of the output layer.
            state: state of the cell after the step.
        """

    @abc.abstractmethod
    def next_inputs(
        self, time: tf.Tensor, outputs: Any, state: Any, sample_ids: tf.Tensor
    ) -> tuple[tf.Tensor, Any, Any]:
        """Returns bool[batch], the finished rows, the next inputs and the next state.

        Args:
            time: int32[], index of the step.
            outputs: float[batch, vocab], outputs of the cell or of the output layer.
            state: state of the cell after the step.
            sample_ids: ids from `sample`.
        """

    @property
    @abc.abstractmethod
    def batch_size(self) -> int | tf.Tensor:
        """Number of rows."""

    @property
    @abc.abstractmethod
    def sample_ids_shape(self) -> tf.TensorShape:
        """Shape of the ids of one row."""

    @property
    @abc.abstractmethod
    def sample_ids_dtype(self) -> tf.DType:
        """Dtype of the ids."""


class BatchSampler(Sampler):
    """Base class of samplers whose batch size is set in `initialize`."""

    _batch_size = CallAttribute()

    @property
    def batch_size(self):
        """Number of rows.

        Raises:
            ValueError: `initialize` was not called before.
        """
        if self._batch_size is None:
            raise ValueError("batch_size accessed before initialize was called.")
        return self._batch_size

    @property
    def sample_ids_shape(self):
        """Shape of the ids of one row: scalar."""
        return tf.TensorShape([])

    @property
    def sample_ids_dtype(self):
        """Dtype of the ids: int32."""
        return tf.int32


class CustomSampler(BatchSampler):
    """Sampler made of functions.

    Args:
        initialize_fn: function with the arguments and results of `Sampler.initialize`.
        sample_fn: function of `time`, `outputs` and `state`, as `Sampler.sample`.
        next_inputs_fn: function of `time`, `outputs`, `state` and `sample_ids`, as
            `Sampler.next_inputs`.
        sample_ids_shape: shape of the ids of one row; None: scalar.
        sample_ids_dtype: dtype of the ids; None: int32.
    """

    def __init__(
        self,
        initialize_fn: Callable,
        sample_fn: Callable,
        next_inputs_fn: Callable,
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ):
        self._initialize_fn = initialize_fn
        self._sample_fn = sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._sample_ids_shape = tf.TensorShape(sample_ids_shape or [])
        self._sample_ids_dtype = sample_ids_dtype or tf.int32

    @property
    def sample_ids_shape(self):
        """Shape of the ids of one row."""
        return self._sample_ids_shape

    @property
    def sample_ids_dtype(self):
        """Dtype of the ids."""
        return self._sample_ids_dtype

    def initialize(self, inputs, **kwargs):
        """Calls `initialize_fn`."""
        finished, next_inputs = self._initialize_fn(inputs, **kwargs)
        self._batch_size = tf.size(finished)
        return finished, next_inputs

    def sample(self, time, outputs, state):
        """Calls `sample_fn`."""
        return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(self, time, outputs, state, sample_ids):
        """Calls `next_inputs_fn`."""
        return self._next_inputs_fn(time=time, outputs=outputs, state=state, sample_ids=sample_ids)


class EmbeddingSampler(BatchSampler):
    """Base class of samplers that embed ids.

    Args:
        embedding_fn: function from ids to embeddings; None: the `embedding` of the latest call of
            `initialize` with one.
    """

    _assigned_embedding_fn: Callable | None = None
    _call_embedding_fn = CallAttribute()

    def __init__(self, embedding_fn: Callable | None = None):
        self.embedding_fn = embedding_fn

    @property
    def embedding_fn(self) -> Callable | None:
        """Function from ids to embeddings."""
        return self._assigned_embedding_fn or self._call_embedding_fn

    @embedding_fn.setter
    def embedding_fn(self, embedding_fn: Callable | None) -> None:
        if embedding_fn is not None and not callable(embedding_fn):
            raise TypeError(
                f"embedding_fn is of type {type(embedding_fn).__name__}. Expected a function from "
                "ids to embeddings. Pass a matrix as the `embedding` argument of `initialize`."
            )
        self._assigned_embedding_fn = embedding_fn

    def set_call_embedding(self, embedding: Any) -> None:
        """Uses an embedding float[vocab, units], or that of the call before if it is None."""
        if embedding is not None:
            self._call_embedding_fn = embedding_function(embedding)


def embedding_function(embedding: Any) -> Callable:
    """Returns the function from ids to rows of an embedding float[vocab, units].

    Raises:
        TypeError: the embedding is a function or a layer.
    """
    if callable(embedding):
        raise TypeError(
            f"embedding is of type {type(embedding).__name__}. Expected float[vocab, units]. Pass "
            "a function or layer as embedding_fn to the constructor."
        )
    return lambda ids: tf.nn.embedding_lookup(embedding, ids)


def int32_tensor(name: str, value: Any, rank: int) -> tf.Tensor:
    """Returns ids as a tensor with the given number of axes.

    Args:
        name: name of the argument, for errors.
        value: the ids.
        rank: number of axes, 0 or 1.

    Raises:
        ValueError: no value, or a wrong number of axes.
    """
    if value is None:
        raise ValueError(f"{name} is None. Pass {name} to the decoder.")
    tensor = tf.convert_to_tensor(value, tf.int32, name=name)
    if tensor.shape.rank != rank:
        kind = "a scalar" if rank == 0 else "a vector"
        raise ValueError(f"{name} has shape {tensor.shape}. {name} must be {kind}.")
    return tensor
