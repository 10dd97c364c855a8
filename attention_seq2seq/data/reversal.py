"""Strings to be reversed: a task that shows whether attention learns to look.

The word to say next is always at one known place of the prompt, the mirrored one, and nowhere
else; a model that solves unseen strings of many lengths has learnt to find it.
"""

import random
import string

from attention_seq2seq.data.pairs import Pair

SYMBOLS = string.ascii_lowercase[:20]
SHORTEST, LONGEST = 8, 16


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
    draw = random.Random(seed)
    strings = {}
    while len(strings) < num_pairs:
        symbols = draw.choices(SYMBOLS, k=draw.randint(SHORTEST, LONGEST))
        strings["".join(symbols)] = None
    return [Pair(text, text[::-1], number) for number, text in enumerate(strings)]
