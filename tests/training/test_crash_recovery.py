"""A training killed and run again ends as one never killed, with each option that could matter."""

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


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_killed_twenty_times(tmp_path, name):
    seed = 7
    kills = kill_and_compare(
        tmp_path, CONFIGURATIONS[name], num_kills=20, num_writing=5, seed=seed, num_anywhere=5
    )
    print(f"\n{name}: killed {kills.kills} times, {kills.anywhere} of them at any moment from")
    print(f"start to end, the others after a first checkpoint; {kills.writing} in the middle of a")
    print(f"checkpoint's writing, {kills.in_epoch} after one within an epoch; {kills.finished}")
    print(f"trainings ended, each with the bytes of one never killed (seed {seed})")
    assert kills.kills >= 20
    assert kills.writing >= 5
    assert kills.in_epoch >= 5
