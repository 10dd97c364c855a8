"""Learning rate schedules."""

import math

import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig

# Start and interval of the halving, as fractions of the number of updates.
_HALVED_FROM, _HALVED_EVERY = 0.5, 0.1


class TrainingSchedule:
    """Learning rate schedule with warm-up: constant, cosine, halving or inverse square root.

    Args:
        options: the learning rate, the schedule and the warm-up.
        total_steps: total number of updates.

    Example:
        >>> options = TrainingConfig(learning_rate=1.0, learning_rate_schedule="halving")
        >>> [float(TrainingSchedule(options, 100)(update)) for update in (0, 49, 55, 65, 99)]
        [1.0, 1.0, 0.5, 0.25, 0.03125]
    """

    def __init__(self, options: TrainingConfig, total_steps: int):
        self._options = options
        self._total_steps = total_steps

    def __call__(self, step):
        """Returns the learning rate float32[] of an update; `step` is its index from 0."""
        options = self._options
        step = tf.cast(step, tf.float32)
        rate = options.learning_rate * self._decay(step)
        if options.warmup_steps:
            rate *= tf.minimum(1.0, (step + 1) / options.warmup_steps)
        return rate

    def _decay(self, step: tf.Tensor) -> tf.Tensor:
        progress = step / self._total_steps
        match self._options.learning_rate_schedule:
            case "cosine":
                return (1 + tf.cos(math.pi * tf.minimum(progress, 1.0))) / 2
            case "halving":
                halvings = tf.floor((progress - _HALVED_FROM) / _HALVED_EVERY + 1e-4) + 1
                return 0.5 ** tf.maximum(halvings, 0.0)
            case "inverse_sqrt":
                # The largest learning rate is that at the end of the warm-up.
                start = float(max(self._options.warmup_steps, 1))
                return tf.sqrt(start / tf.maximum(step + 1, start))
        return tf.ones([])
