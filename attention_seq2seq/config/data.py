"""Options of the training data."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option


@dataclasses.dataclass(frozen=True)
class DataConfig(ConfigBase):
    """The corpus, and limits on the length of its pairs."""

    data: tuple = option(
        (),
        "prepared dataset, or corpus files in TSV, JSONL, .conv, chatterbot YAML, or the JSON of "
        "LCCC, KdConv or CrossWOZ; plain or gzip, detected by content; if "
        "omitted, the default corpus of small talk and meals",
        unit="paths",
    )
    data_license: str = option("", "license and source of the corpus, for the model card")
    skip_bad_lines: bool = option(
        False, "whether to skip and count malformed lines instead of raising an error"
    )
    validation_fraction: float = option(
        0.05,
        "fraction of the conversations held out for validation; the default corpus has its "
        "own held-out meals",
        low=0.0,
        high=0.5,
    )
    max_source_length: int = option(
        60,
        "maximum length of a prompt; longer prompts are excluded from training and "
        "truncated at inference",
        unit="tokens",
        low=1,
    )
    max_target_length: int = option(
        60,
        "maximum length of a reply; longer replies are excluded from training",
        unit="tokens",
        low=1,
    )
