"""String reversal: a task that shows whether attention learns to align.

Each token of the reply is found at one known position of the prompt, the mirrored one. A model
that reverses unseen strings of many lengths has learned to find it.
"""

import random
import string

from attention_seq2seq.data.pairs import Pair

SYMBOLS = string.ascii_lowercase[:20]
MIN_LENGTH, MAX_LENGTH = 8, 16


def random_strings(
    num_strings: int, seed: int, min_length: int = MIN_LENGTH, max_length: int = MAX_LENGTH
) -> list[str]:
    """Returns distinct random strings of symbols.

    Args:
        num_strings: number of strings.
        seed: the same seed gives the same strings.
        min_length: the fewest symbols of a string.
        max_length: the most symbols of a string.

    Raises:
        ValueError: there are fewer distinct strings of these lengths.

    Example:
        >>> [len(text) for text in random_strings(3, seed=1, min_length=2, max_length=2)]
        [2, 2, 2]
    """
    if num_strings > sum(len(SYMBOLS) ** length for length in range(min_length, max_length + 1)):
        raise ValueError(
            f"Cannot generate {num_strings} distinct strings of {min_length} to {max_length} "
            "symbols. Lower num_strings, or raise max_length."
        )
    rng = random.Random(seed)
    strings = {}
    while len(strings) < num_strings:
        symbols = rng.choices(SYMBOLS, k=rng.randint(min_length, max_length))
        strings["".join(symbols)] = None
    return list(strings)


def reversal_pairs(num_pairs: int, seed: int) -> list[Pair]:
    """Returns pairs of distinct random strings and their reversals.

    Args:
        num_pairs: number of pairs.
        seed: the same seed gives the same strings.

    Example:
        >>> pair = reversal_pairs(1, seed=1)[0]
        >>> pair.prompt == pair.reply[::-1]
        True
    """
    strings = random_strings(num_pairs, seed)
    return [Pair(text, text[::-1], index) for index, text in enumerate(strings)]
