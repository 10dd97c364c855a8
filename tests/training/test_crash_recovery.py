"""A training that is killed and resumed writes the same files as an uninterrupted one."""

import pytest

from helpers.killed_training import CONFIGURATIONS, kill_and_compare
from helpers.result_rows import record_result


@pytest.mark.slow
def test_a_killed_training_writes_the_same_files(tmp_path):
    seed = 1
    options = ["--dropout=0.3", "--epochs=4", "--units=16"]
    counts = kill_and_compare(
        tmp_path, options, num_kills=1, num_write_kills=0, num_random_kills=0, seed=seed
    )
    print(f"seed {seed}: {counts}")
    assert counts.kills >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_training_killed_twenty_times_writes_the_same_files(tmp_path, name):
    seed = 7
    counts = kill_and_compare(
        tmp_path,
        CONFIGURATIONS[name],
        num_kills=20,
        num_write_kills=5,
        num_random_kills=5,
        seed=seed,
    )
    print(f"\n{name}, seed {seed}: {counts}")
    # The files have been compared.
    record_result(
        "long_tests", test="killed trainings", setting=name, cases=counts.kills, different=0
    )
    assert counts.kills >= 20
    assert counts.write_kills >= 5
    assert counts.mid_epoch_kills >= 5
