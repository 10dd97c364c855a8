import numpy as np
import tensorflow as tf

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.weight_averaging import WeightAverager

STEPS = np.random.default_rng(1).normal(size=[12, 3]).astype(np.float32)


def test_the_moving_average_follows_its_formula():
    variable = tf.Variable(STEPS[0])
    averages = WeightAverager({"w": variable}, TrainingConfig(averaging="ema", ema_decay=0.5))
    expected = STEPS[0]
    for number, value in enumerate(STEPS[1:], 1):
        variable.assign(value)
        averages.on_step(tf.constant(number))
        decay = min(0.5, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(averages.weights()["w"], expected, rtol=1e-6)
    again = WeightAverager({"w": variable}, TrainingConfig(averaging="ema", ema_decay=0.5))
    again.restore(averages.state())
    np.testing.assert_array_equal(again.weights()["w"], averages.weights()["w"])


def test_the_mean_is_of_the_last_epochs():
    variable = tf.Variable(STEPS[0])
    options = TrainingConfig(averaging="last", average_last_epochs=3)
    averages = WeightAverager({"w": variable}, options)
    for number, value in enumerate(STEPS):
        variable.assign(value)
        averages.on_epoch()
        expected = STEPS[max(0, number - 2) : number + 1].mean(axis=0)
        np.testing.assert_allclose(averages.weights()["w"], expected, rtol=1e-6)
        again = WeightAverager({"w": variable}, options)
        again.restore(averages.state())
        np.testing.assert_array_equal(again.weights()["w"], averages.weights()["w"])


def test_without_averaging_the_weights_are_those_trained():
    variable = tf.Variable(STEPS[0])
    averages = WeightAverager({"w": variable}, TrainingConfig())
    variable.assign(STEPS[1])
    np.testing.assert_array_equal(averages.weights()["w"], STEPS[1])
    assert averages.state() == {}
