"""Statistics of trainings with several seeds, and their differences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from attention_seq2seq.evaluation.comparison import PairedStats


def print_rows(
    variant: str,
    names: Sequence[str],
    results: list[dict],
    reference: list[dict],
    conversations: np.ndarray,
) -> None:
    """Prints metrics over all seeds, their ranges, and p compared with the reference."""
    print(f"\n{variant or 'no added flags'}: {len(results)} seeds")
    for name in names:
        if not all(name in seed_result for seed_result in results):
            print(f"  {name:34}{'not measured':>9}")
            continue
        values = seed_values(results, name)
        value = sum(values) / len(values)
        if not isinstance(results[0][name], float):
            value = sum_over_seeds(results)[name].value
        print(
            f"  {name:34}{value:>9.4f}  ({min(values):.4f} to {max(values):.4f})"
            f"{describe_difference(name, results, reference, conversations)}",
            flush=True,
        )
    print(flush=True)


def describe_difference(
    name: str, results: list[dict], reference: list[dict], conversations: np.ndarray
) -> str:
    """Formats p, the direction of the difference, and the values on the compared prompts."""
    if results is reference:
        return ""
    result = difference(name, results, reference, conversations)
    if not result:
        return "  no p"
    pair, values = result.pair, ""
    if len(pair.conversations) < len(conversations):
        values = (
            f"\n  {'':34}{pair.candidate.value:>9.4f}  to {pair.baseline.value:.4f} on the "
            f"{len(pair.conversations):,} prompts compared"
        )
    return f"  p {result.p_value:.4f}, {result.direction or 'no significant difference'}{values}"


class Difference(NamedTuple):
    """Difference of a metric between two groups of trainings with several seeds.

    Attributes:
        pair: the metric of both groups over all seeds.
        p_value: p of a permutation test, see `significance.permutation_p_value`.
        direction: "lower" or "higher" for the candidate; empty if not significant.
    """

    pair: "PairedStats"
    p_value: float
    direction: str


def difference(
    name: str, results: list[dict], reference: list[dict], conversations: np.ndarray
) -> Difference | None:
    """Compares a metric; significant if p < 0.05 and the seeds do not overlap."""
    from attention_seq2seq.evaluation.comparison import pair_stats

    pair = pair_stats(name, sum_over_seeds(results), sum_over_seeds(reference), conversations)
    if not pair:
        return None
    seed_pairs = [
        pair_stats(name, *seed_pair, conversations) for seed_pair in zip(results, reference)
    ]
    if not all(seed_pairs):
        return None
    values = [
        [seed_pair.candidate.value for seed_pair in seed_pairs],
        [seed_pair.baseline.value for seed_pair in seed_pairs],
    ]
    is_separated = max(values[0]) < min(values[1]) or max(values[1]) < min(values[0])
    p_value, direction = pair.p_value(), ""
    if p_value < 0.05 and is_separated:
        direction = "lower" if pair.candidate.value < pair.baseline.value else "higher"
    return Difference(pair, p_value, direction)


def compare_groups(
    name: str,
    results: list[dict],
    reference: list[dict],
    groups: Sequence[np.ndarray],
    conversations: np.ndarray,
) -> list[tuple[float, float]]:
    """Returns both values of a metric in each group of prompts, or [] if not comparable."""
    from attention_seq2seq.evaluation.comparison import pair_stats

    group_values, both_stats = [], [sum_over_seeds(results), sum_over_seeds(reference)]
    for group in groups:
        group_stats = [
            {
                metric: metric_stats._replace(sums=metric_stats.sums[group])
                for metric, metric_stats in stats.items()
            }
            for stats in both_stats
        ]
        pair = pair_stats(name, *group_stats, conversations[group])
        if not pair:
            return []
        group_values.append((pair.candidate.value, pair.baseline.value))
    return group_values


def seed_values(seed_results: list[dict], name: str) -> list[float]:
    """Returns the value of a metric for each seed."""
    metrics = [seed_result[name] for seed_result in seed_results]
    return [metric if isinstance(metric, float) else metric.value for metric in metrics]


def sum_over_seeds(seed_results: list[dict]) -> dict:
    """Returns the metrics with their sums added over seeds."""
    first_result, *remaining_results = seed_results
    return {
        name: stats._replace(
            sums=sum(
                (seed_result[name].sums for seed_result in remaining_results), start=stats.sums
            )
        )
        for name, stats in first_result.items()
        if not isinstance(stats, float)
        and all(name in seed_result for seed_result in remaining_results)
    }


def group_by_length(lengths: Sequence[int], num_groups: int) -> list[np.ndarray]:
    """Sorts indices by length into groups of about equal size, without splitting ties.

    Example:
        >>> [group.tolist() for group in group_by_length([3, 1, 2, 2, 2, 9], 3)]
        [[1], [2, 3, 4], [0, 5]]
    """
    order = np.argsort(lengths, kind="stable")
    ordered = np.asarray(lengths)[order]
    boundaries = {
        int(np.searchsorted(ordered, ordered[len(order) * i // num_groups]))
        for i in range(num_groups)
    }
    return np.split(order, sorted(boundaries - {0}))
