"""Warns about training problems that a falling loss does not show."""

import logging
from collections import Counter
from collections.abc import Sequence

from attention_seq2seq.training.callbacks.base import Callback, EpochInfo

log = logging.getLogger(__name__)

REPLY_COLLAPSE = "Reply collapse"
UNIFORM_ATTENTION = "Uniform attention"
OVERFITTING = "Overfitting"

# Healthy models stay below these limits on the default corpus, on reversed strings and on real
# chats: ratio of the most common reply, normalized entropy, rise of the loss in nats per token.
_MAX_MOST_COMMON_RATIO = 0.5
_MAX_ATTENTION_ENTROPY = 0.95
_MAX_RISE = 0.1
# Number of consecutive epochs. A rise over fewer epochs may be noise.
_NUM_RISING_EPOCHS = 3
# With fewer sample replies, the ratio of the most common one is not meaningful.
_MIN_SAMPLES = 8


class TrainingDiagnostics(Callback):
    """Warns once about each training problem that a falling loss does not show.

    Replies and attention are checked in the second half of training and at its end. Before that,
    every model gives the same reply to every prompt.

    - `Reply collapse`: at least half of the sample prompts get the same reply.
    - `Uniform attention`: all tokens of a prompt have about the same attention weight.
    - `Overfitting`: the validation loss rises while the training loss falls.
    """

    def __init__(self):
        self._reported = set()

    def on_epoch_end(self, info: EpochInfo) -> None:
        """Checks the metrics of the epoch."""
        is_second_half = info.is_last or 2 * info.epoch >= info.num_epochs
        latest = info.history[-1]
        if (
            is_second_half
            and len(info.samples) >= _MIN_SAMPLES
            and latest["sample_most_common_ratio"] >= _MAX_MOST_COMMON_RATIO
        ):
            [(most_common, _)] = Counter(sample.text for sample in info.samples).most_common(1)
            self._warn(
                REPLY_COLLAPSE,
                f"{latest['sample_most_common_ratio']:.0%} of the replies to the sample prompts "
                f"are {most_common!r}. Check that the replies of the corpus fit their prompts, and "
                "that no reply makes up most of it.",
            )
        if is_second_half and latest.get("attention_entropy", 0.0) > _MAX_ATTENTION_ENTROPY:
            self._warn(
                UNIFORM_ATTENTION,
                f"attention entropy is {latest['attention_entropy']:.0%} of its maximum, so "
                "replies hardly depend on individual prompt tokens. Try longer training, a larger "
                "learning_rate or dropout.",
            )
        if _is_overfitting(info.history):
            best = min(metrics["val_loss"] for metrics in info.history)
            self._warn(
                OVERFITTING,
                f"validation loss rose from {best:.3f} to {latest['val_loss']:.3f} while training "
                "loss kept falling. The best epoch's weights are kept. Try more data, dropout or "
                "fewer units.",
            )

    def _warn(self, name: str, text: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            log.warning("%s: %s", name, text)


def _is_overfitting(history: Sequence[dict[str, float]]) -> bool:
    if len(history) <= _NUM_RISING_EPOCHS or "val_loss" not in history[-1]:
        return False
    best = min(metrics["val_loss"] for metrics in history[:-_NUM_RISING_EPOCHS])
    latest = history[-_NUM_RISING_EPOCHS:]
    return all(metrics["val_loss"] > best + _MAX_RISE for metrics in latest) and (
        history[-1]["loss"] < history[-1 - _NUM_RISING_EPOCHS]["loss"]
    )
