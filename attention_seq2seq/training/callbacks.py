"""What happens at the end of each batch and epoch: checkpoints, and a progress bar."""

import math
from pathlib import Path

from tensorflow import keras

from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.model.weights import save_weights

BEST, LAST = "best.npz", "last.npz"


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
        perplexity = logs.get("val_perplexity")
        if perplexity is None or perplexity < self.best:
            self.best = perplexity or self.best
            save_weights(self.seq2seq, self.folder / BEST)


class ProgressBar(keras.callbacks.Callback):
    """One bar over the whole training, with loss, perplexity and the time left.

    Args:
        num_batches: batches in an epoch.
    """

    def __init__(self, num_batches: int):
        super().__init__()
        self.num_batches = num_batches
        self.epoch = 0
        self.validation = []

    def on_train_begin(self, logs=None):
        """Draws the empty bar."""
        self.bar = keras.utils.Progbar(
            self.params["epochs"] * self.num_batches,
            width=20,
            stateful_metrics=("loss", "perplexity", "val_perplexity"),
        )

    def on_epoch_begin(self, epoch, logs=None):
        """Counts epochs from 0."""
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Moves the bar on."""
        self._draw(batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        """Shows the validation perplexity from now on."""
        if "val_perplexity" in logs:
            self.validation = [("val_perplexity", logs["val_perplexity"])]
        self._draw(self.num_batches, logs)

    def _draw(self, batch: int, logs) -> None:
        values = [("loss", logs["loss"]), *self.validation]
        self.bar.update(self.epoch * self.num_batches + batch, values, finalize=False)

    def on_train_end(self, logs=None):
        """Ends the line."""
        self.bar.update(self.bar._seen_so_far, finalize=True)
