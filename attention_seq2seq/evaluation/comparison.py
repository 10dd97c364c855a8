"""Two models on the same prompts: what of them can be compared, and how."""

from typing import NamedTuple

import numpy as np

from attention_seq2seq.evaluation.significance import Counted, p_value
from attention_seq2seq.evaluation.stats import PERPLEXITIES, UNKNOWN


class Compared(NamedTuple):
    """A metric of two models on the same prompts.

    Attributes:
        one: what the first comes to on each prompt that is compared.
        other: what the second does.
        conversations: int[prompts], in which each of these stands.
    """

    one: Counted
    other: Counted
    conversations: np.ndarray

    def p_value(self) -> float:
        """Of their difference, conversations being drawn, see `resampling.p_value`."""
        return p_value(
            self.one.together(self.conversations), self.other.together(self.conversations)
        )


def comparable(
    name: str, one: dict[str, Counted], other: dict[str, Counted], conversations: np.ndarray
) -> Compared | None:
    """A metric of two models, so that they can be compared; None where they cannot.

    A word that a model does not know costs it little, and two models may not know different ones:
    perplexities are compared on prompts whose replies have only words that both know; and only if
    both count the same, which the words of two vocabularies do not, and their characters do. Such
    replies are easier than others, for both.

    Args:
        name: of the metric.
        one: what a model comes to, by metric.
        other: what the other does, on the same prompts.
        conversations: int[prompts], in which each prompt stands.
    """
    if name not in one or name not in other:
        return None
    both = Compared(one[name], other[name], conversations)
    if name in PERPLEXITIES:
        known = (one[UNKNOWN].sums[:, 0] == 0) & (other[UNKNOWN].sums[:, 0] == 0)
        kept = (counted._replace(sums=counted.sums[known]) for counted in both[:2])
        both = Compared(*kept, conversations[known])
        if not np.array_equal(both.one.sums[:, 1], both.other.sums[:, 1]):
            return None
    return both if all(np.isfinite(counted.value) for counted in both[:2]) else None
