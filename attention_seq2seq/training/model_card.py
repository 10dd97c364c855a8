"""The model card: data, metrics and options of a trained model, as Markdown."""

import dataclasses
import re
from importlib import metadata
from pathlib import Path

from attention_seq2seq.config.config import Config

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~$])")
_UNKNOWN = "not stated (`data_license`)"


def render_model_card(
    config: Config, provenance: dict, metrics: dict[str, float], epoch: int
) -> str:
    """Renders the model card.

    Args:
        config: the options of the training.
        provenance: number and hashes of the training's inputs.
        metrics: the metrics of the epoch, by their names in log.csv.
        epoch: index of the epoch whose weights are used, from 1.

    Returns:
        The card as Markdown.

    Example:
        >>> provenance = {"training_pairs": 9, "validation_pairs": 0}
        >>> text = render_model_card(Config(), provenance, {"loss": 1.5}, epoch=3)
        >>> "| loss | 1.5 |" in text and "9 pairs" in text
        True
    """
    corpora = [corpus["name"] for corpus in provenance.get("corpora", ())]
    names = corpora or [Path(path).name for path in config.data.data]
    data = ", ".join(_escaped(name) for name in names)
    default_data = "the default corpus, or pairs given in Python"
    # Metrics of the pairs that selected the epoch are slightly better than those of new pairs.
    options = config.training
    has_selected = options.restore_best_weights and options.monitor in metrics
    is_selected = has_selected and options.monitor.startswith("val_")
    note = " (which chose the epoch)" if is_selected else ""
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in metrics.items())
    return f"""\
# A model that answers

An attention seq2seq model: a prompt of some words to a reply of some words. Made with
attention_seq2seq {metadata.version("attention_seq2seq")} and TensorFlow \
{metadata.version("tensorflow")}.

## What it was trained on

{provenance["training_pairs"]:,} pairs; {provenance["validation_pairs"]:,} others to measure on.
Data: {data or default_data}.
Licence of the data: {_escaped(config.data.data_license) or _UNKNOWN}.

It says what such pairs made likely. It knows nothing else, and what is wrong or hurtful in them it
may say as well. Of attention_seq2seq itself nothing is in here; its code is Apache-2.0.

## What was measured

After epoch {epoch}, whose weights answer; `val_` on the validation pairs{note}, `sample_` and
`attention_entropy` of the replies to a few fixed prompts, the others while training.

| | |
|---|---:|
{rows}

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
                # The card is public: it has the name of a file, not its path.
                is_path = field.metadata["unit"] == "path"
                text = str(Path(value).name if is_path else value)
                lines.append(f"- {field.name}: {_escaped(text)}")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    r"""Escapes Markdown markup in a text, and replaces line breaks by blanks.

    Example:
        >>> print(_escaped("_chat_[1].tsv"))
        \_chat\_\[1\].tsv
    """
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
