"""Splits a corpus into training and validation pairs."""

import random
from collections.abc import Sequence

from attention_seq2seq.data.pairs import Pair, Split


def split_by_conversation(pairs: Sequence[Pair], validation_fraction: float, seed: int) -> Split:
    """Splits pairs into training and validation pairs by conversation, reproducibly.

    Turns of a conversation are similar, so a conversation is never divided. Validation pairs that
    also occur in training are dropped and counted.

    Args:
        pairs: all pairs.
        validation_fraction: fraction of validation conversations, rounded; at least one
            conversation remains for training.
        seed: random seed; the same seed and pairs give the same split.
    """
    conversations = sorted({pair.conversation for pair in pairs})
    indices = sample_validation_conversations(len(conversations), validation_fraction, seed)
    sampled = {conversations[index] for index in indices}
    training = [pair for pair in pairs if pair.conversation not in sampled]
    training_texts = {(pair.prompt, pair.reply) for pair in training}
    candidates = [pair for pair in pairs if pair.conversation in sampled]
    validation = [pair for pair in candidates if (pair.prompt, pair.reply) not in training_texts]
    return Split(training, validation, len(candidates) - len(validation))


def sample_validation_conversations(
    num_conversations: int, validation_fraction: float, seed: int
) -> list[int]:
    """Returns the indices of the validation conversations.

    Args:
        num_conversations: number of conversations in the corpus.
        validation_fraction: fraction of validation conversations, rounded; at least one
            conversation remains for training.
        seed: random seed; the same seed and number give the same sample.
    """
    num_validation = round(validation_fraction * num_conversations)
    num_validation = max(0, min(num_validation, num_conversations - 1))
    return random.Random(seed).sample(range(num_conversations), num_validation)
