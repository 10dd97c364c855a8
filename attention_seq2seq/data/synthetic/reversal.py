"""Strings to be reversed: a task that shows whether attention learns to look.

The word to say next is always at one known place of the prompt, the mirrored one, and nowhere
else; a model that solves unseen strings of many lengths has learnt to find it.
"""

import random
import string

from attention_seq2seq.data.pairs import Pair

SYMBOLS = string.ascii_lowercase[:20]
SHORTEST, LONGEST = 8, 16


def random_strings(
    num_strings: int, seed: int, shortest: int = SHORTEST, longest: int = LONGEST
) -> list[str]:
    """Strings of symbols, none twice.

    Args:
        num_strings: how many.
        seed: the same seed gives the same strings.
        shortest: the fewest symbols of one.
        longest: the most.

    Raises:
        ValueError: there are not so many different ones.

    Example:
        >>> [len(text) for text in random_strings(3, seed=1, shortest=2, longest=2)]
        [2, 2, 2]
    """
    if num_strings > sum(len(SYMBOLS) ** length for length in range(shortest, longest + 1)):
        raise ValueError(
            f"{num_strings} strings of {shortest} to {longest} symbols: there are not so many "
            "different ones. Ask for fewer, or for longer ones."
        )
    draw = random.Random(seed)
    strings = {}
    while len(strings) < num_strings:
        symbols = draw.choices(SYMBOLS, k=draw.randint(shortest, longest))
        strings["".join(symbols)] = None
    return list(strings)


def reversal(num_pairs: int, seed: int) -> list[Pair]:
    """Random strings and their reversals, no string twice.

    Args:
        num_pairs: how many.
        seed: the same seed gives the same strings.

    Example:
        >>> pair = reversal(1, seed=1)[0]
        >>> pair.prompt == pair.reply[::-1]
        True
    """
    strings = random_strings(num_pairs, seed)
    return [Pair(text, text[::-1], number) for number, text in enumerate(strings)]
