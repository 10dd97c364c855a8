"""What a training writes into the model's folder on its way."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.artifacts import (
    BEST_WEIGHTS_FILE,
    HISTORY_FILE,
    LAST_WEIGHTS_FILE,
    NONFINITE_BATCH_FILE,
)
from attention_seq2seq.models.weights import save_arrays
from attention_seq2seq.text.seq2seq_tokenizer import Codec
from attention_seq2seq.training.training_files import record_also
from attention_seq2seq.utils.files import write_text


class Results:
    """Writes weights, the log, and the batch that a training broke off at.

    Args:
        folder: of the model.
        codec: of its words.
    """

    def __init__(self, folder: Path, codec: Codec):
        self._folder, self._codec = folder, codec

    def write_epoch(
        self,
        weights: Mapping[str, np.ndarray],
        is_best: bool,
        history: Sequence[Mapping[str, float]],
    ) -> None:
        """After an epoch.

        Args:
            weights: at its end.
            is_best: whether none was better.
            history: what was measured after each epoch so far.
        """
        save_arrays(weights, self._folder / LAST_WEIGHTS_FILE)
        if is_best:
            save_arrays(weights, self._folder / BEST_WEIGHTS_FILE)
        text = io.StringIO()
        writer = csv.DictWriter(text, ["epoch", *history[0]], lineterminator="\n")
        writer.writeheader()
        for number, measured in enumerate(history, 1):
            writer.writerow({"epoch": number, **measured})
        write_text(self._folder / HISTORY_FILE, text.getvalue())

    def write_nonfinite_batch(
        self, group: Iterable[dict], weights: Mapping[str, np.ndarray]
    ) -> None:
        """The pairs of an update whose loss is no number, and the weights before it."""
        save_arrays(weights, self._folder / LAST_WEIGHTS_FILE)
        sides = self._codec.source_vocabulary, self._codec.target_vocabulary
        lines = []
        for batch in group:
            rows = (batch[name].numpy() for name in ("source_ids", "target_ids"))
            for ids in zip(*rows):
                words = (side.words(i for i in row if i) for side, row in zip(sides, ids))
                lines.append("\t".join(map(" ".join, words)) + "\n")
        record_also(self._folder, NONFINITE_BATCH_FILE)
        write_text(self._folder / NONFINITE_BATCH_FILE, "".join(lines))
