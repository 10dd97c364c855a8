"""Trainings killed at 20 random moments and more, with each option that could make a difference."""

import pytest

from helpers.killed_training import CONFIGURATIONS, kill_and_compare


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
