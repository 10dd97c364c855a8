"""Preprocessing killed at 20 random moments and rerun writes bit-identical files."""

import pytest

from helpers.kill import kill_and_resume

pytestmark = pytest.mark.slow


def test_killed_and_resumed_runs_are_bit_identical(tmp_path):
    kill_and_resume(tmp_path, num_pairs=60_000, num_kills=20, seed=5)
