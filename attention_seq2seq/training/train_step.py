"""One update of the weights from one batch or several."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.training.distributed import Replicas
from attention_seq2seq.training.gradients import Gradient, clipped, summed, with_rows_summed
from attention_seq2seq.training.objective import TeacherForcing
from attention_seq2seq.utils.tf_function import traced


class Outcome(NamedTuple):
    """What an update was made of.

    Attributes:
        loss: the sum over the real words, in nats, before the update.
        words: how many there are.
        norm: of the gradients, before they were clipped.
    """

    loss: float
    words: int
    norm: float

    @property
    def is_finite(self) -> bool:
        """Whether loss and gradients were numbers; else no weight is changed."""
        return math.isfinite(self.loss) and math.isfinite(self.norm)


class Updates:
    """Makes updates.

    Args:
        task: the model with its loss.
        optimizer: built.
        spec: of a batch, as a dataset's `element_spec`.
        after: called in the graph of each update, with the number of updates made.
        replicas: who share the work; None: there is one device.
    """

    def __init__(
        self,
        task: TeacherForcing,
        optimizer: keras.optimizers.Optimizer,
        spec: dict,
        after: Callable[[tf.Tensor], None] = lambda num_updates: None,
        replicas: Replicas | None = None,
    ):
        self._variables = task.seq2seq.trainable_variables
        self._clip_norm = task.options.clip_norm
        self._optimizer = optimizer
        self._after, self._replicas = after, replicas or Replicas()
        scalar = tf.TensorSpec([], tf.float32)
        signature = [spec, scalar, scalar]
        self._gradients = traced(self._replicas.summed(task.gradients), signature)
        found, _ = self._gradients.get_concrete_function().structured_outputs
        specs = list(map(_spec_of, found))
        self._add = traced(lambda *batches: list(map(summed, zip(*batches))), [specs, specs])
        self._clip = traced(self._clipped, [specs])
        self._apply = traced(self._applied, [specs])

    def __call__(self, batches: Sequence[dict], share_of_own_words: float = 0.0) -> Outcome:
        """One update, if loss and gradients are finite; see `gradients`."""
        gradients, outcome = self.gradients(batches, share_of_own_words)
        if outcome.is_finite:
            self.apply(gradients)
        return outcome

    def gradients(
        self, batches: Sequence[dict], share_of_own_words: float = 0.0
    ) -> tuple[list[Gradient], Outcome]:
        """The clipped gradients of the mean of the loss over all words of some batches.

        No weight changes.

        Args:
            batches: as from `batching.training_batches`.
            share_of_own_words: see `scheduled_sampling`.
        """
        words = sum(int(np.sum(batch["target_length"])) for batch in batches)
        together, loss = None, 0.0
        for batch in batches:
            gradients, of_batch = self._gradients(batch, float(words), share_of_own_words)
            together = gradients if together is None else self._add(together, gradients)
            loss += float(of_batch)
        gradients, norm = self._clip(together)
        return gradients, Outcome(loss, words, float(norm))

    def apply(self, gradients: Sequence[Gradient]) -> None:
        """Changes the weights."""
        self._apply(gradients)

    def _clipped(self, gradients):
        return clipped(list(map(with_rows_summed, gradients)), self._clip_norm)

    def _applied(self, gradients):
        self._replicas.everywhere(self._step, gradients)
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
