"""Statistics of training runs with several seeds, and their differences."""

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
) -> dict[str, dict]:
    """Prints metrics over all seeds, their ranges, and p compared with the reference.

    Returns:
        Metric to its row, see `metric_row`.
    """
    print(f"\n{variant or 'no added flags'}: {len(results)} seeds")
    rows = {}
    for name in names:
        if not all(name in seed_result for seed_result in results):
            print(f"  {name:34}{'not measured':>9}")
            continue
        row = rows[name] = metric_row(name, results, reference, conversations)
        text = describe_difference(row, len(conversations))
        print(
            f"  {name:34}{row['value']:>9.4f}  ({row['low']:.4f} to {row['high']:.4f}){text}",
            flush=True,
        )
    print(flush=True)
    return rows


def metric_row(
    name: str, results: list[dict], reference: list[dict], conversations: np.ndarray
) -> dict:
    """Returns a metric over all seeds for a results file.

    Returns:
        The value, the range over seeds, p with the direction of the difference, and the values of
        both variants on the compared prompts. The reference has no p; p is None without a test.
    """
    row = value_range(seed_values(results, name))
    if not isinstance(results[0][name], float):
        row["value"] = sum_over_seeds(results)[name].value
    result = difference(name, results, reference, conversations)
    if results is not reference:
        row["p"] = result.p_value if result else None
        row["direction"] = result.direction if result else ""
    row["comparison"] = result and {
        "value": result.pair.candidate.value,
        "reference": result.pair.baseline.value,
        "prompts": len(result.pair.conversations),
    }
    return row


def value_range(values: Sequence[float]) -> dict[str, float]:
    """Returns the mean and the range of the values of all seeds.

    Example:
        >>> value_range([0.5, 0.25])
        {'value': 0.375, 'low': 0.25, 'high': 0.5}
    """
    return {"value": sum(values) / len(values), "low": min(values), "high": max(values)}


def mean_row(rows: list[dict]) -> dict:
    """Returns the means of all metrics, and their ranges.

    Example:
        >>> estimate = {"value": 0.5, "low": 0.4, "high": 0.6}
        >>> rows = [{"model": "a", "rouge_l": estimate}, {"model": "b", "rouge_l": estimate}]
        >>> mean_row(rows)
        {'model': 'mean of a; b', 'rouge_l': {'value': 0.5, 'low': 0.5, 'high': 0.5}}
    """
    mean = rows[0] | {"model": f"mean of {'; '.join(row['model'] for row in rows)}"}
    for name, estimate in rows[0].items():
        if isinstance(estimate, dict):
            mean[name] = value_range([row[name]["value"] for row in rows])
    return mean


def describe_difference(row: dict, num_prompts: int) -> str:
    """Formats p, the direction of the difference, and the values on the compared prompts."""
    if "p" not in row:
        return ""
    if row["p"] is None:
        return "  no p"
    comparison, values = row["comparison"], ""
    if comparison["prompts"] < num_prompts:
        values = (
            f"\n  {'':34}{comparison['value']:>9.4f}  to {comparison['reference']:.4f} on the "
            f"{comparison['prompts']:,} prompts compared"
        )
    return f"  p {row['p']:.4f}, {row['direction'] or 'no significant difference'}{values}"


class Difference(NamedTuple):
    """Difference of a metric between two groups of training runs with several seeds.

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
