"""Learning rate schedules and their warmup."""

import pytest

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.schedules import TrainingSchedule


def learning_rates(schedule, steps, warmup_steps=0):
    """Returns the learning rate at each of `steps`, of 100 steps."""
    options = TrainingConfig(
        learning_rate=0.5, learning_rate_schedule=schedule, warmup_steps=warmup_steps
    )
    learning_rate = TrainingSchedule(options, total_steps=100)
    return [float(learning_rate(step)) for step in steps]


def test_constant():
    assert learning_rates("constant", [0, 50, 99]) == [0.5] * 3


def test_cosine_decays_to_zero():
    assert learning_rates("cosine", [0, 50, 100]) == pytest.approx([0.5, 0.25, 0.0], abs=1e-7)


def test_halving_halves_at_each_tenth_of_the_second_half():
    steps = [0, 49, 50, 59, 60, 70, 80, 90, 99]
    divisors = [1, 1, 2, 2, 4, 8, 16, 32, 32]
    expected = [0.5 / divisor for divisor in divisors]
    assert learning_rates("halving", steps) == pytest.approx(expected)


def test_inverse_square_root_peaks_at_the_end_of_the_warmup():
    rates = learning_rates("inverse_sqrt", range(100), warmup_steps=25)
    assert rates[0] == pytest.approx(0.5 / 25)
    assert max(rates) == rates[24] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.25)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "halving"])
def test_warmup_is_linear(schedule):
    rates = learning_rates(schedule, range(20), warmup_steps=10)
    rates_without_warmup = learning_rates(schedule, range(20))
    for step in range(20):
        assert rates[step] == pytest.approx(rates_without_warmup[step] * min(1, (step + 1) / 10))
