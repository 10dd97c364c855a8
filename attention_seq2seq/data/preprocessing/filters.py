"""Which pairs of a corpus stay, and why the others go."""

import numpy as np

from attention_seq2seq.config.preprocessing import CLEANINGS, PreparationConfig
from attention_seq2seq.data.preprocessing.chunks import Chunk
from attention_seq2seq.data.preprocessing.duplicates import (
    beyond,
    both,
    first_ones,
    known_in,
    replies,
)
from attention_seq2seq.data.preprocessing.scripts import Mark
from attention_seq2seq.data.splitting import sample_validation_conversations

# Why a pair goes: a number for each reason, 0 for none. What a pair tells of itself comes before
# what the others tell of it, and its length last.
_MARKS = {
    "traditional": Mark.TRADITIONAL,
    "simplified": Mark.SIMPLIFIED,
    "not_chinese": Mark.NOT_CHINESE,
    "mojibake": Mark.MOJIBAKE,
}
REASONS = ("", "wordless", *CLEANINGS, "also_in_training", "too_long")
_NUMBERS = {name: number for number, name in enumerate(REASONS)}


class Selection:
    """Decides about each pair of a corpus, chunk by chunk, then over all of them.

    Args:
        num_pairs: of the corpus.
        config: what is to be left out.
        max_source_length: words; pairs with a longer prompt go.
        max_target_length: words; pairs with a longer reply go.

    Attributes:
        reasons: uint8[pairs], a number for each; `REASONS` tells what it means.
        aside: bool[pairs], whether it belongs to validation.
    """

    def __init__(
        self,
        num_pairs: int,
        config: PreparationConfig,
        max_source_length: int,
        max_target_length: int,
    ):
        self.config = config
        self._limits = max_source_length, max_target_length
        self.reasons = np.zeros(num_pairs, np.uint8)
        self.aside = np.zeros(num_pairs, bool)
        self._too_long = np.zeros(num_pairs, bool)

    def look_at(self, chunk: Chunk, first: int, aside: np.ndarray) -> None:
        """Decides what each pair of a chunk tells of itself.

        Args:
            chunk: some of the pairs.
            first: the place of its first pair in the corpus.
            aside: bool[conversations], which of them are set aside for validation.
        """
        place = slice(first, first + len(chunk))
        self._too_long[place] = self.too_long(chunk)
        self.aside[place] = aside[chunk.conversation]
        reasons, marks = self.reasons[place], chunk.prompt_marks | chunk.reply_marks
        # Nothing in it can be read; it would teach to say nothing.
        reasons[chunk.target_length == 0] = _NUMBERS["wordless"]
        for name in self.config.clean:
            if name in _MARKS:
                goes = marks & _MARKS[name] != 0
            elif name == "echoes":
                goes = chunk.echo
            elif name == "short":
                lengths = np.minimum(chunk.source_length, chunk.target_length)
                goes = lengths < self.config.min_length
            else:
                continue
            reasons[goes & (reasons == 0)] = _NUMBERS[name]

    def too_long(self, chunk: Chunk) -> np.ndarray:
        """bool[pairs]: which pairs of a chunk are longer than they may be."""
        max_source_length, max_target_length = self._limits
        return (chunk.source_length - chunk.unread > max_source_length) | (
            chunk.target_length > max_target_length
        )

    def look_at_all(self, hashes: np.ndarray) -> None:
        """Decides what only the others tell: which pairs are repeated, and which are known.

        Args:
            hashes: uint64[pairs, 2], see `repeats`.
        """
        pairs = both(hashes)
        if "duplicates" in self.config.clean:
            stays = self.reasons == 0
            self._remove(stays & ~first_ones(pairs, stays), "duplicates")
        if "common_replies" in self.config.clean:
            # What goes for its length does not use up what is allowed.
            stays = (self.reasons == 0) & ~self._too_long
            self._remove(beyond(replies(hashes), stays, self.config.reply_cap), "common_replies")
        # What also stands in training, with the same turns before it, is no test.
        stays = self.reasons == 0
        known = known_in(pairs, stays & self.aside, stays & ~self.aside)
        self._remove(known, "also_in_training")
        self.counted = (self.reasons == 0) & ~self.aside
        self._remove(self._too_long & (self.reasons == 0), "too_long")

    def _remove(self, rows: np.ndarray, reason: str) -> None:
        self.reasons[rows] = _NUMBERS[reason]

    def report(self) -> dict:
        """How many pairs stay, and how many go for which reason."""
        counts = np.bincount(self.reasons, minlength=len(REASONS)).tolist()
        asked_for = {"wordless", *self.config.clean, "also_in_training", "too_long"}
        stays = self.reasons == 0
        return {
            "given": len(self.reasons),
            "removed": {
                name: counts[number] for name, number in _NUMBERS.items() if name in asked_for
            },
            "training": int((stays & ~self.aside).sum()),
            "validation": int((stays & self.aside).sum()),
        }


def conversations_aside(num_conversations: int, fraction: float, seed: int) -> np.ndarray:
    """bool[conversations]: those set aside for validation, see `sample_validation_conversations`."""
    aside = np.zeros(num_conversations, bool)
    aside[sample_validation_conversations(num_conversations, fraction, seed)] = True
    return aside
