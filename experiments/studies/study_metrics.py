"""Metrics of studies: agreement of attention weights, and ranks of true replies."""

import bisect
import math
from collections.abc import Sequence

import numpy as np

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.data.pairs import as_pairs
from attention_seq2seq.evaluation.significance import MetricStats, ratio_metric


def alignment_accuracy(weights: Sequence[Sequence[float]], positions: Sequence[int]) -> float:
    """Returns the fraction of rows whose largest weight is at the expected position.

    Args:
        weights: attention weights float[row][position].
        positions: the expected position of each row.

    Raises:
        ValueError: there are no rows, or not as many rows as positions.

    Example:
        >>> alignment_accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
    """
    if len(weights) != len(positions) or not len(positions):
        raise ValueError(
            f"{len(weights)} rows of weights and {len(positions)} positions; expected equal "
            "numbers, at least one."
        )
    argmax = [max(range(len(row)), key=row.__getitem__) for row in weights]
    return sum(a == b for a, b in zip(argmax, positions)) / len(positions)


def attention_attribution_correlation(
    chat: Chat, prompts: Sequence[str], decoding: DecodingConfig | None = None
) -> MetricStats:
    """Returns how well attention weights agree with leave-one-out attributions.

    For each token of a reply, and its end, this is Spearman's rank correlation of the attention
    weights with the contributions of the prompt's tokens. The metric is the mean over all rows
    whose values are not all equal. Most tokens of a long prompt have almost no weight and no
    contribution, and their order is nearly random: compare only prompts of similar lengths.

    Args:
        chat: a trained model with attention.
        prompts: strings.
        decoding: how replies are generated; greedily by default.

    Returns:
        The metric, -1 to 1.

    Raises:
        ValueError: the model has no attention.

    Source:
        Jain and Wallace 2019, "Attention is not Explanation".
    """
    if not chat.model.has_attention:
        raise ValueError(
            "attention_attribution_correlation needs a model with attention. Omit this metric."
        )
    sums, num_rows = [], []
    for reply in chat.reply(prompts, decoding):
        rows = [
            (weights, contributions)
            for weights, contributions in zip(reply.attention_weights, reply.contributions)
            if len(set(weights)) > 1 and len(set(contributions)) > 1
        ]
        sums.append(sum(spearman_correlation(*row) for row in rows))
        num_rows.append(len(rows))
    return ratio_metric(np.array(sums, float), np.array(num_rows, float))


def spearman_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Returns Spearman's rank correlation, -1 to 1. Ties get the mean of their ranks.

    Args:
        a: one value for each position.
        b: another value for each position.

    Raises:
        ValueError: the lengths differ, or all values of one sequence are equal, so that they have
            no order.

    Example:
        >>> spearman_correlation([0.7, 0.1, 0.2], [0.5, 0.2, 0.3])
        1.0
        >>> spearman_correlation([0.7, 0.1, 0.2], [0.1, 0.7, 0.2])
        -1.0
    """
    if len(a) != len(b):
        raise ValueError(f"Sequences have lengths {len(a)} and {len(b)}; expected equal lengths.")
    mean_rank = (len(a) - 1) / 2
    x, y = ([rank - mean_rank for rank in _ranks(values)] for values in (a, b))
    scale = math.sqrt(math.fsum(u * u for u in x) * math.fsum(v * v for v in y))
    if not scale:
        raise ValueError(
            "All values of a sequence are equal, so the rank correlation is undefined."
        )
    return math.fsum(u * v for u, v in zip(x, y)) / scale


def _ranks(values: Sequence[float]) -> list[float]:
    """Returns the rank of each value, from 0; ties get the mean of their ranks."""
    ordered = sorted(values)
    first = {value: bisect.bisect_left(ordered, value) for value in set(values)}
    last = {value: bisect.bisect_right(ordered, value) - 1 for value in first}
    return [(first[value] + last[value]) / 2 for value in values]


def mean_rank(
    chat: Chat,
    pairs: Sequence[Sequence],
    distractors: Sequence[Sequence[str]],
    decoding: DecodingConfig,
) -> float:
    """Returns the mean rank of the true reply among distractors; 1 is best.

    Args:
        chat: a trained model.
        pairs: (prompt, true reply).
        distractors: for each pair, replies to other prompts.
        decoding: defines the score, see `Chat.score`. In a tie the true reply is ranked last.

    Returns:
        1 to the number of distractors plus 1.

    Raises:
        ValueError: there are no pairs.
    """
    pairs = as_pairs(pairs)
    if not pairs:
        raise ValueError("No pairs to rank; expected at least one.")
    prompts = [
        pair[0]
        for pair, wrong_replies in zip(pairs, distractors)
        for _ in range(1 + len(wrong_replies))
    ]
    replies = [
        reply
        for pair, wrong_replies in zip(pairs, distractors)
        for reply in (pair[1], *wrong_replies)
    ]
    scores = iter(chat.score(prompts, replies, decoding))
    ranks = []
    for wrong_replies in distractors:
        true_score = next(scores)
        ranks.append(1 + sum([next(scores) >= true_score for _ in wrong_replies]))
    return sum(ranks) / len(ranks)
