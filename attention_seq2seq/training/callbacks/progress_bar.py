"""Training progress bar."""

import logging
import sys
import time

from tqdm import tqdm

from attention_seq2seq.training.callbacks.base import Callback, EpochInfo, StepInfo
from attention_seq2seq.utils.progress import is_terminal

log = logging.getLogger(__name__)


class ProgressBar(Callback):
    """Shows training progress: a bar on a terminal, otherwise one log line per epoch.

    The loss is the mean over the current epoch so far. The perplexity is the validation
    perplexity after the last completed epoch.
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
        """Logs the loss and the validation perplexity, or adds the perplexity to the bar."""
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
