"""The model card: data, metrics and options of a trained model, as Markdown."""

import dataclasses
import re
from pathlib import Path

import tensorflow as tf

from attention_seq2seq import __version__
from attention_seq2seq.config.config import Config

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~$])")
_UNKNOWN = "not stated (`data_license`)"


def render_model_card(
    config: Config, provenance: dict, metrics: dict[str, float], epoch: int
) -> str:
    """Renders the model card.

    Args:
        config: the options of the training run.
        provenance: number and hashes of the inputs.
        metrics: the metrics of the epoch, by their names in log.csv.
        epoch: index of the epoch whose weights are used, from 1.

    Returns:
        The card as Markdown.

    Example:
        >>> provenance = {"training_pairs": 9, "validation_pairs": 0}
        >>> text = render_model_card(Config(), provenance, {"loss": 1.5}, epoch=3)
        >>> "| loss | 1.5 |" in text and "9 for training" in text
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
    note = ", which also selected the epoch" if is_selected else ""
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in metrics.items())
    return f"""\
# Model card

An attention seq2seq chat model, trained with attention_seq2seq
{__version__} and TensorFlow {tf.__version__}.

## Training data

- Pairs: {provenance["training_pairs"]:,} for training, \
{provenance["validation_pairs"]:,} for validation
- Data: {data or default_data}
- License: {_escaped(config.data.data_license) or _UNKNOWN}

## Intended use and limitations

The model replies like the pairs that it was trained on, and has no other knowledge. It may repeat
errors and offensive content of these pairs. It contains no code of attention_seq2seq, which is
licensed under Apache-2.0.

## Metrics

The weights are those of epoch {epoch}. Metrics `val_` are computed on the validation pairs{note}.
Metrics `sample_` and `attention_entropy` are computed on the replies to the sample prompts, the
others on the training pairs.

| metric | value |
|---|---:|
{rows}

## Options

Options that differ from their defaults; config.json has all options:

{_non_default_options(config) or "None"}
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
