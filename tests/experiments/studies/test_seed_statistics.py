"""A difference between trainings is called one only where prompts and seeds agree."""

from types import SimpleNamespace

import numpy as np
import pytest

from attention_seq2seq.evaluation.significance import ratio_metric
from experiments.studies import length_generalization
from experiments.studies.seed_statistics import in_groups, of_all_seeds, verdict

PROMPTS = 100
TALKS = np.arange(PROMPTS)


def right(shares, name="exact_match"):
    """For each seed the metric of a model that answers so many of the prompts rightly."""
    return [
        {name: ratio_metric((share > TALKS).astype(float), np.ones(PROMPTS))} for share in shares
    ]


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        ((80, 85, 90), "higher"),
        ((10, 15, 5), "lower"),
        # The prompts tell a difference, but one seed is as good as one of the others.
        ((80, 85, 40), "no difference told"),
        # The seeds lie apart, but by two prompts.
        ((42, 43, 42), "no difference told"),
    ],
)
def test_prompts_and_seeds_have_to_agree(ours, told):
    reference = right((40, 41, 40))
    said = verdict("exact_match", right(ours), reference, TALKS)
    assert said.endswith(told)
    assert (float(said.split()[1].strip(",")) < 0.05) == (max(ours) > 50 or max(ours) < 20)


def test_conversations_are_drawn_whole():
    ours, reference = right((80, 85, 90)), right((40, 41, 40))
    # In two conversations, one difference more is as probable as one less.
    assert "no difference told" in verdict("exact_match", ours, reference, TALKS // 50)


def test_a_variant_is_not_compared_with_itself_nor_what_has_no_sums():
    ours = right((80, 85))
    assert verdict("exact_match", ours, ours, TALKS) == ""
    numbers = [{"distinct_1": 0.5}, {"distinct_1": 0.6}]
    assert verdict("distinct_1", numbers, [dict(of_one) for of_one in numbers], TALKS) == "  no p"


def test_seeds_are_added_up():
    assert of_all_seeds(right((40, 60)))["exact_match"].value == 0.5
    assert of_all_seeds(right((40, 60)))["exact_match"].sums[:, 1].tolist() == [2.0] * PROMPTS


def test_perplexities_are_those_of_the_prompts_compared():
    """What looks better because unknown words cost it little is worse where it counts."""
    words, unknown = np.full(PROMPTS, 5.0), (TALKS < 50).astype(float)

    def measured(on_known, on_unknown, unknown):
        loss = words * np.where(TALKS < 50, on_unknown, on_known)
        found = {
            "perplexity": ratio_metric(loss, words, np.exp),
            "oov_rate": ratio_metric(unknown, words),
        }
        return [found] * 2

    ours, reference = measured(4.0, 1.0, unknown), measured(3.9, 3.9, 0 * unknown)
    assert ours[0]["perplexity"].value < reference[0]["perplexity"].value
    said = verdict("perplexity", ours, reference, TALKS)
    assert "higher" in said
    assert f"{np.exp(4):.4f}  to {np.exp(3.9):.4f} on the 50 prompts compared" in said


def test_groups_are_compared_each():
    ours, reference = right((50,)), right((20,))
    groups = np.split(TALKS, [20, 60])
    both = in_groups("exact_match", ours, reference, groups, TALKS)
    assert both == [(1.0, 1.0), (0.75, 0.0), (0.0, 0.0)]
    assert in_groups("perplexity", ours, reference, groups, TALKS) == []


class Copying:
    """A chat that says what is to be said, looks where it stands, and errs where it is told to."""

    def __init__(self, replies, places, attends=True):
        self.model = SimpleNamespace(attends=attends)
        self._said = [
            SimpleNamespace(text=text, attention_weights=np.eye(9)[of_one])
            for text, of_one in zip(replies, places)
        ]

    def reply(self, prompts):
        return self._said[: len(prompts)]


@pytest.mark.parametrize(
    ("task", "expected", "places"),
    [("reverse", "dcba", [3, 2, 1, 0]), ("copy", "abcd", [0, 1, 2, 3])],
)
def test_shares_of_longer_strings_by_hand(task, expected, places):
    pairs = length_generalization.pairs_of(task, ["abcd"] * 3)
    assert [pair.reply for pair in pairs] == [expected] * 3
    # Right; one to exchange and one that is missing; nothing of it right and far too long.
    replies = [expected, f"x{expected[1:3]}", "z" * 20]
    looked = [places, places[:3], [*places[::-1], *[8] * 16]]
    shares = length_generalization.shares_of(task, Copying(replies, looked), pairs)
    assert {name: share.value for name, share in shares.items()} == pytest.approx(
        {"exact": 1 / 3, "symbols": (4 + 2 + 0) / 12, "looking": (4 + 3 + 0) / 12}
    )
    without = length_generalization.shares_of(task, Copying(replies, looked, attends=False), pairs)
    assert list(without) == ["exact", "symbols"]
