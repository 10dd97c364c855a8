"""How corpora are prepared: what is left out of them, and by how many processes."""

import dataclasses

from attention_seq2seq.config.options import Options, option

FILTERS = {
    "duplicates": "a pair that occurred before",
    "common_replies": "pairs whose reply occurred max_reply_count times before",
    "echoes": "pairs whose reply is their prompt",
    "short": "pairs with a side of fewer than min_length words",
    "traditional": "pairs with a side in traditional characters",
    "simplified": "pairs with a side in simplified characters",
    "not_chinese": "pairs with a side without any Chinese character",
    "mojibake": "pairs with a side that a wrong encoding seems to have damaged",
}


@dataclasses.dataclass(frozen=True)
class PreprocessingConfig(Options):
    """How `prepare` filters and orders a corpus.

    Raises:
        ValueError: `filters` names an unknown filter.
    """

    filters: tuple = option(
        (),
        "what to leave out, any of: "
        + "; ".join(f"{name} ({what})" for name, what in FILTERS.items()),
        unit="names",
    )
    max_reply_count: int = option(
        100,
        "with --filters=common_replies, how often the same reply may occur",
        unit="occurrences",
        low=1,
    )
    min_length: int = option(
        2, "with --filters=short, the fewest words of a prompt or reply", unit="words", low=1
    )
    seed: int = option(
        1,
        "of the order of the pairs and of what is set aside for validation",
        low=0,
        high=2**31 - 1,
    )
    num_workers: int = option(
        0,
        "processes that work at once; 0: as many as there are cores; they change nothing in the "
        "result",
        unit="processes",
        low=0,
        high=1024,
    )

    def __post_init__(self):
        super().__post_init__()
        for name in self.filters:
            if name not in FILTERS:
                raise ValueError(f"filters names {name!r}; choose any of {', '.join(FILTERS)}.")
