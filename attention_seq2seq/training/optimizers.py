"""Optimizers on raw operations: SGD, Adam, and a lazy Adam for embeddings.

The variables, their names and the arithmetic do not depend on the Keras version, so a checkpoint
can be restored with any of them. Gradients are not summed over replicas: callers sum them.
"""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.gradients import Gradient, deduplicate_slices
from attention_seq2seq.training.schedules import TrainingSchedule


class Optimizer:
    """Base class of optimizers.

    Args:
        learning_rate: a number, or a function from the index of an update, int64[], to
            float32[].

    Attributes:
        slot_names: names of the variables that the optimizer keeps for each weight.
        iterations: int64[], number of updates so far; set by `build`.
    """

    slot_names: Sequence[str] = ()

    def __init__(self, learning_rate: float | Callable[[tf.Tensor], tf.Tensor] = 0.001):
        self._learning_rate = learning_rate
        self._weights, self._slots = {}, {}

    def build(self, weights: Mapping[str, tf.Variable]) -> None:
        """Creates the variables of the optimizer.

        Args:
            weights: the weights to update, by name.
        """
        self._weights = dict(weights)
        self.iterations = tf.Variable(0, trainable=False, dtype=tf.int64, name="iterations")
        self._slots = {
            f"{slot}/{name}": tf.Variable(tf.zeros_like(weight), trainable=False)
            for name, weight in weights.items()
            for slot in self.slot_names
        }

    def named_variables(self) -> dict[str, tf.Variable]:
        """Returns all variables of the optimizer by their names in a checkpoint."""
        return {"iterations": self.iterations, **self._slots}

    def apply_gradients(self, gradients: Sequence[Gradient]) -> None:
        """Updates all weights once, on the replica that calls this method.

        Args:
            gradients: a gradient for each weight, in the order of `build`. An `IndexedSlices` may
                have several rows for one token.
        """
        rate = self._learning_rate
        rate = tf.cast(rate(self.iterations) if callable(rate) else rate, tf.float32)
        step = tf.cast(self.iterations + 1, tf.float32)
        for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
            slots = [self._slots[f"{slot}/{name}"] for slot in self.slot_names]
            self._update(weight, gradient, rate, step, *slots)
        tf.raw_ops.AssignAddVariableOp(resource=self.iterations.handle, value=tf.ones([], tf.int64))

    def _update(self, weight, gradient: Gradient, rate, step, *slots) -> None:
        """Updates a weight. `rate` and `step` (from 1) are float32[]."""
        raise NotImplementedError


class SGD(Optimizer):
    """Gradient descent without momentum.

    Example:
        >>> weight, optimizer = tf.Variable([3.0]), SGD(0.5)
        >>> optimizer.build({"weight": weight})
        >>> optimizer.apply_gradients([tf.constant([2.0])])
        >>> weight.numpy().tolist()
        [2.0]
    """

    def _update(self, weight, gradient, rate, step):
        if isinstance(gradient, tf.IndexedSlices):
            tf.raw_ops.ResourceScatterSub(
                resource=weight.handle, indices=gradient.indices, updates=rate * gradient.values
            )
        else:
            tf.raw_ops.ResourceApplyGradientDescent(var=weight.handle, alpha=rate, delta=gradient)


class Adam(Optimizer):
    """Adam. Gradients of embeddings are converted to dense tensors.

    Args:
        learning_rate: a number, or a function from the index of an update.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the square root.

    Source:
        Kingma and Ba: Adam, ICLR 2015, algorithm 1 in the form of its section 2.
    """

    slot_names = ("mean", "square")

    def __init__(
        self,
        learning_rate: float | Callable[[tf.Tensor], tf.Tensor] = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ):
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _update(self, weight, gradient, rate, step, mean, square):
        tf.raw_ops.ResourceApplyAdam(
            var=weight.handle,
            m=mean.handle,
            v=square.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )


class LazyAdam(Adam):
    """Adam that updates only the embedding rows of the tokens in the batch.

    Adam updates every row in every step, so the momentum also moves tokens that are not in the
    batch. Here, rows and momentum are unchanged until the token occurs again. The cost of an update
    depends on the number of tokens in the batch, not on the size of the vocabulary. Variables with
    a dense gradient are updated as by Adam.

    Source:
        Rows are updated as in `tfa.optimizers.LazyAdam`.

    Example:
        >>> table, optimizer = tf.Variable([[1.0], [1.0]]), LazyAdam(0.1)
        >>> optimizer.build({"table": table})
        >>> optimizer.apply_gradients([tf.IndexedSlices([[3.0]], [1], [2, 1])])
        >>> [round(float(row[0]), 4) for row in table]
        [1.0, 0.9]
    """

    def _update(self, weight, gradient, rate, step, mean, square):
        if not isinstance(gradient, tf.IndexedSlices):
            super()._update(weight, gradient, rate, step, mean, square)
            return
        gradient = deduplicate_slices(gradient)
        rows, values = gradient.indices, gradient.values
        means = tf.gather(mean, rows) * self.beta_1 + values * (1 - self.beta_1)
        squares = tf.gather(square, rows) * self.beta_2 + values**2 * (1 - self.beta_2)
        rate *= tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        change = rate * means / (tf.sqrt(squares) + self.epsilon)
        for slot, updates in ((mean, means), (square, squares)):
            tf.raw_ops.ResourceScatterUpdate(resource=slot.handle, indices=rows, updates=updates)
        tf.raw_ops.ResourceScatterSub(resource=weight.handle, indices=rows, updates=change)


def make_optimizer(options: TrainingConfig, total_steps: int) -> Optimizer:
    """Returns the optimizer with its learning rate schedule.

    Args:
        options: optimizer, learning rate and schedule.
        total_steps: total number of updates, which the schedule spans.
    """
    optimizers = {"adam": Adam, "lazy_adam": LazyAdam, "sgd": SGD}
    return optimizers[options.optimizer](TrainingSchedule(options, total_steps))
