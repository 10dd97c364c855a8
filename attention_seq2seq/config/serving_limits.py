"""Limits of an exported model."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option


@dataclasses.dataclass(frozen=True)
class ServingLimits(ConfigBase):
    """Limits on one call of an exported model. A call above a limit raises an error.

    Example:
        >>> ServingLimits(max_batch_size=8).max_batch_size
        8
    """

    max_text_bytes: int = option(
        32_768,
        "maximum size of a prompt or of a reply to be scored",
        unit="bytes",
        low=1,
        high=2**20,
    )
    max_batch_bytes: int = option(
        262_144,
        "maximum size of all texts of a call",
        unit="bytes",
        low=1,
        high=2**24,
    )
    max_batch_size: int = option(1024, "maximum number of prompts of a call", low=1, high=2**16)
    max_beam_width: int = option(
        100,
        "maximum beam width and number of samples per prompt",
        unit="hypotheses",
        low=1,
        high=1000,
    )
    max_reply_length: int = option(
        1000, "maximum length of a generated or scored reply", unit="tokens", low=1, high=10_000
    )
    max_hypotheses: int = option(
        4096,
        "maximum number of hypotheses of a call: prompts times beam_width or num_return_sequences",
        low=2,
        high=2**16,
    )
    max_total_tokens: int = option(
        262_144,
        "maximum number of tokens of all hypotheses of a call: hypotheses times length",
        low=2,
        high=2**24,
    )
