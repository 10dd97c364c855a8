"""Differences between trainings with several seeds, and accuracies of longer strings."""

from types import SimpleNamespace

import numpy as np
import pytest

from attention_seq2seq.evaluation.significance import ratio_metric
from experiments.studies import length_generalization
from experiments.studies.seed_statistics import (
    compare_groups,
    describe_difference,
    metric_row,
    sum_over_seeds,
)

NUM_PROMPTS = 100
CONVERSATIONS = np.arange(NUM_PROMPTS)


def exact_match_results(num_correct, name="exact_match"):
    """Returns exact match statistics for each seed, given the numbers of correct replies."""
    return [
        {name: ratio_metric((correct > CONVERSATIONS).astype(float), np.ones(NUM_PROMPTS))}
        for correct in num_correct
    ]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((80, 85, 90), "higher"),
        ((10, 15, 5), "lower"),
        # Significant over prompts, but the seeds overlap.
        ((80, 85, 40), "no significant difference"),
        # The seeds do not overlap, but differ by two prompts only.
        ((42, 43, 42), "no significant difference"),
    ],
)
def test_a_difference_requires_agreement_of_prompts_and_seeds(results, expected):
    reference = exact_match_results((40, 41, 40))
    description = describe_difference(
        metric_row("exact_match", exact_match_results(results), reference, CONVERSATIONS),
        NUM_PROMPTS,
    )
    assert description.endswith(expected)
    assert (float(description.split()[1].strip(",")) < 0.05) == (
        max(results) > 50 or max(results) < 20
    )


def test_conversations_are_resampled_as_a_whole():
    results, reference = exact_match_results((80, 85, 90)), exact_match_results((40, 41, 40))
    # Two conversations are too few for significance.
    assert "no significant difference" in describe_difference(
        metric_row("exact_match", results, reference, CONVERSATIONS // 50), NUM_PROMPTS
    )


def test_no_p_value_for_the_same_variant_and_for_corpus_metrics():
    results = exact_match_results((80, 85))
    assert (
        describe_difference(metric_row("exact_match", results, results, CONVERSATIONS), NUM_PROMPTS)
        == ""
    )
    values = [{"distinct_1": 0.5}, {"distinct_1": 0.6}]
    assert (
        describe_difference(
            metric_row(
                "distinct_1", values, [dict(seed_result) for seed_result in values], CONVERSATIONS
            ),
            NUM_PROMPTS,
        )
        == "  no p"
    )


def test_sums_are_added_over_seeds():
    assert sum_over_seeds(exact_match_results((40, 60)))["exact_match"].value == 0.5
    assert (
        sum_over_seeds(exact_match_results((40, 60)))["exact_match"].sums[:, 1].tolist()
        == [2.0] * NUM_PROMPTS
    )


def test_perplexities_are_those_of_the_prompts_compared():
    """A model that looks better because OOV tokens cost little is worse on the other prompts."""
    num_tokens, num_oov = np.full(NUM_PROMPTS, 5.0), (CONVERSATIONS < 50).astype(float)

    def seed_results(loss_in_vocabulary, loss_with_oov, num_oov):
        loss = num_tokens * np.where(CONVERSATIONS < 50, loss_with_oov, loss_in_vocabulary)
        stats = {
            "perplexity": ratio_metric(loss, num_tokens, np.exp),
            "oov_rate": ratio_metric(num_oov, num_tokens),
        }
        return [stats] * 2

    results, reference = seed_results(4.0, 1.0, num_oov), seed_results(3.9, 3.9, 0 * num_oov)
    assert results[0]["perplexity"].value < reference[0]["perplexity"].value
    description = describe_difference(
        metric_row("perplexity", results, reference, CONVERSATIONS), NUM_PROMPTS
    )
    assert "higher" in description
    assert f"{np.exp(4):.4f}  to {np.exp(3.9):.4f} on the 50 prompts compared" in description


def test_compare_groups_compares_each_group():
    results, reference = exact_match_results((50,)), exact_match_results((20,))
    groups = np.split(CONVERSATIONS, [20, 60])
    group_values = compare_groups("exact_match", results, reference, groups, CONVERSATIONS)
    assert group_values == [(1.0, 1.0), (0.75, 0.0), (0.0, 0.0)]
    assert compare_groups("perplexity", results, reference, groups, CONVERSATIONS) == []


class ScriptedChat:
    """A chat with given replies and attended positions."""

    def __init__(self, replies, positions, attends=True):
        self.model = SimpleNamespace(has_attention=attends)
        self._replies = [
            SimpleNamespace(text=text, attention_weights=np.eye(9)[row])
            for text, row in zip(replies, positions)
        ]

    def reply(self, prompts):
        return self._replies[: len(prompts)]


@pytest.mark.parametrize(
    ("task", "expected", "positions"),
    [("reverse", "dcba", [3, 2, 1, 0]), ("copy", "abcd", [0, 1, 2, 3])],
)
def test_accuracy_stats_match_hand_counted_values(task, expected, positions):
    pairs = length_generalization.make_pairs(task, ["abcd"] * 3)
    assert [pair.reply for pair in pairs] == [expected] * 3
    # Correct; one substitution and one deletion; all wrong and too long.
    replies = [expected, f"x{expected[1:3]}", "z" * 20]
    attended_positions = [positions, positions[:3], [*positions[::-1], *[8] * 16]]
    stats = length_generalization.accuracy_stats(
        task, ScriptedChat(replies, attended_positions), pairs
    )
    assert {name: stat.value for name, stat in stats.items()} == pytest.approx(
        {"exact": 1 / 3, "symbols": (4 + 2 + 0) / 12, "looking": (4 + 3 + 0) / 12}
    )
    stats_without_attention = length_generalization.accuracy_stats(
        task, ScriptedChat(replies, attended_positions, attends=False), pairs
    )
    assert list(stats_without_attention) == ["exact", "symbols"]
