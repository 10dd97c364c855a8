"""What a trained model says of itself to people: its card."""

import dataclasses
import re
from importlib import metadata
from pathlib import Path

from attention_seq2seq.config.config import Config

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~$])")
_UNKNOWN = "not stated by whoever trained the model (`--data_license`)"


def render_model_card(
    config: Config, provenance: dict, measured: dict[str, float], epoch: int
) -> str:
    """The text of a model's card, as Markdown.

    Args:
        config: of the training.
        provenance: what is known of the pairs; `training_pairs` and `validation_pairs` count them.
        measured: by the weights that answer, by the names of log.csv.
        epoch: whose weights they are.

    Example:
        >>> provenance = {"training_pairs": 9, "validation_pairs": 0}
        >>> text = render_model_card(Config(), provenance, {"loss": 1.5}, epoch=3)
        >>> "| loss | 1.5 |" in text and "9 pairs" in text
        True
    """
    corpora = [corpus["name"] for corpus in provenance.get("corpora", ())]
    names = corpora or [Path(path).name for path in config.data.data]
    data = ", ".join(_escaped(name) for name in names)
    own = "the default corpus, or pairs given in Python"
    # Numbers of the pairs that chose an epoch are a little better than those of others would be.
    options = config.training
    by_them = options.restore_best_weights and f"val_{options.monitor}" in measured
    chosen = " (which chose the epoch)" if by_them else ""
    numbers = "\n".join(f"| {name} | {value:.4g} |" for name, value in measured.items())
    return f"""\
# A model that answers

An attention seq2seq model: a prompt of some words to a reply of some words. Made with
attention_seq2seq {metadata.version("attention_seq2seq")} and TensorFlow \
{metadata.version("tensorflow")}.

## What it was trained on

{provenance["training_pairs"]:,} pairs; {provenance["validation_pairs"]:,} others to measure on.
Data: {data or own}.
Licence of the data: {_escaped(config.data.data_license) or _UNKNOWN}.

It says what such pairs made likely. It knows nothing else, and what is wrong or hurtful in them it
may say as well. Of attention_seq2seq itself nothing is in here; its code is Apache-2.0.

## What was measured

After epoch {epoch}, whose weights answer; `val_` on the validation pairs{chosen}, `sample_` and
`attention_entropy` of the replies to a few fixed prompts, the others while training.

| | |
|---|---:|
{numbers}

## How it was made

All options are in config.json. Those that are not the defaults:

{_non_default_options(config) or "none."}
"""


def _non_default_options(config: Config) -> str:
    lines = []
    for group in dataclasses.fields(config):
        options = getattr(config, group.name)
        for field in dataclasses.fields(options):
            value = getattr(options, field.name)
            if value != field.default and field.name not in ("data", "data_license"):
                # Where a file lay on the machine of the training concerns nobody.
                shown = Path(value).name if field.metadata["unit"] == "path" else value
                lines.append(f"- {field.name}: {_escaped(str(shown))}")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    r"""The text as Markdown that shows it: no character is markup, line breaks are blanks.

    Example:
        >>> print(_escaped("_chat_[1].tsv"))
        \_chat\_\[1\].tsv
    """
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
