"""A trained model and pairs to numbers."""

from collections import defaultdict
from collections.abc import Sequence

from attention_seq2seq.chat import Chat
from attention_seq2seq.decoding_config import DecodingConfig
from attention_seq2seq.metrics import exact_match


def exact_replies(chat: Chat, pairs: Sequence[Sequence], batch_size: int = 64) -> float:
    """The share of prompts that a model answers word for word as the pairs do.

    Args:
        chat: a trained model.
        pairs: (prompt, reply).
        batch_size: prompts answered at once.

    Raises:
        ValueError: there are no pairs.
    """
    replies = []
    for first in range(0, len(pairs), batch_size):
        prompts = [pair[0] for pair in pairs[first : first + batch_size]]
        replies.extend(reply.tokens for reply in chat.reply(prompts))
    return exact_match(replies, [chat.codec.reply_words(pair[1]) for pair in pairs])


def with_one_reply(pairs: Sequence[Sequence]) -> list[Sequence]:
    """The pairs whose prompt has only one reply: those that can be answered exactly at all."""
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
        decoding: whose score orders them, see `Chat.scores`. Of equal ones the true one comes
            last.
    """
    prompts = [pair[0] for pair, wrong in zip(pairs, others) for _ in range(1 + len(wrong))]
    replies = [reply for pair, wrong in zip(pairs, others) for reply in (pair[1], *wrong)]
    scores = iter(chat.scores(prompts, replies, decoding))
    ranks = []
    for wrong in others:
        true = next(scores)
        ranks.append(1 + sum([next(scores) >= true for _ in wrong]))
    return sum(ranks) / len(ranks)
