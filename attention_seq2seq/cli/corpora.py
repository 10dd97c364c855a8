"""Reads the corpora and prompt files of a command."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines


def load_training_corpus(config: Config):
    """Loads the training and validation pairs of a model from its corpus.

    Args:
        config: the options of the training run.

    Returns:
        The `Split`.
    """
    from attention_seq2seq.data.default_corpus import load_corpus
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    data, seed = config.data, config.training.seed
    if is_prepared_dir(data.data):
        prepared = PreparedDataset.load(data.data[0])
        data, seed = prepared.data, prepared.preprocessing.seed
    corpus, skipped = load_corpus(data.data, data.skip_bad_lines, data.validation_fraction, seed)
    print_skipped_lines(skipped)
    return corpus


def print_skipped_lines(skipped: Mapping[str, int]) -> None:
    """Prints the number of malformed lines that were skipped, by reason."""
    for reason, count in skipped.items():
        print(f"Skipped {count} malformed lines: {reason}")


@contextlib.contextmanager
def open_prompts(path: str | None) -> Iterator[Iterator[str]]:
    """Opens a file of prompts, one per line.

    Args:
        path: UTF-8 file, plain or gzip; None: standard input.

    Yields:
        An iterator over the lines.

    Raises:
        ValueError: there is no such file, or a line is not UTF-8.
    """
    if path is None:
        yield iter_text_lines(sys.stdin.buffer, "standard input")
        return
    if not Path(path).exists() or Path(path).is_dir():
        raise ValueError(f"{path}: no such file. Expected a file with one prompt per line.")
    with Path(path).open("rb") as file:
        yield iter_text_lines(file, path)
