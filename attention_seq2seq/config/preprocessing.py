"""How corpora are prepared: what is left out of them, and by how many processes."""

import dataclasses

from attention_seq2seq.config.options import Options, option

CLEANINGS = {
    "duplicates": "a pair that occurred before",
    "common_replies": "pairs whose reply occurred reply_cap times before",
    "echoes": "pairs whose reply is their prompt",
    "short": "pairs with a side of fewer than min_length words",
    "traditional": "pairs with a side in traditional characters",
    "simplified": "pairs with a side in simplified characters",
    "not_chinese": "pairs with a side without any Chinese character",
    "mojibake": "pairs with a side that a wrong encoding seems to have damaged",
}


@dataclasses.dataclass(frozen=True)
class PreparationConfig(Options):
    """What `prepare` does to corpora beside cutting them into words.

    Raises:
        ValueError: `clean` names something that is no way of cleaning.
    """

    clean: tuple = option(
        (),
        "what to leave out, any of: "
        + "; ".join(f"{name} ({what})" for name, what in CLEANINGS.items()),
        unit="names",
    )
    reply_cap: int = option(
        100,
        "with --clean=common_replies, how often the same reply may occur",
        unit="occurrences",
        low=1,
    )
    min_length: int = option(
        2, "with --clean=short, the fewest words of a prompt or reply", unit="words", low=1
    )
    seed: int = option(
        1,
        "of the order of the pairs and of what is set aside for validation",
        low=0,
        high=2**31 - 1,
    )
    processes: int = option(
        0,
        "processes that work at once; 0: as many as there are cores; they change nothing in the "
        "result",
        unit="processes",
        low=0,
        high=1024,
    )

    def __post_init__(self):
        super().__post_init__()
        for name in self.clean:
            if name not in CLEANINGS:
                raise ValueError(f"clean names {name!r}; choose any of {', '.join(CLEANINGS)}.")
