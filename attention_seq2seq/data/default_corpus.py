"""The default corpus: small talk from the package chatterbot-corpus, and meal talk."""

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from attention_seq2seq.data.pairs import Pair, Split
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.data.synthetic.meals import meal_talk

LICENCE = (
    "small talk of chatterbot-corpus, BSD-3-Clause; generated questions about meals, Apache-2.0"
)


def small_talk() -> list[Pair]:
    """The Chinese part of chatterbot-corpus (BSD), read where the package lies: 552 pairs."""
    folder = files("chatterbot_corpus") / "data" / "chinese"
    paths = sorted(str(path) for path in folder.iterdir() if path.name.endswith(".yml"))
    pairs, _ = read_pairs(paths)
    return pairs


def default_corpus() -> Split:
    """Small talk, which can only be memorised, and meal talk, which generalises.

    Returns:
        Small talk and meal talk to train on; the held-out meals to validate on.

    Example:
        >>> corpus = default_corpus()
        >>> len(corpus.training), len(corpus.validation)
        (1272, 144)
    """
    talk, meals = small_talk(), meal_talk()
    first = talk[-1].conversation + 1
    return Split(
        talk + [pair._replace(conversation=first + pair.conversation) for pair in meals.training],
        [pair._replace(conversation=first + pair.conversation) for pair in meals.validation],
    )


def load_corpus(
    paths: Sequence[str | Path], skip_bad_lines: bool, validation_fraction: float, seed: int
) -> tuple[Split, Counter]:
    """The corpus of a configuration: the default one, or files split by conversation.

    Args:
        paths: corpus files; none for the default corpus, which brings its own split.
        skip_bad_lines: see `PairReader`.
        validation_fraction: see `split_by_conversation`.
        seed: of the split.

    Returns:
        Training and validation pairs, and which bad lines were left out, how often.
    """
    if not paths:
        return default_corpus(), Counter()
    pairs, skipped = read_pairs(paths, skip_bad_lines)
    return split_by_conversation(pairs, validation_fraction, seed), skipped
