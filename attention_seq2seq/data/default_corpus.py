"""Default corpus of small talk from the package chatterbot-corpus and meal dialogues."""

from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from attention_seq2seq.data.pairs import Pair, Split
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.data.synthetic.meals import meal_dialogues

LICENSE = (
    "small talk of chatterbot-corpus, BSD-3-Clause; generated questions about meals, Apache-2.0"
)


def small_talk() -> list[Pair]:
    """Returns the 552 pairs of the Chinese part of chatterbot-corpus (BSD)."""
    directory = files("chatterbot_corpus") / "data" / "chinese"
    paths = sorted(str(path) for path in directory.iterdir() if path.name.endswith(".yml"))
    pairs, _ = read_pairs(paths)
    return pairs


def default_corpus() -> Split:
    """Returns small talk, which can only be memorized, and meal dialogues, which generalize.

    Returns:
        Small talk and meal dialogues for training, and held-out meals for validation.

    Example:
        >>> corpus = default_corpus()
        >>> len(corpus.training), len(corpus.validation)
        (1272, 144)
    """
    talk, meals = small_talk(), meal_dialogues()
    offset = talk[-1].conversation + 1
    return Split(
        talk + [pair._replace(conversation=offset + pair.conversation) for pair in meals.training],
        [pair._replace(conversation=offset + pair.conversation) for pair in meals.validation],
    )


def load_corpus(
    paths: Sequence[str | Path], skip_bad_lines: bool, validation_fraction: float, seed: int
) -> tuple[Split, Counter]:
    """Loads the default corpus, or files split by conversation.

    Args:
        paths: corpus files; empty: the default corpus, which has a fixed split.
        skip_bad_lines: whether to skip and count malformed lines instead of raising an error.
        validation_fraction: fraction of the conversations held out for validation.
        seed: random seed of the split.

    Returns:
        Training and validation pairs, and the number of skipped lines by reason.
    """
    if not paths:
        return default_corpus(), Counter()
    pairs, skipped_lines = read_pairs(paths, skip_bad_lines)
    return split_by_conversation(pairs, validation_fraction, seed), skipped_lines
