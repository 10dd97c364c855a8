"""What happens at the end of each batch and epoch: checkpoints, and a progress bar."""

import logging
import math
import sys
from pathlib import Path

from tensorflow import keras

from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.model.weights import save_weights

log = logging.getLogger(__name__)

BEST, LAST = "best.npz", "last.npz"
_PERPLEXITY = "val_perplexity"


class Checkpoints(keras.callbacks.Callback):
    """Saves the weights of the last epoch, and of the one with the best validation perplexity.

    Args:
        seq2seq: whose weights.
        model_dir: where to; `last.npz` and `best.npz`.
    """

    def __init__(self, seq2seq: Seq2Seq, model_dir: str | Path):
        super().__init__()
        self.seq2seq = seq2seq
        self.folder = Path(model_dir)
        self.best = math.inf

    def on_epoch_end(self, epoch, logs):
        """Saves; without validation pairs the last is the best."""
        save_weights(self.seq2seq, self.folder / LAST)
        perplexity = logs.get(_PERPLEXITY)
        if perplexity is None or perplexity < self.best:
            self.best = perplexity or self.best
            save_weights(self.seq2seq, self.folder / BEST)


class Progress(keras.callbacks.Callback):
    """Shows how far the training is: a bar on a terminal, elsewhere a log line for each epoch.

    The loss is that of the epoch so far, the perplexity that of the validation pairs.
    """

    def __init__(self):
        super().__init__()
        self.epoch = 0
        self.bar = None
        self.validation = []

    def on_train_begin(self, logs=None):
        """Begins the bar, which spans all epochs."""
        if sys.stdout.isatty():
            total = self.params["epochs"] * self.params["steps"]
            self.bar = keras.utils.Progbar(total, width=10, stateful_metrics=("loss", "perplexity"))

    def on_epoch_begin(self, epoch, logs=None):
        """Counts epochs from 0."""
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar on."""
        if self.bar:
            self._draw(batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Shows the validation perplexity from now on."""
        if _PERPLEXITY in logs:
            self.validation = [("perplexity", logs[_PERPLEXITY])]
        if self.bar:
            self._draw(self.params["steps"], logs)
        else:
            line = f"epoch {epoch + 1} of {self.params['epochs']}: loss {logs['loss']:.4f}"
            for _, perplexity in self.validation:
                line += f", validation perplexity {perplexity:.3f}"
            log.info(line)

    def on_train_end(self, logs=None):
        """Ends the bar's line with the time it took."""
        if self.bar:
            self.bar.update(self.done, self.values, finalize=True)

    def _draw(self, batch: int, logs) -> None:
        self.done = self.epoch * self.params["steps"] + batch
        self.values = self._values(logs)
        self.bar.update(self.done, self.values, finalize=False)

    def _values(self, logs):
        return [("loss", logs["loss"]), *self.validation]
