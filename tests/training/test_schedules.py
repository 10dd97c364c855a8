import json

import pytest
from tensorflow import keras

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.optimizers import make_optimizer
from attention_seq2seq.training.schedules import TrainingSchedule


def rates(schedule, steps, warmup_steps=0):
    options = TrainingConfig(
        learning_rate=0.5, learning_rate_schedule=schedule, warmup_steps=warmup_steps
    )
    learning_rate = TrainingSchedule(options, total_steps=100)
    return [float(learning_rate(step)) for step in steps]


def test_constant():
    assert rates("constant", [0, 50, 99]) == [0.5] * 3


def test_cosine_goes_to_zero():
    assert rates("cosine", [0, 50, 100]) == pytest.approx([0.5, 0.25, 0.0], abs=1e-7)


def test_halving_halves_at_each_tenth_of_the_second_half():
    steps = [0, 49, 50, 59, 60, 70, 80, 90, 99]
    halved = [1, 1, 2, 2, 4, 8, 16, 32, 32]
    assert rates("halving", steps) == pytest.approx([0.5 / by for by in halved])


def test_inverse_square_root_is_largest_at_the_end_of_its_warm_up():
    found = rates("inverse_sqrt", range(100), warmup_steps=25)
    assert found[0] == pytest.approx(0.5 / 25)
    assert max(found) == found[24] == pytest.approx(0.5)
    assert found[99] == pytest.approx(0.25)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "halving"])
def test_a_warm_up_rises_in_a_line(schedule):
    plain, warm = rates(schedule, range(20)), rates(schedule, range(20), warmup_steps=10)
    for step in range(20):
        assert warm[step] == pytest.approx(plain[step] * min(1, (step + 1) / 10))


@pytest.mark.parametrize("name", ["lazy_adam", "adam", "sgd"])
def test_an_optimizer_with_a_schedule_can_be_serialized(name):
    options = TrainingConfig(optimizer=name, learning_rate_schedule="cosine", warmup_steps=10)
    optimizer = make_optimizer(options, 100)
    text = json.dumps(keras.optimizers.serialize(optimizer))
    again = keras.optimizers.deserialize(json.loads(text))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    schedule = TrainingSchedule.from_config(
        json.loads(json.dumps(TrainingSchedule(options, 100).get_config()))
    )
    assert [float(schedule(step)) for step in (0, 50)] == rates_of(options, (0, 50))


def rates_of(options, steps):
    return [float(TrainingSchedule(options, 100)(step)) for step in steps]
