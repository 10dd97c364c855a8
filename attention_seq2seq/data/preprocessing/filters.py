"""Decides which pairs of a corpus are removed, and why."""

import numpy as np

from attention_seq2seq.config.preprocessing import FILTERS, PreprocessingConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.duplicates import (
    REPLY,
    first_occurrences,
    is_in,
    occurrences_beyond,
    pair_hashes,
)
from attention_seq2seq.data.preprocessing.text_flags import TextFlags
from attention_seq2seq.data.splitting import sample_validation_conversations

_FLAG_OF_FILTER = {
    "traditional": TextFlags.TRADITIONAL,
    "simplified": TextFlags.SIMPLIFIED,
    "not_chinese": TextFlags.NOT_CHINESE,
    "mojibake": TextFlags.MOJIBAKE,
}
# The index of a reason is stored for each pair; index 0 keeps the pair. Filters of single pairs
# come first, then comparisons with other pairs, then length limits.
REMOVAL_REASONS = ("", "empty_replies", *FILTERS, "also_in_training", "too_long")
_REASON_INDEX = {reason: index for index, reason in enumerate(REMOVAL_REASONS)}


class PairFilter:
    """Filters the pairs of a corpus: first chunk by chunk, then over all pairs.

    Args:
        num_pairs: number of pairs in the corpus.
        config: the filters to apply.
        max_source_length: maximum length of a prompt [tokens].
        max_target_length: maximum length of a reply [tokens].

    Attributes:
        removal_reasons: uint8[pairs], indices of `REMOVAL_REASONS`.
        is_validation: bool[pairs], whether the pair belongs to the validation split.
        is_too_long: bool[pairs], whether the pair exceeds a maximum length.
    """

    def __init__(
        self,
        num_pairs: int,
        config: PreprocessingConfig,
        max_source_length: int,
        max_target_length: int,
    ):
        self.config = config
        self._max_source_length = max_source_length
        self._max_target_length = max_target_length
        self.removal_reasons = np.zeros(num_pairs, np.uint8)
        self.is_validation = np.zeros(num_pairs, bool)
        self.is_too_long = np.zeros(num_pairs, bool)

    def update(self, chunk: Chunk, start: int, conversation_mask: np.ndarray) -> None:
        """Applies the filters of single pairs to a chunk.

        Args:
            chunk: the chunk.
            start: the position of the chunk's first pair in the corpus.
            conversation_mask: bool[conversations], True for validation conversations.
        """
        positions = slice(start, start + len(chunk))
        self.is_too_long[positions] = self._exceeds_limits(chunk)
        self.is_validation[positions] = conversation_mask[chunk.conversation]
        reasons, flags = self.removal_reasons[positions], chunk.prompt_flags | chunk.reply_flags
        # Empty replies would teach the model to reply nothing.
        reasons[chunk.target_length == 0] = _REASON_INDEX["empty_replies"]
        lengths = np.minimum(chunk.source_length, chunk.target_length)
        is_match = {name: flags & flag != 0 for name, flag in _FLAG_OF_FILTER.items()}
        is_match |= {"echoes": chunk.is_echo, "short": lengths < self.config.min_length}
        for name in self.config.filters:
            if name in is_match:
                reasons[is_match[name] & (reasons == 0)] = _REASON_INDEX[name]

    def finalize(self, hashes: np.ndarray) -> None:
        """Applies the filters that compare pairs: duplicates, common replies, split overlap.

        Args:
            hashes: uint64[pairs, 2], the hashes of prompts and replies.
        """
        pairs = pair_hashes(hashes)
        if "duplicates" in self.config.filters:
            is_remaining = self.removal_reasons == 0
            self._remove(is_remaining & ~first_occurrences(pairs, is_remaining), "duplicates")
        if "common_replies" in self.config.filters:
            # Pairs that are too long before words are spelled do not count towards max_reply_count.
            is_remaining = (self.removal_reasons == 0) & ~self.is_too_long
            is_common = occurrences_beyond(
                hashes[:, REPLY], is_remaining, self.config.max_reply_count
            )
            self._remove(is_common, "common_replies")
        # A validation pair that also occurs in training, with the same context, tests nothing.
        is_remaining = self.removal_reasons == 0
        is_in_training = is_in(
            pairs, is_remaining & self.is_validation, is_remaining & ~self.is_validation
        )
        self._remove(is_in_training, "also_in_training")
        self._remove(self.is_too_long & (self.removal_reasons == 0), "too_long")

    def remove_too_long(self, chunk: Chunk, start: int) -> None:
        """Removes the pairs of a chunk that are too long once words are spelled.

        Args:
            chunk: the chunk, with ids of the vocabularies.
            start: the position of the chunk's first pair in the corpus.
        """
        positions = slice(start, start + len(chunk))
        self.is_too_long[positions] = is_too_long = self._exceeds_limits(chunk)
        reasons = self.removal_reasons[positions]
        reasons[is_too_long & (reasons == 0)] = _REASON_INDEX["too_long"]

    def _exceeds_limits(self, chunk: Chunk) -> np.ndarray:
        source_length = chunk.source_length - chunk.num_truncated
        return (source_length > self._max_source_length) | (
            chunk.target_length > self._max_target_length
        )

    def _remove(self, mask: np.ndarray, reason: str) -> None:
        self.removal_reasons[mask] = _REASON_INDEX[reason]

    def in_split(self, split: str, positions: slice = slice(None)) -> np.ndarray:
        """Returns bool[pairs], the remaining pairs of a split, training or validation."""
        is_in_split = self.is_validation[positions] == (split == "validation")
        return is_in_split & (self.removal_reasons[positions] == 0)

    def in_vocabulary_count(self, positions: slice) -> np.ndarray:
        """Returns bool[pairs], the pairs that the vocabulary is built from, even if too long."""
        reasons = self.removal_reasons[positions]
        is_too_long = (reasons == _REASON_INDEX["too_long"]) & ~self.is_validation[positions]
        return self.in_split("training", positions) | is_too_long

    def counts(self) -> dict:
        """Returns the number of pairs in each split, and of removed pairs by reason."""
        reason_counts = np.bincount(self.removal_reasons, minlength=len(REMOVAL_REASONS)).tolist()
        active_reasons = {"empty_replies", *self.config.filters, "also_in_training", "too_long"}
        return {
            "total": len(self.removal_reasons),
            "removed": {
                reason: reason_counts[index]
                for reason, index in _REASON_INDEX.items()
                if reason in active_reasons
            },
            "training": int(self.in_split("training").sum()),
            "validation": int(self.in_split("validation").sum()),
        }


def validation_mask(num_conversations: int, fraction: float, seed: int) -> np.ndarray:
    """Returns bool[conversations], the validation conversations."""
    is_validation = np.zeros(num_conversations, bool)
    is_validation[sample_validation_conversations(num_conversations, fraction, seed)] = True
    return is_validation
