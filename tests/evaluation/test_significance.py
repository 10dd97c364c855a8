"""Intervals that hold what they should as often as they say, tests that seldom cry wolf."""

import numpy as np
import pytest

from attention_seq2seq.evaluation.significance import interval, p_value, ratio


def shares(draw, share, size=200):
    return ratio((draw.random(size) < share).astype(float), np.ones(size))


def test_an_interval_holds_the_truth_nearly_as_often_as_it_says():
    draw = np.random.default_rng(1)
    held = []
    for number in range(200):
        low, high = interval(shares(draw, 0.3), seed=number)
        held.append(low <= 0.3 <= high)
    assert 0.9 < np.mean(held) < 0.99


def test_it_is_of_the_transformed_ratio_of_sums():
    draw = np.random.default_rng(2)
    loss, words = draw.gamma(3.0, 2.0, 300), draw.integers(1, 9, 300).astype(float)
    plain, transformed = ratio(loss, words), ratio(loss, words, np.exp)
    assert transformed.value == pytest.approx(np.exp(loss.sum() / words.sum()))
    np.testing.assert_allclose(interval(transformed), np.exp(interval(plain)), rtol=1e-3)


def test_two_models_that_are_alike_differ_as_often_as_p_says():
    draw = np.random.default_rng(3)
    values = [
        p_value(shares(draw, 0.4, 100), shares(draw, 0.4, 100), seed=number)
        for number in range(200)
    ]
    assert 0.01 < np.mean(np.array(values) < 0.05) < 0.1


def test_turns_of_one_conversation_are_no_prompts_of_their_own():
    """Ten turns of each are alike: two alike models differ too often unless they are drawn so."""
    draw = np.random.default_rng(7)
    talks = np.repeat(np.arange(40), 10)
    found = {"prompts": [], "conversations": []}
    for number in range(100):
        one, other = (
            ratio((draw.random(400) < np.repeat(draw.random(40), 10)).astype(float), np.ones(400))
            for _ in range(2)
        )
        found["prompts"].append(p_value(one, other, number))
        both = one.together(talks), other.together(talks)
        found["conversations"].append(p_value(*both, number))
    often = {name: np.mean(np.array(values) < 0.05) for name, values in found.items()}
    assert often["prompts"] > 0.2
    assert 0.0 < often["conversations"] < 0.12


def test_a_difference_on_the_same_prompts_is_seen_where_intervals_overlap():
    draw = np.random.default_rng(4)
    difficulty = draw.random(400)
    one = ratio((difficulty < 0.50).astype(float), np.ones(400))
    other = ratio((difficulty < 0.53).astype(float), np.ones(400))
    assert interval(one)[1] > interval(other)[0]
    assert p_value(one, other) < 0.01


def test_a_model_does_not_differ_from_itself():
    one = shares(np.random.default_rng(5), 0.3)
    assert p_value(one, one) == 1


def test_one_prompt_of_many_that_differs_is_no_difference():
    right = np.ones(100)
    wrong_once = right * (np.arange(100) > 0)
    assert p_value(ratio(right, np.ones(100)), ratio(wrong_once, np.ones(100))) == 1


def test_of_metrics_that_are_the_same_for_all_prompts_there_is_no_interval():
    assert interval(ratio(np.ones(9), np.ones(9))) is None
    assert interval(ratio(np.zeros(9), np.zeros(9))) is None


def test_no_number_is_refused():
    with pytest.raises(ValueError, match="a metric is nan of one model"):
        p_value(ratio(np.zeros(9), np.zeros(9)), ratio(np.ones(9), np.ones(9)))


def test_draws_of_prompts_without_anything_to_count_are_no_evidence():
    found, of = np.array([1.0, 0, 0, 0]), np.array([2.0, 0, 0, 0])
    assert interval(ratio(found, of)) is None
    assert p_value(ratio(found, of), ratio(0 * found, of)) > 0.5


def test_other_prompts_are_refused():
    draw = np.random.default_rng(6)
    with pytest.raises(ValueError, match="9 prompts and 8; two models are compared on the same"):
        p_value(shares(draw, 0.5, 9), shares(draw, 0.5, 8))
