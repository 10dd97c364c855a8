"""At most one in a thousand replies depends on the rest of the batch."""

import pytest

from helpers.batch_invariance import count_batch_differences
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow


def test_replies_rarely_depend_on_the_batch():
    num_different = num_replies = 0
    for units in (4, 17, 64, 256, 512):
        differences, comparisons = count_batch_differences(
            units, scales=(None, 0.1, 0.5), num_prompts=12, seed=units
        )
        print(f"{units} units: {differences} of {comparisons} replies depend on the batch")
        num_different, num_replies = num_different + differences, num_replies + comparisons
    print(f"all: {num_different} of {num_replies}")
    record_result("long_tests", test="batch invariance", cases=num_replies, different=num_different)
    assert num_different <= num_replies / 1000
