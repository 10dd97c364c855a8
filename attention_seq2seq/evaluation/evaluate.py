"""A trained model and pairs to numbers."""

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
from attention_seq2seq.evaluation.comparison import Compared, comparable
from attention_seq2seq.evaluation.significance import Counted, interval, ratio
from attention_seq2seq.evaluation.stats import likelihood, likeness, ngrams, tokens_of

log = logging.getLogger(__name__)


class Measured(NamedTuple):
    """A metric of a model.

    Attributes:
        value: the number.
        low: where its interval of 95 % begins; None where there is none.
        high: where it ends.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a model said to prompts, and how good that is.

    Texts are compared by their tokens, whatever the words of the model are, so that models of
    different kinds of words compare: after normalisation, in lower case, those of sacrebleu's
    Chinese tokenisation, single Chinese characters and what stands between blanks of everything
    else.

    Attributes:
        prompts: each once, in the order of the pairs; with earlier turns, if the model reads them.
        conversations: int[prompts], the number of the conversation in which each first stands.
        replies: to each prompt, the model's.
        references: for each prompt, all replies of the pairs, as tokens with blanks in between.
        counted: the metrics that are made of sums over prompts, by name.
        signatures: how sacrebleu computed its metrics, as it asks to be told.
    """

    prompts: list[str]
    conversations: np.ndarray
    replies: list[str]
    references: list[list[str]]
    counted: dict[str, Counted]
    signatures: list[str]

    def measured(self) -> dict[str, Measured]:
        """All metrics by name, with their intervals, for which conversations are drawn anew.

        Distinct-n and the share of the commonest reply have none: a prompt drawn twice would be
        a reply said twice. Nor has a metric that comes to the same whatever prompts are drawn.
        """
        found = {}
        for name, counted in self.counted.items():
            limits = interval(counted.together(self.conversations)) or ()
            found[name] = Measured(counted.value, *limits)
        tokens = [tokens_of(reply) for reply in self.replies]
        for size in (1, 2):
            if any(len(reply) >= size for reply in tokens):
                found[f"distinct_{size}"] = Measured(metrics.distinct(tokens, size))
        found["commonest"] = Measured(metrics.commonest_share(tokens))
        return found

    def beside(self, other: "Evaluation") -> dict[str, Compared]:
        """What can be compared with another model on the same prompts, by metric.

        A metric that one of them has not cannot, see `comparable`.

        Raises:
            ValueError: the prompts or their references are not the same.
        """
        if (self.prompts, self.references) != (other.prompts, other.references):
            raise ValueError(
                "the two models were not asked the same prompts, or other replies were expected: "
                "evaluate both on the same pairs. Models that read different numbers of earlier "
                "turns (context_turns) cannot be compared so."
            )
        found = {}
        for name in self.counted:
            if both := comparable(name, self.counted, other.counted, self.conversations):
                found[name] = both
        return found


def evaluate(
    chat: Chat, pairs: Sequence[Sequence], decoding: DecodingConfig | None = None
) -> Evaluation:
    """Asks a model the prompts of pairs, and compares what it says with their replies.

    Args:
        chat: a trained model.
        pairs: (prompt, reply), or `Pair` with the number of its conversation, in its order; a
            prompt may stand in several. A reply without a token is left out, and counted.
        decoding: how it answers; greedily by default.

    Returns:
        What it said, and what that comes to.

    Raises:
        ValueError: there are no pairs, or an element is no pair.

    Example:
        >>> from attention_seq2seq.training.api import train
        >>> pairs, folder = [("你好", "你好呀"), ("吃什么", "吃烤鸭")], getfixture("tmp_path")
        >>> history = train(pairs, folder, progress=False)
        >>> found = evaluate(Chat.load(folder), pairs)
        >>> found.references
        [['你 好 呀'], ['吃 烤 鸭']]
        >>> found.measured()["perplexity"].value < 20
        True
    """
    expected, conversations, left_out = defaultdict(dict), {}, 0
    pairs = as_pairs(pairs)
    in_context = prepend_context(pairs, chat.config.text.context_turns)
    for prompt, reply, conversation in in_context:
        if tokens := tokens_of(reply):
            expected[prompt].setdefault(" ".join(tokens), reply)
            conversations.setdefault(prompt, conversation)
        else:
            left_out += 1
    if not expected:
        raise ValueError(
            f"no pairs to evaluate on: {len(pairs)} given, {left_out} of them without a word in "
            "the reply; expected at least one that has some."
        )
    if left_out:
        log.warning("%d pairs left out: no word in the reply", left_out)
    prompts, texts = list(expected), [list(of_one.values()) for of_one in expected.values()]
    references = [list(of_one) for of_one in expected.values()]
    replies = [reply.text for reply in chat.reply(prompts, decoding)]
    said = [tokens_of(reply) for reply in replies]
    of_ngrams, signatures = ngrams(said, references)
    counted = {
        **likelihood(chat, prompts, texts),
        **likeness(prompts, said, references),
        **of_ngrams,
    }
    numbers = np.array([conversations[prompt] for prompt in prompts])
    return Evaluation(prompts, numbers, replies, references, counted, signatures)


def agreement(
    chat: Chat, prompts: Sequence[str], decoding: DecodingConfig | None = None
) -> Counted:
    """How near the places where a model looks come to those that it needs.

    For each word of its replies, and their end, the rank correlation (Spearman's) of the attention
    weights with the contributions of the prompt's words; the mean over all whose rows have an
    order. In long prompts most words have hardly any weight and no contribution, and their order
    is nearly chance: only prompts of like lengths compare.

    Args:
        chat: a trained model with attention.
        prompts: what it is asked.
        decoding: how it answers; greedily by default.

    Returns:
        The metric, -1 to 1, with what each prompt adds to it.

    Raises:
        ValueError: the model has no attention.
    """
    if not chat.model.has_attention:
        raise ValueError("agreement: a model without attention looks nowhere; leave it out.")
    found, of = [], []
    for reply in chat.reply(prompts, decoding):
        ordered = [
            (looked, needed)
            for looked, needed in zip(reply.attention_weights, reply.contributions)
            if len(set(looked)) > 1 and len(set(needed)) > 1
        ]
        found.append(sum(metrics.rank_correlation(*rows) for rows in ordered))
        of.append(len(ordered))
    return ratio(np.array(found, float), np.array(of, float))


def exact_replies(chat: Chat, pairs: Sequence[Sequence], batch_size: int = 64) -> float:
    """The share of prompts that a model answers word for word as the pairs do.

    Args:
        chat: a trained model.
        pairs: (prompt, reply).
        batch_size: prompts answered at once.

    Returns:
        0 to 1.

    Raises:
        ValueError: there are no pairs, or an element is no pair.
    """
    pairs, replies = as_pairs(pairs), []
    for first in range(0, len(pairs), batch_size):
        prompts = [pair[0] for pair in pairs[first : first + batch_size]]
        replies.extend(reply.tokens for reply in chat.reply(prompts))
    return metrics.exact_match(replies, [chat.tokenizer.target.tokenize(pair[1]) for pair in pairs])


def with_one_reply(pairs: Sequence[Sequence]) -> list[Sequence]:
    """The pairs whose prompt has only one reply: those that can be answered exactly at all.

    Example:
        >>> with_one_reply([("吃什么", "吃面"), ("喝什么", "喝茶"), ("喝什么", "喝水")])
        [('吃什么', '吃面')]
    """
    replies = defaultdict(set)
    for prompt, reply, *_ in pairs:
        replies[prompt].add(reply)
    return [pair for pair in pairs if len(replies[pair[0]]) == 1]


def mean_rank(
    chat: Chat,
    pairs: Sequence[Sequence],
    others: Sequence[Sequence[str]],
    decoding: DecodingConfig,
) -> float:
    """Where the true reply stands among others, on average: 1 is always first.

    Args:
        chat: a trained model.
        pairs: (prompt, true reply).
        others: for each pair, replies that are not to its prompt.
        decoding: whose score orders them, see `Chat.score`. Of equal ones the true one comes
            last.

    Returns:
        1 to one more than there are others.

    Raises:
        ValueError: there are no pairs.
    """
    pairs = as_pairs(pairs)
    if not pairs:
        raise ValueError("no pairs, so no ranks; expected at least one.")
    prompts = [pair[0] for pair, wrong in zip(pairs, others) for _ in range(1 + len(wrong))]
    replies = [reply for pair, wrong in zip(pairs, others) for reply in (pair[1], *wrong)]
    scores = iter(chat.score(prompts, replies, decoding))
    ranks = []
    for wrong in others:
        true = next(scores)
        ranks.append(1 + sum([next(scores) >= true for _ in wrong]))
    return sum(ranks) / len(ranks)
