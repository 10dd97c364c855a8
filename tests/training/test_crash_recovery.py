"""A training killed and run again ends as one never killed; the long form is in tests/soak."""

import pytest

from helpers.killed_training import CONFIGURATIONS, kill_and_compare


@pytest.mark.parametrize("name", ["everything"])
def test_a_killed_training_ends_as_one_never_killed(tmp_path, name):
    seed = 1
    options = [*CONFIGURATIONS[name], "--epochs=5"]
    kills = kill_and_compare(
        tmp_path, options, num_kills=1, num_writing=1, seed=seed, num_anywhere=1
    )
    print(f"{name}, seed {seed}: {kills}")
    assert kills.kills >= 2
