"""Reads the corpora and prompt files of a command."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attention_seq2seq.config.artifacts import MANIFEST_FILE, PROVENANCE_FILE
from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines, read_json


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


def require_corpus_files(paths: Sequence[str]) -> None:
    """Checks that paths do not name a prepared dataset.

    Raises:
        ValueError: a path is a prepared dataset.
    """
    for path in paths:
        if (Path(path) / MANIFEST_FILE).is_file():
            raise ValueError(
                f"--data={path} is a prepared dataset, which only train reads. Give corpus files, "
                "such as those it was prepared from."
            )


def is_trained_on_default_corpus(model_dir: str) -> bool:
    """Returns whether the training pairs of a model are those of the default corpus."""
    from attention_seq2seq.data.default_corpus import default_corpus
    from attention_seq2seq.data.pairs import prepend_context
    from attention_seq2seq.training.provenance import hash_rows

    config = Config.load(model_dir)
    expected = read_json(Path(model_dir) / PROVENANCE_FILE).get("sha256_of_training_pairs")
    pairs = prepend_context(default_corpus().training, config.text.context_turns)
    return expected == hash_rows(pair[:2] for pair in pairs)


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
        ValueError: there is no such file, it is a directory, or a line is not UTF-8.
    """
    if path is None:
        yield iter_text_lines(sys.stdin.buffer, "standard input")
        return
    if Path(path).is_dir():
        raise ValueError(f"{path} is a directory. Expected a file with one prompt per line.")
    if not Path(path).exists():
        raise ValueError(f"{path}: no such file. Expected a file with one prompt per line.")
    with Path(path).open("rb") as file:
        yield iter_text_lines(file, path)
