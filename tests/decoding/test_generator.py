"""Replies do not depend on the other prompts of a batch."""

import pytest

from helpers.batch_invariance import count_batch_differences


@pytest.mark.parametrize(("units", "scales", "rows"), [(17, (0.4,), 5)])
def test_replies_do_not_depend_on_the_batch(units, scales, rows):
    """`make test-slow` compares thousands of replies, of which one in a thousand may differ."""
    num_different, num_replies = count_batch_differences(units, scales, rows)
    print(f"{units} units: {num_different} of {num_replies} replies depend on the batch")
    assert num_replies > 150
    assert num_different <= 1
