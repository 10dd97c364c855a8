"""Paired comparison of two models on the same prompts."""

from typing import NamedTuple

import numpy as np

from attention_seq2seq.evaluation.corpus_metrics import OOV_RATE, PERPLEXITIES
from attention_seq2seq.evaluation.significance import MetricStats, permutation_p_value


class PairedStats(NamedTuple):
    """Statistics of a metric of two models on the same prompts.

    Attributes:
        candidate: statistics of the metric for the candidate model.
        baseline: statistics of the metric for the baseline model.
        conversations: int64[prompts], index of the conversation of each prompt.
    """

    candidate: MetricStats
    baseline: MetricStats
    conversations: np.ndarray

    def p_value(self) -> float:
        """Returns the p-value of the difference, permuting whole conversations."""
        return permutation_p_value(
            self.candidate.group_by(self.conversations), self.baseline.group_by(self.conversations)
        )


def pair_stats(
    name: str,
    candidate: dict[str, MetricStats],
    baseline: dict[str, MetricStats],
    conversations: np.ndarray,
) -> PairedStats | None:
    """Pairs a metric of two models. Returns None if it cannot be compared.

    An OOV token costs a model little, and the vocabularies of two models may differ. Perplexities
    are therefore compared on prompts whose references have no OOV token for either model. Both
    models must also count equal numbers of units. Numbers of tokens may differ, but numbers of
    characters do not. References without OOV tokens are easier than others, for both models.

    Args:
        name: name of the metric.
        candidate: statistics of the candidate by metric.
        baseline: statistics of the baseline by metric, on the same prompts.
        conversations: int64[prompts], index of the conversation of each prompt.
    """
    if name not in candidate or name not in baseline:
        return None
    pair = PairedStats(candidate[name], baseline[name], conversations)
    if name in PERPLEXITIES:
        mask = (candidate[OOV_RATE].sums[:, 0] == 0) & (baseline[OOV_RATE].sums[:, 0] == 0)
        pair = PairedStats(
            pair.candidate._replace(sums=pair.candidate.sums[mask]),
            pair.baseline._replace(sums=pair.baseline.sums[mask]),
            conversations[mask],
        )
        if not np.array_equal(pair.candidate.sums[:, 1], pair.baseline.sums[:, 1]):
            return None
    is_finite = np.isfinite(pair.candidate.value) and np.isfinite(pair.baseline.value)
    return pair if is_finite else None
