"""Which pairs of a corpus stay, and why the others go."""

import numpy as np

from attention_seq2seq.data.splitting import set_aside
from attention_seq2seq.data.writing import Mark
from attention_seq2seq.preparation.chunks import Chunk
from attention_seq2seq.preparation.repeats import REPLY, begins, begins_pair, in_groups
from attention_seq2seq.preparation_config import CLEANINGS, PreparationConfig

# Why a pair goes: a number for each reason, 0 for none. What goes for several reasons goes for
# the first of those asked for.
_MARKS = {
    "traditional": Mark.TRADITIONAL,
    "simplified": Mark.SIMPLIFIED,
    "not_chinese": Mark.NOT_CHINESE,
    "mojibake": Mark.MOJIBAKE,
}
REASONS = ("", *CLEANINGS, "too_long", "also_in_training")
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
        if "duplicates" in self.config.clean:
            for rows, own in self._staying(hashes, 0):
                self.reasons[rows[~begins_pair(own)]] = _NUMBERS["duplicates"]
        if "common_replies" in self.config.clean:
            for rows, own in self._staying(hashes, REPLY):
                order = np.lexsort((rows, own[:, REPLY]))
                rows, new = rows[order], begins(own[order, REPLY])
                starts = np.flatnonzero(new)
                times = np.arange(len(rows)) - starts[np.cumsum(new) - 1]
                self.reasons[rows[times >= self.config.reply_cap]] = _NUMBERS["common_replies"]
        # As in training from files: what also stands in training is no test.
        for rows, own in self._staying(hashes, 0):
            pair = np.cumsum(begins_pair(own)) - 1
            known = np.bincount(pair, ~self.aside[rows]) > 0
            self.reasons[rows[self.aside[rows] & known[pair]]] = _NUMBERS["also_in_training"]
        self.counted = (self.reasons == 0) & ~self.aside
        self.reasons[self._too_long & (self.reasons == 0)] = _NUMBERS["too_long"]

    def _staying(self, hashes: np.ndarray, column: int):
        for rows, own in in_groups(hashes, column):
            stays = self.reasons[rows] == 0
            if stays.any():
                yield rows[stays], own[stays]

    def report(self) -> dict:
        """How many pairs stay, and how many go for which reason."""
        counts = np.bincount(self.reasons, minlength=len(REASONS)).tolist()
        asked_for = {*self.config.clean, "too_long", "also_in_training"}
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
    """bool[conversations]: those set aside for validation, see `set_aside`."""
    aside = np.zeros(num_conversations, bool)
    aside[set_aside(num_conversations, fraction, seed)] = True
    return aside
