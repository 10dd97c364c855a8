"""Decides which pairs of a corpus are removed, and for which reason."""

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
# The index of a reason is stored for each pair; 0 keeps the pair. A pair is checked alone before it
# is compared with other pairs, and its length is checked last.
REMOVAL_REASONS = ("", "empty_replies", *FILTERS, "also_in_training", "too_long")
_REASON_INDEX = {reason: index for index, reason in enumerate(REMOVAL_REASONS)}


class PairFilter:
    """Decides for each pair of a corpus whether it is removed: by chunks, then over all pairs.

    Args:
        num_pairs: number of pairs in the corpus.
        config: the filters to apply.
        max_source_length: in tokens; pairs with a longer prompt are removed.
        max_target_length: in tokens; pairs with a longer reply are removed.

    Attributes:
        removal_reasons: uint8[pairs], indices of `REMOVAL_REASONS`.
        is_validation: bool[pairs], whether the pair belongs to the validation split.
        in_vocabulary_count: bool[pairs], whether the vocabulary is built from the pair; set by
            `finalize`.
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
        self._is_too_long = np.zeros(num_pairs, bool)

    def update(self, chunk: Chunk, start: int, conversation_mask: np.ndarray) -> None:
        """Applies the filters that need only the pair itself.

        Args:
            chunk: some of the pairs.
            start: the position of the chunk's first pair in the corpus.
            conversation_mask: bool[conversations], see `validation_mask`.
        """
        positions = slice(start, start + len(chunk))
        self._is_too_long[positions] = self.is_too_long(chunk)
        self.is_validation[positions] = conversation_mask[chunk.conversation]
        reasons, flags = self.removal_reasons[positions], chunk.prompt_flags | chunk.reply_flags
        # An empty reply would train the model to reply nothing.
        reasons[chunk.target_length == 0] = _REASON_INDEX["empty_replies"]
        for name in self.config.filters:
            if name in _FLAG_OF_FILTER:
                is_match = flags & _FLAG_OF_FILTER[name] != 0
            elif name == "echoes":
                is_match = chunk.is_echo
            elif name == "short":
                lengths = np.minimum(chunk.source_length, chunk.target_length)
                is_match = lengths < self.config.min_length
            else:
                continue
            reasons[is_match & (reasons == 0)] = _REASON_INDEX[name]

    def is_too_long(self, chunk: Chunk) -> np.ndarray:
        """Returns bool[pairs]: the pairs of a chunk that exceed a maximum length."""
        source_length = chunk.source_length - chunk.num_truncated
        return (source_length > self._max_source_length) | (
            chunk.target_length > self._max_target_length
        )

    def finalize(self, hashes: np.ndarray) -> None:
        """Applies the filters that compare pairs: duplicates, common replies, both splits.

        Args:
            hashes: uint64[pairs, 2], see `duplicates`.
        """
        pairs = pair_hashes(hashes)
        if "duplicates" in self.config.filters:
            is_remaining = self.removal_reasons == 0
            self._remove(is_remaining & ~first_occurrences(pairs, is_remaining), "duplicates")
        if "common_replies" in self.config.filters:
            # Pairs that are too long do not count towards the cap.
            is_remaining = (self.removal_reasons == 0) & ~self._is_too_long
            is_common = occurrences_beyond(
                hashes[:, REPLY], is_remaining, self.config.max_reply_count
            )
            self._remove(is_common, "common_replies")
        # A validation pair that training has too, with the same context, tests nothing.
        is_remaining = self.removal_reasons == 0
        is_in_training = is_in(
            pairs, is_remaining & self.is_validation, is_remaining & ~self.is_validation
        )
        self._remove(is_in_training, "also_in_training")
        self.in_vocabulary_count = (self.removal_reasons == 0) & ~self.is_validation
        self._remove(self._is_too_long & (self.removal_reasons == 0), "too_long")

    def _remove(self, mask: np.ndarray, reason: str) -> None:
        self.removal_reasons[mask] = _REASON_INDEX[reason]

    def counts(self) -> dict:
        """Returns the number of pairs in each split, and of removed pairs for each reason."""
        reason_counts = np.bincount(self.removal_reasons, minlength=len(REMOVAL_REASONS)).tolist()
        active_reasons = {"empty_replies", *self.config.filters, "also_in_training", "too_long"}
        is_remaining = self.removal_reasons == 0
        return {
            "total": len(self.removal_reasons),
            "removed": {
                reason: reason_counts[index]
                for reason, index in _REASON_INDEX.items()
                if reason in active_reasons
            },
            "training": int((is_remaining & ~self.is_validation).sum()),
            "validation": int((is_remaining & self.is_validation).sum()),
        }


def validation_mask(num_conversations: int, fraction: float, seed: int) -> np.ndarray:
    """Returns bool[conversations]: the conversations to validate on."""
    is_validation = np.zeros(num_conversations, bool)
    is_validation[sample_validation_conversations(num_conversations, fraction, seed)] = True
    return is_validation
