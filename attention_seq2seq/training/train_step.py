"""One update of the weights from one or more batches."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.gradients import (
    Gradient,
    accumulate,
    clip_by_global_norm,
    deduplicate_slices,
)
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import Optimizer
from attention_seq2seq.utils.tf_function import graph_function


class StepResult(NamedTuple):
    """Loss and gradient norm of an update.

    Attributes:
        loss: sum of the losses of the target tokens before the update [nats].
        num_tokens: number of target tokens, EOS included.
        grad_norm: global norm of the gradients before clipping.
    """

    loss: float
    num_tokens: int
    grad_norm: float

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradients are finite. Otherwise the weights must not be updated."""
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


class TrainStep:
    """Computes gradients and updates the weights.

    Args:
        objective: the model with its loss.
        optimizer: an optimizer that has been built for the weights of the model.
        batch_spec: `element_spec` of the dataset of batches.
        on_step: called in the graph of each update with the number of updates so far.
        distributor: distributes each update over devices and machines; None: one device.
    """

    def __init__(
        self,
        objective: Seq2SeqObjective,
        optimizer: Optimizer,
        batch_spec: dict,
        on_step: Callable[[tf.Tensor], None] = lambda step: None,
        distributor: Distributor | None = None,
    ):
        self._clip_norm = objective.options.clip_norm
        self._optimizer = optimizer
        self._on_step, self._distributor = on_step, distributor or Distributor()
        scalar = tf.TensorSpec([], tf.float32)
        signature = [batch_spec, scalar, scalar]
        self._gradients = graph_function(
            self._distributor.all_reduce_sum(objective.gradients), signature
        )
        gradients, _ = self._gradients.get_concrete_function().structured_outputs
        specs = list(map(_spec_of_gradient, gradients))
        self._add = graph_function(
            lambda *batches: list(map(accumulate, zip(*batches))), [specs, specs]
        )
        self._clip = graph_function(self._deduplicate_and_clip, [specs])
        self._apply = graph_function(self._apply_gradients, [specs])

    def gradients(
        self, batches: Sequence[dict], sampling_probability: float = 0.0
    ) -> tuple[list[Gradient], StepResult]:
        """Computes the clipped gradients of the mean loss over all tokens of the batches.

        Args:
            batches: batches of `train_batches`.
            sampling_probability: probability of a sampled decoder input (scheduled sampling).
        """
        num_tokens = sum(int(np.sum(batch["target_length"])) for batch in batches)
        accumulated, loss = None, 0.0
        for batch in batches:
            gradients, batch_loss = self._gradients(batch, float(num_tokens), sampling_probability)
            accumulated = gradients if accumulated is None else self._add(accumulated, gradients)
            loss += float(batch_loss)
        gradients, norm = self._clip(accumulated)
        return gradients, StepResult(loss, num_tokens, float(norm))

    def apply(self, gradients: Sequence[Gradient]) -> None:
        """Updates the weights."""
        self._apply(gradients)

    def _deduplicate_and_clip(self, gradients):
        return clip_by_global_norm(list(map(deduplicate_slices, gradients)), self._clip_norm)

    def _apply_gradients(self, gradients):
        # The gradients are already summed over all replicas.
        self._distributor.run_on_replicas(self._optimizer.apply_gradients, gradients)
        self._on_step(self._optimizer.iterations)


def _spec_of_gradient(gradient: Gradient) -> tf.TypeSpec:
    """Returns a spec with any number of rows, so that TensorFlow traces only once."""
    if not isinstance(gradient, tf.IndexedSlices):
        return tf.TensorSpec(gradient.shape, gradient.dtype)
    dtypes = gradient.dtype, gradient.indices.dtype, gradient.dense_shape.dtype
    return tf.IndexedSlicesSpec(gradient.shape, *dtypes, indices_shape=[None])
