"""Confidence intervals and significance tests by resampling.

A metric is a function of sums over prompts. Accuracy, for example, is the number of correct replies
divided by the number of replies. Resampling draws prompts or whole conversations. Prompts of a
conversation are similar, so they carry less information than independent prompts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_NUM_RESAMPLES = 2000
# Limits the memory of resamples.
_RESAMPLES_PER_CHUNK = 50


class MetricStats(NamedTuple):
    """Sufficient statistics of a metric.

    Attributes:
        sums: float64[prompts, parts], the terms of each prompt in the sums.
        statistic: maps sums float64[resamples, parts] to the metric float64[resamples].
    """

    sums: np.ndarray
    statistic: Callable[[np.ndarray], np.ndarray]

    @property
    def value(self) -> float:
        """Value of the metric; NaN if a denominator is 0."""
        return float(self.statistic(self.sums.sum(axis=0, keepdims=True))[0])

    def group_by(self, conversations: np.ndarray) -> "MetricStats":
        """Returns the same metric with one row of sums for each conversation.

        Args:
            conversations: int64[prompts], index of the conversation of each prompt.

        Example:
            >>> stats = ratio_metric(np.array([1.0, 0, 1]), np.ones(3))
            >>> stats.group_by(np.array([7, 7, 2])).sums.tolist()
            [[1.0, 1.0], [1.0, 2.0]]
        """
        unique, indices = np.unique(conversations, return_inverse=True)
        sums = np.zeros((len(unique), self.sums.shape[1]))
        np.add.at(sums, indices, self.sums)
        return self._replace(sums=sums)


def ratio_metric(
    numerators: np.ndarray,
    denominators: np.ndarray,
    transform: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> MetricStats:
    """Returns a metric that is the ratio of two sums over prompts.

    Args:
        numerators: float64[prompts], terms of the numerator.
        denominators: float64[prompts], terms of the denominator.
        transform: monotonic function from the ratio to the metric.

    Example:
        >>> ratio_metric(np.array([1.0, 0.0]), np.array([1.0, 1.0])).value
        0.5
    """

    def statistic(sums):
        with np.errstate(invalid="ignore", divide="ignore"):
            return transform(sums[:, 0] / sums[:, 1])

    return MetricStats(np.stack([numerators, denominators], axis=1), statistic)


def bootstrap_interval(
    stats: MetricStats, seed: int = 1, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Returns the confidence interval of a metric.

    Args:
        stats: the metric.
        seed: random seed of the resamples.
        confidence: probability that the interval covers the true value.

    Returns:
        The limits, or None if all resamples give the same value, for example if every reply is
        correct. Resampling then cannot measure the uncertainty.

    Source:
        Efron 1979, the bootstrap; percentile intervals.

    Example:
        >>> correct = np.array([1.0] * 60 + [0.0] * 40)
        >>> low, high = bootstrap_interval(ratio_metric(correct, np.ones(100)))
        >>> 0.48 < low < 0.53, 0.67 < high < 0.72
        (True, True)
    """
    rng = np.random.default_rng(seed)
    size = len(stats.sums)
    chunks = []
    for _ in range(_NUM_RESAMPLES // _RESAMPLES_PER_CHUNK):
        # Number of times that each prompt is drawn.
        counts = rng.multinomial(size, np.full(size, 1 / size), size=_RESAMPLES_PER_CHUNK)
        chunks.append(stats.statistic(counts @ stats.sums))
    values = np.concatenate(chunks)
    values = values[np.isfinite(values)]
    if not len(values) or np.ptp(values) == 0:
        return None
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def permutation_p_value(candidate: MetricStats, baseline: MetricStats, seed: int = 1) -> float:
    """Returns the p-value of the difference of two models by a paired permutation test.

    The null hypothesis is that the models could be exchanged on each prompt.

    Args:
        candidate: statistics of the candidate.
        baseline: statistics of the same metric of the baseline, on the same prompts.
        seed: random seed of the permutations.

    Raises:
        ValueError: the numbers of prompts differ, or a metric is not finite.

    Source:
        Noreen 1989 (approximate randomization), Riezler and Maxwell 2005.

    Example:
        >>> correct, total = np.array([1.0] * 60 + [0.0] * 40), np.ones(100)
        >>> candidate = ratio_metric(correct, total)
        >>> permutation_p_value(candidate, ratio_metric(1 - correct, total)) < 0.05
        False
        >>> permutation_p_value(candidate, ratio_metric(0 * correct, total)) < 0.001
        True
    """
    size = len(candidate.sums)
    if len(baseline.sums) != size:
        raise ValueError(
            f"Candidate has {size} prompts, baseline {len(baseline.sums)}; expected the same "
            "prompts."
        )
    observed = abs(candidate.value - baseline.value)
    if not np.isfinite(observed):
        raise ValueError(
            f"The metric is {candidate.value} for the candidate and {baseline.value} for the "
            "baseline; expected finite values."
        )
    rng = np.random.default_rng(seed)
    candidate_total, baseline_total = candidate.sums.sum(axis=0), baseline.sums.sum(axis=0)
    # Changes of the candidate's sums if the two models are exchanged on a prompt.
    changes = baseline.sums - candidate.sums
    num_as_large = 0
    for _ in range(_NUM_RESAMPLES // _RESAMPLES_PER_CHUNK):
        change = rng.integers(2, size=[_RESAMPLES_PER_CHUNK, size]) @ changes
        difference = np.abs(
            candidate.statistic(candidate_total + change)
            - baseline.statistic(baseline_total - change)
        )
        # NaN counts as a large difference, so it is never evidence against the null hypothesis.
        num_as_large += int(np.sum(~(difference < observed - 1e-12)))
    return (num_as_large + 1) / (_NUM_RESAMPLES + 1)
