"""Training and validation pairs."""

import random
from collections.abc import Sequence

from attention_seq2seq.data.pairs import Pair, Split


def split_by_conversation(pairs: Sequence[Pair], validation_fraction: float, seed: int) -> Split:
    """Sets whole conversations aside for validation, reproducibly.

    The turns of one conversation resemble each other; kept together, none of them can tell what
    the others are. A pair that also stands in training would be no test: it is dropped from
    validation, and counted.

    Args:
        pairs: all pairs.
        validation_fraction: share of the conversations, rounded to the nearest number of
            them; at least one stays in training.
        seed: the same seed and pairs give the same split.
    """
    conversations = sorted({pair.conversation for pair in pairs})
    num_validation = 0
    if len(conversations) > 1:
        num_validation = round(validation_fraction * len(conversations))
        num_validation = min(num_validation, len(conversations) - 1)
    chosen = set(random.Random(seed).sample(conversations, num_validation))
    training = [pair for pair in pairs if pair.conversation not in chosen]
    known = {(pair.prompt, pair.reply) for pair in training}
    set_aside = [pair for pair in pairs if pair.conversation in chosen]
    validation = [pair for pair in set_aside if (pair.prompt, pair.reply) not in known]
    return Split(training, validation, len(set_aside) - len(validation))
