"""Who is told how a training goes on: a progress bar, log lines, the alarms, TensorBoard."""

import logging
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from tqdm import tqdm

from attention_seq2seq.training.validation import Probe
from attention_seq2seq.utils.progress import is_terminal

log = logging.getLogger(__name__)


class Update(NamedTuple):
    """What is known after an update.

    Attributes:
        number: updates made, in all epochs.
        of: updates of the whole training, unless it stops early.
        epoch: the number of its epoch, from 1 on.
        epochs: of the whole training.
        loss: the mean over the words of this epoch so far, in nats.
        words: target words of this update, ends of replies included.
    """

    number: int
    of: int
    epoch: int
    epochs: int
    loss: float
    words: int


class Epoch(NamedTuple):
    """What is known after an epoch.

    Attributes:
        number: from 1 on.
        of: epochs of the whole training, unless it stops early.
        history: what was measured after each epoch so far, this one's last.
        probes: the replies to the probe prompts; none if there are no such prompts.
        ended: whether the training ends with this epoch.
    """

    number: int
    of: int
    history: Sequence[dict[str, float]]
    probes: Sequence[Probe]
    ended: bool


class Listener:
    """Hears nothing; to be derived from."""

    def updated(self, update: Update) -> bool | None:
        """After each update; True stops the training."""

    def measured(self, epoch: Epoch) -> bool | None:
        """After each epoch; True stops the training."""

    def ended(self) -> None:
        """After all, whatever ended it."""


class Progress(Listener):
    """Shows how far a training is: a bar on a terminal, elsewhere a log line for each epoch.

    The loss is that of the epoch so far, the perplexity that of the validation pairs.
    """

    def __init__(self):
        self._bar = None
        self._words, self._begin, self._perplexity = 0, time.perf_counter(), ""

    def updated(self, update: Update) -> None:
        """Moves the bar on."""
        if not is_terminal(sys.stdout):
            return
        if self._bar is None:
            self._bar = tqdm(
                total=update.of,
                initial=update.number - 1,
                file=sys.stdout,
                dynamic_ncols=True,
                bar_format="{desc} |{bar}| {percentage:3.0f}%, {remaining} left{postfix}",
            )
        self._words += update.words
        rate = self._words / (time.perf_counter() - self._begin)
        self._bar.set_description_str(f"epoch {update.epoch}/{update.epochs}", refresh=False)
        self._bar.set_postfix_str(
            f"{rate:,.0f} words/s, loss {update.loss:.3f}{self._perplexity}", refresh=False
        )
        self._bar.update(update.number - self._bar.n)

    def measured(self, epoch: Epoch) -> None:
        """Says what the epoch came to."""
        measured = epoch.history[-1]
        if "val_perplexity" in measured:
            self._perplexity = f", perplexity {measured['val_perplexity']:.3g}"
        if self._bar is None:
            line = f"epoch {epoch.number} of {epoch.of}: loss {measured['loss']:.4f}"
            if "val_perplexity" in measured:
                line += f", validation perplexity {measured['val_perplexity']:.3f}"
            log.info(line)

    def ended(self) -> None:
        """Leaves the bar as it is, and goes to the next line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
