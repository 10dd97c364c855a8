"""How sure a number is: intervals of a metric, and whether two models differ, by resampling.

A metric is made of sums over prompts, as the share of right replies is: so many right, of so many.
What is drawn are prompts, or conversations with all of their prompts: what follows one another in a
conversation is alike, and a hundred turns of one tell less than a hundred prompts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_SAMPLES = 2000
# Draws that are held in memory at once.
_AT_ONCE = 50


class Counted(NamedTuple):
    """What a metric comes to on each prompt.

    Attributes:
        sums: float[prompts, parts], what is summed over prompts.
        metric_of: from sums over prompts float[draws, parts] to the metric float[draws].
    """

    sums: np.ndarray
    metric_of: Callable[[np.ndarray], np.ndarray]

    @property
    def value(self) -> float:
        """The metric; no number where there is nothing to count."""
        return float(self.metric_of(self.sums.sum(axis=0, keepdims=True))[0])

    def together(self, conversations: np.ndarray) -> "Counted":
        """The same metric, to be drawn by conversations.

        Args:
            conversations: int[prompts], the number of that in which each prompt stands.

        Example:
            >>> ratio(np.array([1.0, 0, 1]), np.ones(3)).together(np.array([7, 7, 2])).sums.tolist()
            [[1.0, 1.0], [1.0, 2.0]]
        """
        numbers, places = np.unique(conversations, return_inverse=True)
        sums = np.zeros((len(numbers), self.sums.shape[1]))
        np.add.at(sums, places, self.sums)
        return self._replace(sums=sums)


def ratio(
    found: np.ndarray, of: np.ndarray, transform: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> Counted:
    """A metric that is a sum over prompts divided by another.

    Args:
        found: float[prompts], what is counted.
        of: float[prompts], of how much.
        transform: what makes the metric of the ratio, rising or falling throughout.

    Example:
        >>> ratio(np.array([1.0, 0.0]), np.array([1.0, 1.0])).value
        0.5
    """

    def metric_of(sums):
        with np.errstate(invalid="ignore", divide="ignore"):
            return transform(sums[:, 0] / sums[:, 1])

    return Counted(np.stack([found, of], axis=1), metric_of)


def interval(counted: Counted, seed: int = 1, share: float = 0.95) -> tuple[float, float] | None:
    """Between what a metric would be, on `share` of such sets of prompts.

    Returns:
        The limits; None where all draws come to the same, as where every reply is right: then
        drawing tells nothing of how sure that is.

    Source:
        Efron 1979, the bootstrap; its percentiles.

    Example:
        >>> right = np.array([1.0] * 60 + [0.0] * 40)
        >>> low, high = interval(ratio(right, np.ones(100)))
        >>> 0.48 < low < 0.53, 0.67 < high < 0.72
        (True, True)
    """
    draw = np.random.default_rng(seed)
    size = len(counted.sums)
    values = []
    for _ in range(_SAMPLES // _AT_ONCE):
        # How often each prompt is drawn.
        times = draw.multinomial(size, np.full(size, 1 / size), size=_AT_ONCE)
        values.append(counted.metric_of(times @ counted.sums))
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if not len(found) or np.ptp(found) == 0:
        return None
    outside = 50 * (1 - share)
    low, high = np.percentile(found, [outside, 100 - outside])
    return float(low), float(high)


def p_value(one: Counted, other: Counted, seed: int = 1) -> float:
    """How probable a difference as large would be if it did not matter which model is which.

    Args:
        one: a metric of one model.
        other: of the other, on the same prompts.
        seed: of the draws.

    Raises:
        ValueError: they are not of as many prompts, or there is nothing to count.

    Source:
        Noreen 1989, approximate randomisation; Riezler and Maxwell 2005 for its use here.

    Example:
        >>> right, of = np.array([1.0] * 60 + [0.0] * 40), np.ones(100)
        >>> p_value(ratio(right, of), ratio(1 - right, of)) < 0.05
        False
        >>> p_value(ratio(right, of), ratio(0 * right, of)) < 0.001
        True
    """
    size = len(one.sums)
    if len(other.sums) != size:
        raise ValueError(
            f"{size} prompts and {len(other.sums)}; two models are compared on the same prompts."
        )
    observed = abs(one.value - other.value)
    if not np.isfinite(observed):
        raise ValueError(
            f"a metric is {one.value} of one model and {other.value} of the other; there is "
            "nothing to compare."
        )
    draw = np.random.default_rng(seed)
    totals = one.sums.sum(axis=0), other.sums.sum(axis=0)
    # By how much the sums change if a prompt's models are exchanged.
    changes = other.sums - one.sums
    as_large = 0
    for _ in range(_SAMPLES // _AT_ONCE):
        change = draw.integers(2, size=[_AT_ONCE, size]) @ changes
        difference = np.abs(one.metric_of(totals[0] + change) - other.metric_of(totals[1] - change))
        # What is no number is no evidence either.
        as_large += int(np.sum(~(difference < observed - 1e-12)))
    return (as_large + 1) / (_SAMPLES + 1)
