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
    places = set_aside(len(conversations), validation_fraction, seed)
    chosen = {conversations[place] for place in places}
    training = [pair for pair in pairs if pair.conversation not in chosen]
    known = {(pair.prompt, pair.reply) for pair in training}
    aside = [pair for pair in pairs if pair.conversation in chosen]
    validation = [pair for pair in aside if (pair.prompt, pair.reply) not in known]
    return Split(training, validation, len(aside) - len(validation))


def set_aside(num_conversations: int, validation_fraction: float, seed: int) -> list[int]:
    """Which of so many conversations are set aside for validation, counted from 0.

    Args:
        num_conversations: of the corpus.
        validation_fraction: share of them, rounded; at least one stays in training.
        seed: the same seed and number give the same choice.
    """
    num_validation = round(validation_fraction * num_conversations)
    num_validation = max(0, min(num_validation, num_conversations - 1))
    return random.Random(seed).sample(range(num_conversations), num_validation)
