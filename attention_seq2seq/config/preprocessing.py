"""Options of preprocessing."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option

FILTERS = {
    "duplicates": "repeated pairs",
    "common_replies": "pairs whose reply has occurred max_reply_count times",
    "echoes": "replies equal to their prompt",
    "short": "prompts or replies with fewer than min_length tokens",
    "traditional": "prompts or replies in traditional characters",
    "simplified": "prompts or replies in simplified characters",
    "not_chinese": "prompts or replies without Chinese characters",
    "mojibake": "prompts or replies damaged by a wrong encoding",
}


@dataclasses.dataclass(frozen=True)
class PreprocessingConfig(ConfigBase):
    """Filters and shuffling of the pairs of a prepared dataset.

    Raises:
        ValueError: `filters` names an unknown filter.
    """

    filters: tuple = option(
        (),
        "names of filters that remove pairs: "
        + "; ".join(f"{name} ({what})" for name, what in FILTERS.items()),
        choices=FILTERS,
    )
    max_reply_count: int = option(
        100,
        "filter common_replies: maximum number of occurrences of a reply",
        low=1,
    )
    min_length: int = option(
        2, "filter short: minimum length of a prompt and of a reply", unit="tokens", low=1
    )
    seed: int = option(
        1,
        "random seed of shuffling and of the validation split",
        low=0,
        high=2**31 - 1,
    )
    num_workers: int = option(
        0,
        "number of worker processes; 0: one per core; the result does not depend on it",
        low=0,
        high=1024,
    )
