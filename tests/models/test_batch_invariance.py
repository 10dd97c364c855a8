"""At most one in a thousand replies depends on the rest of the batch."""

import pytest

from helpers.batch_invariance import count_batch_differences

pytestmark = pytest.mark.slow


def test_replies_depend_on_their_prompts_alone():
    num_different = num_replies = 0
    for units in (4, 17, 64, 256, 512):
        differences, replies = count_batch_differences(
            units, scales=(None, 0.1, 0.5), num_prompts=12, seed=units
        )
        print(f"{units} units: {differences} of {replies} replies depend on the batch")
        num_different, num_replies = num_different + differences, num_replies + replies
    print(f"all: {num_different} of {num_replies}")
    assert num_different <= num_replies / 1000
