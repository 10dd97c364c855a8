"""A preparation killed at 20 random moments and run again gives the bytes of one never stopped."""

import pytest

from helpers.kill import kill_and_resume

pytestmark = pytest.mark.slow


def test_killed_twenty_times(tmp_path):
    kill_and_resume(tmp_path, num_pairs=60_000, num_kills=20, seed=5)
