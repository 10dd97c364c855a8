"""One update of the weights from one batch or several."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.gradients import (
    Gradient,
    accumulate,
    clip_by_global_norm,
    deduplicate_slices,
)
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.utils.tf_function import traced


class StepResult(NamedTuple):
    """What an update was made of.

    Attributes:
        loss: the sum over the real words, in nats, before the update.
        num_tokens: number of real target tokens.
        grad_norm: global norm of the gradients before clipping.
    """

    loss: float
    num_tokens: int
    grad_norm: float

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradients were numbers; else no weight is changed."""
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


class TrainStep:
    """Makes updates.

    Args:
        task: the model with its loss.
        optimizer: built.
        spec: of a batch, as a dataset's `element_spec`.
        after: called in the graph of each update, with the number of updates made.
        distributor: who share the work; None: there is one device.
    """

    def __init__(
        self,
        task: Seq2SeqObjective,
        optimizer: keras.optimizers.Optimizer,
        spec: dict,
        after: Callable[[tf.Tensor], None] = lambda num_updates: None,
        distributor: Distributor | None = None,
    ):
        self._variables = task.seq2seq.trainable_variables
        self._clip_norm = task.options.clip_norm
        self._optimizer = optimizer
        self._after, self._distributor = after, distributor or Distributor()
        scalar = tf.TensorSpec([], tf.float32)
        signature = [spec, scalar, scalar]
        self._gradients = traced(self._distributor.all_reduce_sum(task.gradients), signature)
        found, _ = self._gradients.get_concrete_function().structured_outputs
        specs = list(map(_spec_of, found))
        self._add = traced(lambda *batches: list(map(accumulate, zip(*batches))), [specs, specs])
        self._clip = traced(self._clipped, [specs])
        self._apply = traced(self._applied, [specs])

    def __call__(self, batches: Sequence[dict], sampling_probability: float = 0.0) -> StepResult:
        """One update, if loss and gradients are finite; see `gradients`."""
        gradients, result = self.gradients(batches, sampling_probability)
        if result.is_finite:
            self.apply(gradients)
        return result

    def gradients(
        self, batches: Sequence[dict], sampling_probability: float = 0.0
    ) -> tuple[list[Gradient], StepResult]:
        """The clipped gradients of the mean of the loss over all words of some batches.

        No weight changes.

        Args:
            batches: as from `batching.train_batches`.
            sampling_probability: see `scheduled_sampling`.
        """
        words = sum(int(np.sum(batch["target_length"])) for batch in batches)
        together, loss = None, 0.0
        for batch in batches:
            gradients, of_batch = self._gradients(batch, float(words), sampling_probability)
            together = gradients if together is None else self._add(together, gradients)
            loss += float(of_batch)
        gradients, norm = self._clip(together)
        return gradients, StepResult(loss, words, float(norm))

    def apply(self, gradients: Sequence[Gradient]) -> None:
        """Changes the weights."""
        self._apply(gradients)

    def _clipped(self, gradients):
        return clip_by_global_norm(list(map(deduplicate_slices, gradients)), self._clip_norm)

    def _applied(self, gradients):
        self._distributor.run_on_replicas(self._step, gradients)
        self._after(self._optimizer.iterations)

    def _step(self, gradients):
        # They are sums of what all replicas found already.
        pairs = zip(gradients, self._variables)
        self._optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)


def _spec_of(gradient: Gradient) -> tf.TypeSpec:
    """Of any number of rows, which TensorFlow would find out by tracing anew."""
    if not isinstance(gradient, tf.IndexedSlices):
        return tf.TensorSpec(gradient.shape, gradient.dtype)
    dtypes = gradient.dtype, gradient.indices.dtype, gradient.dense_shape.dtype
    return tf.IndexedSlicesSpec(gradient.shape, *dtypes, indices_shape=[None])
