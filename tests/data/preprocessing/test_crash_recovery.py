"""Preprocessing killed at 20 random moments and rerun writes bit-identical files."""

import pytest

from helpers.kill import kill_and_resume
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow


def test_killed_and_resumed_runs_are_bit_identical(tmp_path):
    kill_and_resume(tmp_path, num_pairs=60_000, num_kills=20, seed=5)
    record_result("long_tests", test="killed preprocessing", cases=20, different=0)
