"""Numbers that can be counted by hand, and what cannot be counted."""

import functools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from attention_seq2seq.evaluation import metrics

WORDS = st.lists(st.sampled_from("abc"), max_size=7)
REPLIES = [list("abab"), list("ab"), ["c"], list("ab")]


def test_distinct_counts_every_ngram_once():
    # a b a b a b c a b... : 9 words, 3 different; ab ba ab ab ab: 5 pairs, 2 different.
    assert metrics.distinct(REPLIES, 1) == pytest.approx(3 / 9)
    assert metrics.distinct(REPLIES, 2) == pytest.approx(2 / 5)
    assert metrics.distinct([["a", "b"], ["c", "d"]], 2) == 1


def test_the_commonest_reply():
    assert metrics.commonest_share(REPLIES) == 0.5
    assert metrics.commonest_share([["a"], ["a"]]) == 1


def test_echoes_are_pairs_of_words_of_the_own_prompt():
    prompts = [list("xab"), list("ba"), list("c"), list("zz")]
    # ab ba ab | ab | - | ab: of these two stand in their own prompts.
    assert metrics.echo_rate(prompts, REPLIES) == pytest.approx(2 / 5)
    assert metrics.echo_rate([list("ab")], [list("ab")]) == 1


NUMBERS = st.lists(st.integers(0, 4), min_size=2, max_size=9)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_rank_correlation_is_that_of_ranks_that_are_counted(one, draw):
    other = [draw.randint(0, 4) for _ in one]
    assume(len(set(one)) > 1 and len(set(other)) > 1)
    expected = np.corrcoef(counted_ranks(one), counted_ranks(other))[0, 1]
    assert metrics.rank_correlation(one, other) == pytest.approx(expected)


def counted_ranks(row):
    """Of each number: how many are below it, and half of its equals."""
    return [sum(x < y for x in row) + (sum(x == y for x in row) - 1) / 2 for y in row]


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [([1, 2], [1], "2 numbers and 1"), ([1, 1], [1, 2], "no order to compare")],
)
def test_rows_without_an_order_are_refused(one, other, message):
    with pytest.raises(ValueError, match=message):
        metrics.rank_correlation(one, other)


@given(WORDS, WORDS)
def test_edits_are_a_distance(one, other):
    """Beside a second route: the plain recursion of the definition."""

    @functools.cache
    def by_definition(i, j):
        if not i or not j:
            return i + j
        changed = by_definition(i - 1, j - 1) + (one[i - 1] != other[j - 1])
        return min(changed, by_definition(i - 1, j) + 1, by_definition(i, j - 1) + 1)

    assert metrics.edits(one, other) == by_definition(len(one), len(other))
    assert metrics.edits(one, other) == metrics.edits(other, one)


@given(WORDS, WORDS)
def test_rouge_l_is_of_the_longest_common_subsequence(one, other):
    @functools.cache
    def common(i, j):
        if not i or not j:
            return 0
        if one[i - 1] == other[j - 1]:
            return common(i - 1, j - 1) + 1
        return max(common(i - 1, j), common(i, j - 1))

    found = metrics.rouge_l(one, other)
    if one or other:
        assert found == pytest.approx(2 * common(len(one), len(other)) / (len(one) + len(other)))
    else:
        assert found == 1


def test_length_ratio():
    assert metrics.length_ratio([["a"], []], [["b", "c"], ["d", "e"]]) == 0.25


@pytest.mark.parametrize(
    ("measure", "arguments"),
    [
        (metrics.distinct, ([["a"]], 2)),
        (metrics.commonest_share, ([],)),
        (metrics.echo_rate, ([["a"]], [])),
        (metrics.echo_rate, ([["a"]], [["b"]])),
        (metrics.length_ratio, ([["a"]], [[]])),
        (metrics.length_ratio, ([["a"]], [])),
        (metrics.exact_match, ([], [])),
        (metrics.largest_at, ([[0.5]], [])),
    ],
)
def test_nothing_to_count_is_a_sentence(measure, arguments):
    with pytest.raises(ValueError, match=r"\.$"):
        measure(*arguments)
