"""Averages the weights over updates or epochs."""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig


class WeightAverager:
    """Averages the trained weights, for evaluation and for the saved model.

    Args:
        variables: the variables to average, by name.
        options: the training options; `averaging`, `ema_decay` and `average_last_epochs` are used.

    Source:
        Polyak and Juditsky: Acceleration of Stochastic Approximation by Averaging, 1992. The decay
        is smaller in the first updates, as in `tf.train.ExponentialMovingAverage`, so that initial
        weights lose their influence quickly.
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingConfig):
        self._variables = variables
        self._options = options
        self._moving_averages = {}
        if options.averaging == "ema":
            self._moving_averages = {
                name: tf.Variable(v, trainable=False) for name, v in variables.items()
            }
        self._epoch_weights: list[dict[str, np.ndarray]] = []

    def on_step(self, step: tf.Tensor) -> None:
        """Updates the moving averages. This method is traced into the graph of an update.

        Args:
            step: int64[], number of updates so far.
        """
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self._options.ema_decay, (1 + step) / (10 + step))
        for name, moving in self._moving_averages.items():
            moving.assign_sub((1 - decay) * (moving - self._variables[name]))

    def on_epoch(self) -> None:
        """Adds the weights at the end of an epoch to the mean of the last epochs."""
        if self._options.averaging == "last":
            self._epoch_weights.append({name: v.numpy() for name, v in self._variables.items()})
            del self._epoch_weights[: -self._options.average_last_epochs]

    def weights(self) -> dict[str, np.ndarray]:
        """Returns the averaged weights by name; before the first average, the trained weights."""
        if self._options.averaging == "ema":
            return {name: moving.numpy() for name, moving in self._moving_averages.items()}
        if self._epoch_weights:
            return {
                name: np.mean(
                    [epoch[name] for epoch in self._epoch_weights], axis=0, dtype=np.float32
                )
                for name in self._variables
            }
        return {name: v.numpy() for name, v in self._variables.items()}

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[dict[str, np.ndarray]]:
        """Assigns the averaged weights to the variables within the context, and yields them."""
        weights = self.weights()
        if self._options.averaging == "none":
            yield weights
            return
        trained = {name: variable.numpy() for name, variable in self._variables.items()}
        self._assign(weights)
        try:
            yield weights
        finally:
            self._assign(trained)

    def _assign(self, weights: Mapping[str, np.ndarray]) -> None:
        for name, variable in self._variables.items():
            variable.assign(weights[name])

    def state(self) -> dict[str, np.ndarray]:
        """Returns the arrays that a checkpoint stores."""
        state = {f"moving/{name}": moving.numpy() for name, moving in self._moving_averages.items()}
        for index, epoch in enumerate(self._epoch_weights):
            state |= {f"epoch{index}/{name}": value for name, value in epoch.items()}
        return state

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restores the arrays that `state` returned."""
        for name, moving in self._moving_averages.items():
            moving.assign(state[f"moving/{name}"])
        self._epoch_weights = []
        while f"epoch{len(self._epoch_weights)}/{next(iter(self._variables))}" in state:
            index = len(self._epoch_weights)
            self._epoch_weights.append({n: state[f"epoch{index}/{n}"] for n in self._variables})
