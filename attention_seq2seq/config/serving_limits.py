"""Limits of an exported model: what it can answer in bounded time and memory."""

import dataclasses

from attention_seq2seq.config.options import Options, option


@dataclasses.dataclass(frozen=True)
class ServingLimits(Options):
    """The most that one call of an exported model accepts.

    A call above a limit is rejected with an error. Any bytes below the limits are answered.

    Example:
        >>> ServingLimits(max_batch_size=8).max_batch_size
        8
    """

    max_text_bytes: int = option(
        32_768, "of one prompt, or of one reply to be scored", unit="bytes", low=1, high=2**20
    )
    max_batch_bytes: int = option(
        262_144,
        "of all texts of one call together",
        unit="bytes",
        low=1,
        high=2**24,
    )
    max_batch_size: int = option(1024, "prompts of one call", unit="prompts", low=1, high=2**16)
    max_beam_width: int = option(
        100, "of a beam, and samples of one prompt", unit="hypotheses", low=1, high=1000
    )
    max_reply_length: int = option(
        1000, "of a reply searched for or scored", unit="words", low=1, high=10_000
    )
    max_hypotheses: int = option(
        4096,
        "hypotheses of one call together: prompts times beam_width, or times num_return_sequences",
        unit="hypotheses",
        low=2,
        high=2**16,
    )
    max_total_tokens: int = option(
        262_144,
        "words of all hypotheses of one call together: rows times the longest reply",
        unit="words",
        low=2,
        high=2**24,
    )
