"""Thousands of replies, alone and among others: at most one in a thousand may differ."""

import pytest

from helpers.batch_invariance import count_batch_differences

pytestmark = pytest.mark.slow


def test_replies_depend_on_their_prompts_alone():
    different = total = 0
    for units in (4, 17, 64, 256, 512):
        found = count_batch_differences(units, scales=(None, 0.1, 0.5), num_prompts=12, seed=units)
        print(f"{units} units: {found[0]} of {found[1]} replies depend on the batch")
        different, total = different + found[0], total + found[1]
    print(f"all: {different} of {total}")
    assert different <= total / 1000
