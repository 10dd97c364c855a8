"""Evaluates a trained model on pairs."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.data.pairs import as_pairs, prepend_context
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.comparison import PairedStats, pair_stats
from attention_seq2seq.evaluation.corpus_metrics import (
    metric_tokens,
    perplexity_stats,
    sacrebleu_stats,
    similarity_stats,
)
from attention_seq2seq.evaluation.significance import MetricStats, bootstrap_interval

log = logging.getLogger(__name__)


class Estimate(NamedTuple):
    """A metric of a model, with its confidence interval.

    Attributes:
        value: the metric.
        low: lower limit of the 95% interval; None if there is no interval.
        high: upper limit of the 95% interval; None if there is no interval.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Replies of a model, and the statistics of their metrics.

    Texts are compared by tokens that do not depend on the model, so that models with different
    tokenizers can be compared. Texts are normalized, lowercased and tokenized by the Chinese
    tokenizer of sacrebleu. A token is a single Chinese character, or other text between blanks.

    Attributes:
        prompts: distinct prompts, in the order of the pairs; with previous turns, if the model
            reads them.
        conversations: int64[prompts], index of the conversation in which each prompt first occurs.
        replies: reply of the model to each prompt.
        references: for each prompt, all replies of the pairs, as tokens separated by blanks.
        stats: statistics by metric, for metrics that are functions of sums over prompts.
        signatures: sacrebleu signatures of the metrics.
    """

    prompts: list[str]
    conversations: np.ndarray
    replies: list[str]
    references: list[list[str]]
    stats: dict[str, MetricStats]
    signatures: list[str]

    def metrics(self) -> dict[str, Estimate]:
        """Returns all metrics, with confidence intervals by resampling conversations.

        Distinct-n and the ratio of the most common reply have no interval, because a prompt that is
        drawn twice would repeat its reply. Metrics that are equal for all resamples also have
        no interval.
        """
        estimates = {}
        for name, stats in self.stats.items():
            limits = bootstrap_interval(stats.group_by(self.conversations)) or ()
            estimates[name] = Estimate(stats.value, *limits)
        replies = [metric_tokens(reply) for reply in self.replies]
        for n in (1, 2):
            if any(len(reply) >= n for reply in replies):
                estimates[f"distinct_{n}"] = Estimate(metrics.distinct_n(replies, n))
        estimates["most_common_ratio"] = Estimate(metrics.most_common_ratio(replies))
        return estimates

    def compare(self, baseline: "Evaluation") -> dict[str, PairedStats]:
        """Returns the paired statistics of all metrics that can be compared.

        Raises:
            ValueError: the prompts or their references differ.
        """
        if (self.prompts, self.references) != (baseline.prompts, baseline.references):
            raise ValueError(
                "Cannot compare the evaluations: their prompts or references differ. Evaluate "
                "both models on the same pairs and with the same context_turns."
            )
        pairs = {}
        for name in self.stats:
            if pair := pair_stats(name, self.stats, baseline.stats, self.conversations):
                pairs[name] = pair
        return pairs


def evaluate(
    chat: Chat, pairs: Sequence[Sequence], decoding: DecodingConfig | None = None
) -> Evaluation:
    """Evaluates the replies of a model to the prompts of pairs.

    Args:
        chat: a trained model.
        pairs: (prompt, reply), or `Pair`s with conversation indices, in order. A prompt may
            occur in several pairs. Pairs with an empty reply are skipped with a warning.
        decoding: options of decoding; greedy search by default.

    Returns:
        The replies and the statistics of their metrics.

    Raises:
        ValueError: there are no pairs, or an element is not a pair.

    Example:
        >>> from attention_seq2seq.training.api import train
        >>> pairs, directory = [("你好", "你好呀"), ("吃什么", "吃烤鸭")], getfixture("tmp_path")
        >>> history = train(pairs, directory, progress=False)
        >>> evaluation = evaluate(Chat.load(directory), pairs)
        >>> evaluation.references
        [['你 好 呀'], ['吃 烤 鸭']]
        >>> evaluation.metrics()["perplexity"].value < 20
        True
    """
    expected, conversations, num_skipped = defaultdict(dict), {}, 0
    pairs = as_pairs(pairs)
    pairs_in_context = prepend_context(pairs, chat.config.text.context_turns)
    for prompt, reply, conversation in pairs_in_context:
        if tokens := metric_tokens(reply):
            expected[prompt].setdefault(" ".join(tokens), reply)
            conversations.setdefault(prompt, conversation)
        else:
            num_skipped += 1
    if not expected:
        raise ValueError(
            f"No pairs to evaluate: {len(pairs)} given, {num_skipped} with an empty reply. Give at "
            "least one pair with a non-empty reply."
        )
    if num_skipped:
        log.warning("Skipped %d pairs with an empty reply", num_skipped)
    prompts = list(expected)
    reference_texts = [list(texts.values()) for texts in expected.values()]
    references = [list(tokenized) for tokenized in expected.values()]
    replies = [reply.text for reply in chat.reply(prompts, decoding)]
    reply_tokens = [metric_tokens(reply) for reply in replies]
    ngram_stats, signatures = sacrebleu_stats(reply_tokens, references)
    stats = {
        **perplexity_stats(chat, prompts, reference_texts),
        **similarity_stats(prompts, reply_tokens, references),
        **ngram_stats,
    }
    conversation_ids = np.array([conversations[prompt] for prompt in prompts])
    return Evaluation(prompts, conversation_ids, replies, references, stats, signatures)


def exact_match_rate(chat: Chat, pairs: Sequence[Sequence], batch_size: int = 64) -> float:
    """Returns the fraction of pairs for which the model's reply equals the reply of the pair.

    Args:
        chat: a trained model.
        pairs: (prompt, reply) tuples.
        batch_size: number of prompts per batch.

    Returns:
        A value between 0 and 1.

    Raises:
        ValueError: there are no pairs, or an element is not a pair.
    """
    pairs, replies = as_pairs(pairs), []
    for start in range(0, len(pairs), batch_size):
        prompts = [pair[0] for pair in pairs[start : start + batch_size]]
        replies.extend(reply.tokens for reply in chat.reply(prompts))
    return metrics.exact_match(replies, [chat.tokenizer.target.tokenize(pair[1]) for pair in pairs])


def unambiguous_pairs(pairs: Sequence[Sequence]) -> list[Sequence]:
    """Returns the pairs whose prompt has a single reply, which allow an exact match.

    Example:
        >>> unambiguous_pairs([("吃什么", "吃面"), ("喝什么", "喝茶"), ("喝什么", "喝水")])
        [('吃什么', '吃面')]
    """
    replies = defaultdict(set)
    for prompt, reply, *_ in pairs:
        replies[prompt].add(reply)
    return [pair for pair in pairs if len(replies[pair[0]]) == 1]
