"""Metrics against hand-counted values and plain definitions."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.corpus_metrics import similarity_stats

TOKENS = st.lists(st.sampled_from("abc"), max_size=7)
REPLIES = [list("abab"), list("ab"), ["c"], list("ab")]


def test_distinct_n_counts_every_ngram_once():
    # a b a b a b c a b: 9 tokens, 3 distinct; ab ba ab ab ab: 5 bigrams, 2 distinct.
    assert metrics.distinct_n(REPLIES, 1) == pytest.approx(3 / 9)
    assert metrics.distinct_n(REPLIES, 2) == pytest.approx(2 / 5)
    assert metrics.distinct_n([["a", "b"], ["c", "d"]], 2) == 1


def test_most_common_ratio():
    assert metrics.most_common_ratio(REPLIES) == 0.5
    assert metrics.most_common_ratio([["a"], ["a"]]) == 1


def test_prompt_bigram_overlap_compares_replies_with_their_own_prompts():
    prompts = ["x a b", "b a", "c", "z z"]
    # ab ba ab | ab | - | ab: two of these occur in their own prompts.
    stats = similarity_stats(prompts, REPLIES, [["c"]] * 4)
    assert stats["prompt_bigram_overlap"].value == pytest.approx(2 / 5)
    assert similarity_stats(["a b"], [list("ab")], [["c"]])["prompt_bigram_overlap"].value == 1
    assert "prompt_bigram_overlap" not in similarity_stats(["a b"], [["a"]], [["a"]])


@given(TOKENS, TOKENS)
def test_edit_distance_matches_the_recursive_definition(a, b):
    @functools.cache
    def distance(i, j):
        if not i or not j:
            return i + j
        substituted = distance(i - 1, j - 1) + (a[i - 1] != b[j - 1])
        return min(substituted, distance(i - 1, j) + 1, distance(i, j - 1) + 1)

    assert metrics.edit_distance(a, b) == distance(len(a), len(b))
    assert metrics.edit_distance(a, b) == metrics.edit_distance(b, a)


@given(TOKENS, TOKENS)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(a, b):
    @functools.cache
    def length(i, j):
        if not i or not j:
            return 0
        if a[i - 1] == b[j - 1]:
            return length(i - 1, j - 1) + 1
        return max(length(i - 1, j), length(i, j - 1))

    score = metrics.rouge_l(a, b)
    if a or b:
        assert score == pytest.approx(2 * length(len(a), len(b)) / (len(a) + len(b)))
    else:
        assert score == 1


def test_length_ratio():
    stats = similarity_stats(["x", "y"], [["a"], []], [["b c"], ["d e"]])
    assert stats["length_ratio"].value == 0.25


@pytest.mark.parametrize(
    ("metric", "args"),
    [
        (metrics.distinct_n, ([["a"]], 2)),
        (metrics.most_common_ratio, ([],)),
        (metrics.exact_match, ([], [])),
    ],
)
def test_empty_inputs_raise(metric, args):
    with pytest.raises(ValueError, match=r"\.$"):
        metric(*args)
