"""Coverage of confidence intervals, false positives of significance tests."""

import numpy as np
import pytest

from attention_seq2seq.evaluation.significance import (
    bootstrap_interval,
    permutation_p_value,
    ratio_metric,
)


def random_accuracy(rng, probability, size=200):
    return ratio_metric((rng.random(size) < probability).astype(float), np.ones(size))


def test_intervals_have_nominal_coverage():
    rng = np.random.default_rng(1)
    is_covered = []
    for seed in range(200):
        low, high = bootstrap_interval(random_accuracy(rng, 0.3), seed=seed)
        is_covered.append(low <= 0.3 <= high)
    assert 0.9 < np.mean(is_covered) < 0.99


def test_an_interval_is_of_the_transformed_ratio_of_sums():
    rng = np.random.default_rng(2)
    loss, num_tokens = rng.gamma(3.0, 2.0, 300), rng.integers(1, 9, 300).astype(float)
    untransformed, transformed = (
        ratio_metric(loss, num_tokens),
        ratio_metric(loss, num_tokens, np.exp),
    )
    assert transformed.value == pytest.approx(np.exp(loss.sum() / num_tokens.sum()))
    expected = np.exp(bootstrap_interval(untransformed))
    np.testing.assert_allclose(bootstrap_interval(transformed), expected, rtol=1e-3)


def test_p_values_of_equal_models_have_nominal_false_positive_rate():
    rng = np.random.default_rng(3)
    p_values = [
        permutation_p_value(
            random_accuracy(rng, 0.4, 100), random_accuracy(rng, 0.4, 100), seed=seed
        )
        for seed in range(200)
    ]
    assert 0.01 < np.mean(np.array(p_values) < 0.05) < 0.1


def test_prompts_of_one_conversation_are_not_independent():
    """`group_by` corrects the false positive rate for correlated prompts."""
    rng = np.random.default_rng(7)
    conversations = np.repeat(np.arange(40), 10)
    p_values = {"prompts": [], "conversations": []}
    for seed in range(100):
        a, b = (
            ratio_metric(
                (rng.random(400) < np.repeat(rng.random(40), 10)).astype(float), np.ones(400)
            )
            for _ in range(2)
        )
        p_values["prompts"].append(permutation_p_value(a, b, seed))
        p_values["conversations"].append(
            permutation_p_value(a.group_by(conversations), b.group_by(conversations), seed)
        )
    rates = {name: np.mean(np.array(values) < 0.05) for name, values in p_values.items()}
    assert rates["prompts"] > 0.2
    assert 0.0 < rates["conversations"] < 0.12


def test_a_paired_difference_is_significant_even_if_intervals_overlap():
    rng = np.random.default_rng(4)
    difficulty = rng.random(400)
    a = ratio_metric((difficulty < 0.50).astype(float), np.ones(400))
    b = ratio_metric((difficulty < 0.53).astype(float), np.ones(400))
    assert bootstrap_interval(a)[1] > bootstrap_interval(b)[0]
    assert permutation_p_value(a, b) < 0.01


def test_a_model_does_not_differ_from_itself():
    stats = random_accuracy(np.random.default_rng(5), 0.3)
    assert permutation_p_value(stats, stats) == 1


def test_a_difference_on_a_single_prompt_is_not_significant():
    correct = np.ones(100)
    wrong_once = correct * (np.arange(100) > 0)
    a, b = ratio_metric(correct, np.ones(100)), ratio_metric(wrong_once, np.ones(100))
    assert permutation_p_value(a, b) == 1


def test_a_metric_that_is_the_same_for_all_prompts_has_no_interval():
    assert bootstrap_interval(ratio_metric(np.ones(9), np.ones(9))) is None
    assert bootstrap_interval(ratio_metric(np.zeros(9), np.zeros(9))) is None


def test_nan_raises():
    nan, ones = ratio_metric(np.zeros(9), np.zeros(9)), ratio_metric(np.ones(9), np.ones(9))
    with pytest.raises(ValueError, match="The metric is nan for the candidate"):
        permutation_p_value(nan, ones)


def test_empty_resamples_are_no_evidence():
    numerators, denominators = np.array([1.0, 0, 0, 0]), np.array([2.0, 0, 0, 0])
    stats = ratio_metric(numerators, denominators)
    assert bootstrap_interval(stats) is None
    assert permutation_p_value(stats, ratio_metric(0 * numerators, denominators)) > 0.5


def test_different_numbers_of_prompts_raise():
    rng = np.random.default_rng(6)
    with pytest.raises(ValueError, match="Candidate has 9 prompts, baseline 8; expected the same"):
        permutation_p_value(random_accuracy(rng, 0.5, 9), random_accuracy(rng, 0.5, 8))
