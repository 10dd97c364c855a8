"""Weight averaging: moving average, mean of the last epochs, and restored state."""

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.weight_averaging import WeightAverager

# Values of one variable after each step or epoch. [12, 3]
VALUES = np.random.default_rng(1).normal(size=[12, 3]).astype(np.float32)


def test_the_moving_average_follows_its_formula():
    variable = tf.Variable(VALUES[0])
    options = TrainingConfig(averaging="ema", ema_decay=0.5)
    averager = WeightAverager({"w": variable}, options)
    expected = VALUES[0]
    for step, value in enumerate(VALUES[1:], 1):
        variable.assign(value)
        averager.on_step(tf.constant(step))
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(averager.weights()["w"], expected, rtol=1e-6)
    restored = WeightAverager({"w": variable}, options)
    restored.restore(averager.state())
    np.testing.assert_array_equal(restored.weights()["w"], averager.weights()["w"])


def test_the_mean_is_over_the_last_epochs():
    variable = tf.Variable(VALUES[0])
    options = TrainingConfig(averaging="last", average_last_epochs=3)
    averager = WeightAverager({"w": variable}, options)
    for epoch, value in enumerate(VALUES):
        variable.assign(value)
        averager.on_epoch()
        expected = VALUES[max(0, epoch - 2) : epoch + 1].mean(axis=0)
        np.testing.assert_allclose(averager.weights()["w"], expected, rtol=1e-6)
        restored = WeightAverager({"w": variable}, options)
        restored.restore(averager.state())
        np.testing.assert_array_equal(restored.weights()["w"], averager.weights()["w"])


def test_without_averaging_the_current_weights_are_returned():
    variable = tf.Variable(VALUES[0])
    averager = WeightAverager({"w": variable}, TrainingConfig())
    variable.assign(VALUES[1])
    np.testing.assert_array_equal(averager.weights()["w"], VALUES[1])
    assert averager.state() == {}
