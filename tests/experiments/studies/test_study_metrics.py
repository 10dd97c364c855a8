"""Metrics of the studies against plain definitions."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from experiments.studies.study_metrics import alignment_accuracy, spearman_correlation

VALUES = st.lists(st.integers(0, 4), min_size=2, max_size=9)


@given(VALUES, st.randoms(use_true_random=False))
def test_spearman_correlation_is_the_pearson_correlation_of_ranks(a, rng):
    b = [rng.randint(0, 4) for _ in a]
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    expected = np.corrcoef(ranks_by_definition(a), ranks_by_definition(b))[0, 1]
    assert spearman_correlation(a, b) == pytest.approx(expected)


def ranks_by_definition(values):
    """Returns ranks from 0. Ties get their mean rank."""
    return [sum(x < y for x in values) + (sum(x == y for x in values) - 1) / 2 for y in values]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [([1, 2], [1], "lengths 2 and 1"), ([1, 1], [1, 2], "rank correlation is undefined")],
)
def test_spearman_correlation_of_invalid_values_raises(a, b, message):
    with pytest.raises(ValueError, match=message):
        spearman_correlation(a, b)


def test_alignment_accuracy_compares_the_largest_weight_with_the_position():
    assert alignment_accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1]) == 0.5


def test_alignment_accuracy_of_different_numbers_raises():
    with pytest.raises(ValueError, match="expected equal numbers"):
        alignment_accuracy([[0.5]], [])
