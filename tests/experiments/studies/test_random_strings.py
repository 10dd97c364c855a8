"""Random strings of the studies."""

import pytest

from experiments.studies.random_strings import (
    MAX_LENGTH,
    MIN_LENGTH,
    random_strings,
    reversal_pairs,
)


def test_strings_are_distinct_reproducible_and_of_the_requested_lengths():
    strings = random_strings(300, seed=1, min_length=2, max_length=3)
    assert len(set(strings)) == 300
    assert {len(text) for text in strings} == {2, 3}
    assert random_strings(300, seed=1, min_length=2, max_length=3) == strings
    assert random_strings(300, seed=2, min_length=2, max_length=3) != strings


def test_more_strings_than_there_are_raise():
    with pytest.raises(ValueError, match="Cannot generate 21 distinct strings of 1 to 1 symbols"):
        random_strings(21, seed=1, min_length=1, max_length=1)


def test_replies_are_reversed_prompts():
    for pair in reversal_pairs(20, seed=1):
        assert pair.reply == pair.prompt[::-1]
        assert MIN_LENGTH <= len(pair.prompt) <= MAX_LENGTH
