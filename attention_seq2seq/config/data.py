"""Options of the training data."""

import dataclasses

from attention_seq2seq.config.options import Options, option


@dataclasses.dataclass(frozen=True)
class DataConfig(Options):
    """Which pairs are read, and which of them are kept."""

    data: tuple = option(
        (),
        "a folder that prepare.py has written, or corpus files: TSV pairs, JSONL, .conv, the JSON "
        "of LCCC, KdConv or CrossWOZ, chatterbot YAML; plain or gzip, told apart by their content; "
        "none: the default corpus (small talk and meal talk)",
        unit="paths",
    )
    data_license: str = option(
        "", "the licence of the corpus and where it comes from, for the card of the model"
    )
    skip_bad_lines: bool = option(
        False, "leave out lines that cannot be read, and count them, instead of stopping"
    )
    validation_fraction: float = option(
        0.05,
        "share of the conversations set aside for validation (the default corpus brings its own "
        "held-out meals instead)",
        low=0.0,
        high=0.5,
    )
    max_source_length: int = option(
        60, "longer prompts are left out of training, and cut in answering", unit="words", low=1
    )
    max_target_length: int = option(
        60, "longer replies are left out of training; no reply grows longer", unit="words", low=1
    )
