"""Ids of prompts to hypotheses: what is answered does not depend on the prompts beside."""

import pytest

from helpers.batch_invariance import count_batch_differences


@pytest.mark.parametrize(("units", "scales", "rows"), [(4, (0.5,), 6), (64, (0.3,), 6)])
def test_a_reply_depends_on_its_prompt_alone(units, scales, rows):
    """`make test-slow` counts thousands, of up to 512 units; one in a thousand may differ there."""
    different, total = count_batch_differences(units, scales, rows)
    print(f"{units} units: {different} of {total} replies depend on the batch")
    assert total > 150
    assert different <= 1
