"""Replies to a few fixed prompts after each epoch, and their metrics."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.evaluation.metrics import (
    distinct_n,
    most_common_ratio,
    normalized_entropy,
)
from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer

NUM_PROMPTS = 16


class SampleReply(NamedTuple):
    """A reply to a sample prompt.

    Attributes:
        prompt_words: words of the prompt.
        reply_words: words of the reply.
        text: the reply.
        attention_weights: float32[reply_words, prompt_words]; float32[reply_words, 0] without
            attention.
        row_labels: labels of the rows of the attention weights.
    """

    prompt_words: Sequence[str]
    reply_words: Sequence[str]
    text: str
    attention_weights: np.ndarray
    row_labels: Sequence[str]


def make_sample_generator(
    prompts: Sequence[str], model: Seq2Seq, tokenizer: Seq2SeqTokenizer, config: Config
) -> Callable[[], list[SampleReply]]:
    """Returns a function that replies to prompts greedily, with the model's current weights.

    Args:
        prompts: the sample prompts; prompts longer than `max_source_length` are skipped.
        model: the model being trained.
        tokenizer: the tokenizer of the model.
        config: the options of the training run.

    Raises:
        ValueError: all prompts are too long.
    """
    chat = Chat(tokenizer, model, config)
    # A prompt that is too long would be truncated with a warning after each epoch.
    max_length = config.data.max_source_length
    short_prompts = [p for p in prompts if len(tokenizer.source.tokenize(p)) <= max_length]
    if not short_prompts:
        raise ValueError(
            f"All {len(prompts)} sample prompts have more than max_source_length {max_length} "
            "tokens. Give shorter prompts."
        )

    def generate() -> list[SampleReply]:
        return [
            SampleReply(
                reply.prompt_words,
                reply.words,
                reply.text,
                reply.word_attention_weights,
                reply.word_row_labels,
            )
            for reply in chat.reply(short_prompts)
        ]

    return generate


def first_prompts(pairs: Iterable[Sequence]) -> list[str]:
    """Returns the first `NUM_PROMPTS` distinct prompts of pairs."""
    return list(dict.fromkeys(prompt for prompt, *_ in pairs))[:NUM_PROMPTS]


def sample_metrics(samples: Iterable[SampleReply]) -> dict[str, float]:
    """Computes the metrics of the sample replies.

    The metrics are sample_distinct_1, sample_distinct_2, sample_most_common_ratio and
    attention_entropy. The attention entropy is normalized: it is 1 if all words of a prompt have
    the same weight. It is the mean over all reply words whose prompt has at least two words.
    """
    samples = list(samples)
    replies = [sample.reply_words for sample in samples]
    metrics = {"sample_most_common_ratio": most_common_ratio(replies)}
    for n in (1, 2):
        has_ngrams = any(len(reply) >= n for reply in replies)
        metrics[f"sample_distinct_{n}"] = distinct_n(replies, n) if has_ngrams else 0.0
    entropies = [
        normalized_entropy(row)
        for sample in samples
        for row in sample.attention_weights
        if len(row) > 1
    ]
    if entropies:
        metrics["attention_entropy"] = float(np.mean(entropies))
    return metrics
