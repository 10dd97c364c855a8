"""What trainings with several seeds come to, and whether they differ from others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from attention_seq2seq.evaluation.comparison import PairedStats


def print_rows(
    variant: str,
    names: Sequence[str],
    ours: list[dict],
    reference: list[dict],
    conversations: np.ndarray,
) -> None:
    """All seeds together, how far they lie apart, and p beside the first variant."""
    print(f"\n{variant or 'as given'}: {len(ours)} seeds")
    for name in names:
        if not all(name in of_seed for of_seed in ours):
            print(f"  {name:34}{'not measured':>9}")
            continue
        values = values_of(ours, name)
        value = sum(values) / len(values)
        if not isinstance(ours[0][name], float):
            value = of_all_seeds(ours)[name].value
        print(
            f"  {name:34}{value:>9.4f}  ({min(values):.4f} to {max(values):.4f})"
            f"{verdict(name, ours, reference, conversations)}",
            flush=True,
        )
    print(flush=True)


def verdict(name: str, ours: list[dict], reference: list[dict], conversations: np.ndarray) -> str:
    """p, whether it and the seeds tell a difference, and what was compared if that is not all."""
    if ours is reference:
        return ""
    found = difference(name, ours, reference, conversations)
    if not found:
        return "  no p"
    both, compared = found.both, ""
    if len(both.conversations) < len(conversations):
        compared = (
            f"\n  {'':34}{both.candidate.value:>9.4f}  to {both.baseline.value:.4f} on the "
            f"{len(both.conversations):,} prompts compared"
        )
    return f"  p {found.p:.4f}, {found.told or 'no difference told'}{compared}"


class Difference(NamedTuple):
    """Of trainings with several seeds.

    Attributes:
        both: a metric of each, all seeds together.
        p: see `significance.permutation_p_value`.
        told: "lower" or "higher", of the first; empty where none is told.
    """

    both: "PairedStats"
    p: float
    told: str


def difference(
    name: str, ours: list[dict], reference: list[dict], conversations: np.ndarray
) -> Difference | None:
    """A difference is told where p is below 0.05 and no seed is as good as one of the others."""
    from attention_seq2seq.evaluation.comparison import pair_stats

    both = pair_stats(name, of_all_seeds(ours), of_all_seeds(reference), conversations)
    if not both:
        return None
    of_seeds = [pair_stats(name, *seeds, conversations) for seeds in zip(ours, reference)]
    if not all(of_seeds):
        return None
    values = [
        [seeds.candidate.value for seeds in of_seeds],
        [seeds.baseline.value for seeds in of_seeds],
    ]
    apart = max(values[0]) < min(values[1]) or max(values[1]) < min(values[0])
    p, told = both.p_value(), ""
    if p < 0.05 and apart:
        told = "lower" if both.candidate.value < both.baseline.value else "higher"
    return Difference(both, p, told)


def in_groups(
    name: str,
    ours: list[dict],
    reference: list[dict],
    groups: Sequence[np.ndarray],
    conversations: np.ndarray,
) -> list[tuple[float, float]]:
    """What both come to in each group of prompts; nothing where they cannot be compared."""
    from attention_seq2seq.evaluation.comparison import pair_stats

    found, wholes = [], [of_all_seeds(ours), of_all_seeds(reference)]
    for group in groups:
        parts = [
            {each: stats._replace(sums=stats.sums[group]) for each, stats in whole.items()}
            for whole in wholes
        ]
        both = pair_stats(name, *parts, conversations[group])
        if not both:
            return []
        found.append((both.candidate.value, both.baseline.value))
    return found


def values_of(of_seeds: list[dict], name: str) -> list[float]:
    """A metric of each seed."""
    found = [of_seed[name] for of_seed in of_seeds]
    return [one if isinstance(one, float) else one.value for one in found]


def of_all_seeds(of_seeds: list[dict]) -> dict:
    """Metrics with what the seeds come to on a prompt added up."""
    first, *others = of_seeds
    return {
        name: one._replace(sums=sum((of_seed[name].sums for of_seed in others), start=one.sums))
        for name, one in first.items()
        if not isinstance(one, float) and all(name in of_seed for of_seed in others)
    }


def groups_of(lengths: Sequence[int], number: int) -> list[np.ndarray]:
    """Places of prompts, the shortest first, in groups of about as many; equal lengths together.

    Example:
        >>> [group.tolist() for group in groups_of([3, 1, 2, 2, 2, 9], 3)]
        [[1], [2, 3, 4], [0, 5]]
    """
    order = np.argsort(lengths, kind="stable")
    ordered = np.asarray(lengths)[order]
    cuts = {int(np.searchsorted(ordered, ordered[len(order) * i // number])) for i in range(number)}
    return np.split(order, sorted(cuts - {0}))
