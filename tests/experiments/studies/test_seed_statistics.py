"""A difference between trainings is called one only where prompts and seeds agree."""

from types import SimpleNamespace

import numpy as np
import pytest

from attention_seq2seq.evaluation.significance import ratio_metric
from experiments.studies import length_generalization
from experiments.studies.seed_statistics import compare_groups, describe_difference, sum_over_seeds

PROMPTS = 100
CONVERSATIONS = np.arange(PROMPTS)


def exact_match_results(num_correct, name="exact_match"):
    """For each seed the metric of a model that answers so many of the prompts rightly."""
    return [
        {name: ratio_metric((correct > CONVERSATIONS).astype(float), np.ones(PROMPTS))}
        for correct in num_correct
    ]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((80, 85, 90), "higher"),
        ((10, 15, 5), "lower"),
        # The prompts tell a difference, but one seed is as good as one of the others.
        ((80, 85, 40), "no difference told"),
        # The seeds lie apart, but by two prompts.
        ((42, 43, 42), "no difference told"),
    ],
)
def test_prompts_and_seeds_have_to_agree(results, expected):
    reference = exact_match_results((40, 41, 40))
    description = describe_difference(
        "exact_match", exact_match_results(results), reference, CONVERSATIONS
    )
    assert description.endswith(expected)
    assert (float(description.split()[1].strip(",")) < 0.05) == (
        max(results) > 50 or max(results) < 20
    )


def test_conversations_are_drawn_whole():
    results, reference = exact_match_results((80, 85, 90)), exact_match_results((40, 41, 40))
    # In two conversations, one difference more is as probable as one less.
    assert "no difference told" in describe_difference(
        "exact_match", results, reference, CONVERSATIONS // 50
    )


def test_a_variant_is_not_compared_with_itself_nor_what_has_no_sums():
    results = exact_match_results((80, 85))
    assert describe_difference("exact_match", results, results, CONVERSATIONS) == ""
    numbers = [{"distinct_1": 0.5}, {"distinct_1": 0.6}]
    assert (
        describe_difference(
            "distinct_1", numbers, [dict(seed_result) for seed_result in numbers], CONVERSATIONS
        )
        == "  no p"
    )


def test_seeds_are_added_up():
    assert sum_over_seeds(exact_match_results((40, 60)))["exact_match"].value == 0.5
    assert (
        sum_over_seeds(exact_match_results((40, 60)))["exact_match"].sums[:, 1].tolist()
        == [2.0] * PROMPTS
    )


def test_perplexities_are_those_of_the_prompts_compared():
    """What looks better because unknown words cost it little is worse where it counts."""
    words, unknown = np.full(PROMPTS, 5.0), (CONVERSATIONS < 50).astype(float)

    def seed_results(on_known, on_unknown, unknown):
        loss = words * np.where(CONVERSATIONS < 50, on_unknown, on_known)
        stats = {
            "perplexity": ratio_metric(loss, words, np.exp),
            "oov_rate": ratio_metric(unknown, words),
        }
        return [stats] * 2

    results, reference = seed_results(4.0, 1.0, unknown), seed_results(3.9, 3.9, 0 * unknown)
    assert results[0]["perplexity"].value < reference[0]["perplexity"].value
    description = describe_difference("perplexity", results, reference, CONVERSATIONS)
    assert "higher" in description
    assert f"{np.exp(4):.4f}  to {np.exp(3.9):.4f} on the 50 prompts compared" in description


def test_groups_are_compared_each():
    results, reference = exact_match_results((50,)), exact_match_results((20,))
    groups = np.split(CONVERSATIONS, [20, 60])
    group_values = compare_groups("exact_match", results, reference, groups, CONVERSATIONS)
    assert group_values == [(1.0, 1.0), (0.75, 0.0), (0.0, 0.0)]
    assert compare_groups("perplexity", results, reference, groups, CONVERSATIONS) == []


class ScriptedChat:
    """A chat that says what is to be said, looks where it stands, and errs where it is told to."""

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
def test_accuracies_of_longer_strings_by_hand(task, expected, positions):
    pairs = length_generalization.make_pairs(task, ["abcd"] * 3)
    assert [pair.reply for pair in pairs] == [expected] * 3
    # Right; one to exchange and one that is missing; nothing of it right and far too long.
    replies = [expected, f"x{expected[1:3]}", "z" * 20]
    attended = [positions, positions[:3], [*positions[::-1], *[8] * 16]]
    stats = length_generalization.accuracy_stats(task, ScriptedChat(replies, attended), pairs)
    assert {name: stat.value for name, stat in stats.items()} == pytest.approx(
        {"exact": 1 / 3, "symbols": (4 + 2 + 0) / 12, "looking": (4 + 3 + 0) / 12}
    )
    without = length_generalization.accuracy_stats(
        task, ScriptedChat(replies, attended, attends=False), pairs
    )
    assert list(without) == ["exact", "symbols"]
