"""Numbers that can be counted by hand, and what cannot be counted."""

import pytest

from attention_seq2seq import metrics

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
