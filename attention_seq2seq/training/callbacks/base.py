"""Base class for training callbacks, and a progress bar."""

import logging
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from tqdm import tqdm

from attention_seq2seq.training.callbacks.sample_replies import SampleReply
from attention_seq2seq.utils.progress import is_terminal

log = logging.getLogger(__name__)


class StepInfo(NamedTuple):
    """State of a training after an update.

    Attributes:
        step: number of updates so far, in all epochs.
        total_steps: updates of the whole training, unless it stops early.
        epoch: index of the current epoch, from 1.
        num_epochs: epochs of the whole training, unless it stops early.
        loss: mean over the tokens of this epoch so far [nats].
        num_tokens: target tokens of this update, end tokens included.
    """

    step: int
    total_steps: int
    epoch: int
    num_epochs: int
    loss: float
    num_tokens: int


class EpochInfo(NamedTuple):
    """State of a training after an epoch.

    Attributes:
        epoch: index of the epoch, from 1.
        num_epochs: epochs of the whole training, unless it stops early.
        history: metrics of each epoch so far, including this one.
        samples: replies to the sample prompts; empty without sample prompts.
        is_last: whether the training ends with this epoch.
    """

    epoch: int
    num_epochs: int
    history: Sequence[dict[str, float]]
    samples: Sequence[SampleReply]
    is_last: bool


class Callback:
    """Base class for callbacks. Every hook is a no-op; `True` from a hook stops the training."""

    def on_step_end(self, info: StepInfo) -> bool | None:
        """Called after each update; `True` stops the training."""

    def on_epoch_end(self, info: EpochInfo) -> bool | None:
        """Called after each epoch; `True` stops the training."""

    def on_train_end(self) -> None:
        """Called once at the end, also after an error or an interrupt."""


class ProgressBar(Callback):
    """Shows the progress of a training: a bar on a terminal, else a log line for each epoch.

    The loss is the mean over the current epoch so far. The perplexity is that of the validation
    pairs after the last epoch.
    """

    def __init__(self):
        self._bar = None
        self._start_time, self._num_tokens = time.perf_counter(), 0
        self._perplexity_text = ""

    def on_step_end(self, info: StepInfo) -> None:
        """Advances the bar."""
        if not is_terminal(sys.stdout):
            return
        if self._bar is None:
            self._bar = tqdm(
                total=info.total_steps,
                initial=info.step - 1,
                file=sys.stdout,
                dynamic_ncols=True,
                bar_format="{desc} |{bar}| {percentage:3.0f}%, {remaining} left{postfix}",
            )
        self._num_tokens += info.num_tokens
        rate = self._num_tokens / (time.perf_counter() - self._start_time)
        self._bar.set_description_str(f"epoch {info.epoch}/{info.num_epochs}", refresh=False)
        self._bar.set_postfix_str(
            f"{rate:,.0f} tokens/s, loss {info.loss:.3f}{self._perplexity_text}", refresh=False
        )
        self._bar.update(info.step - self._bar.n)

    def on_epoch_end(self, info: EpochInfo) -> None:
        """Logs the loss and the validation perplexity, or shows the perplexity at the bar."""
        metrics = info.history[-1]
        perplexity = metrics.get("val_perplexity")
        if perplexity is not None:
            self._perplexity_text = f", perplexity {perplexity:.3g}"
        if self._bar is None:
            line = f"epoch {info.epoch} of {info.num_epochs}: loss {metrics['loss']:.4f}"
            if perplexity is not None:
                line += f", validation perplexity {perplexity:.3f}"
            log.info(line)

    def on_train_end(self) -> None:
        """Closes the bar, and moves the cursor to the next line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
