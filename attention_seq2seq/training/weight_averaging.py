"""Weights averaged over a training: steadier than those of any single update."""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.config import TrainingConfig


class WeightAverager:
    """The weights that are measured and saved in place of those that are trained.

    Args:
        variables: what is averaged, by name.
        options: how: its `averaging`, `ema_decay` and `averaged_epochs`.

    Source:
        Polyak and Juditsky 1992; the decay is smaller in the first updates, as in
        `tf.train.ExponentialMovingAverage`, so that the first weights are soon forgotten.
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingConfig):
        self._variables = variables
        self._options = options
        self._moving = {}
        if options.averaging == "ema":
            self._moving = {name: tf.Variable(v, trainable=False) for name, v in variables.items()}
        self._epochs: list[dict[str, np.ndarray]] = []

    def on_step(self, num_updates: tf.Tensor) -> None:
        """Moves the moving averages on; part of the graph of an update."""
        done = tf.cast(num_updates, tf.float32)
        decay = tf.minimum(self._options.ema_decay, (1 + done) / (10 + done))
        for name, moving in self._moving.items():
            moving.assign_sub((1 - decay) * (moving - self._variables[name]))

    def on_epoch(self) -> None:
        """Takes the weights of an epoch's end into the mean of the last epochs."""
        if self._options.averaging == "last":
            self._epochs.append({name: v.numpy() for name, v in self._variables.items()})
            del self._epochs[: -self._options.averaged_epochs]

    def weights(self) -> dict[str, np.ndarray]:
        """The weights to measure and to save, by name; the variables' own in the first epoch."""
        if self._options.averaging == "ema":
            return {name: moving.numpy() for name, moving in self._moving.items()}
        if self._epochs:
            return {
                name: np.mean([epoch[name] for epoch in self._epochs], axis=0, dtype=np.float32)
                for name in self._variables
            }
        return {name: v.numpy() for name, v in self._variables.items()}

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[dict[str, np.ndarray]]:
        """Gives the variables the averaged weights within the context, and yields them."""
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
        """What a checkpoint has to hold."""
        state = {f"moving/{name}": moving.numpy() for name, moving in self._moving.items()}
        for number, epoch in enumerate(self._epochs):
            state |= {f"epoch{number}/{name}": value for name, value in epoch.items()}
        return state

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes what `state` gave."""
        for name, moving in self._moving.items():
            moving.assign(state[f"moving/{name}"])
        self._epochs = []
        while f"epoch{len(self._epochs)}/{next(iter(self._variables))}" in state:
            number = len(self._epochs)
            self._epochs.append({n: state[f"epoch{number}/{n}"] for n in self._variables})
