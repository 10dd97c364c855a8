"""Warnings that a model is not learning what it should, though its loss may fall."""

import logging
from collections.abc import Callable, Sequence

from attention_seq2seq.training.callbacks.base import Callback, EpochInfo

log = logging.getLogger(__name__)

# Shares of the replies to the sample prompts, of the largest entropy, and nats a word. On the
# default corpus, on reversed strings and on real chats a healthy model stays clear of them.
_MOST_COMMON = 0.5
_FLAT = 0.95
_RISE = 0.1
# Epochs in a row; less than that is noise.
_EPOCHS = 3
# Fewer replies than that say little of how different they are.
_MIN_SAMPLES = 8


class TrainingDiagnostics(Callback):
    """Warns by name, once each, when a training goes wrong in a way that its loss does not tell.

    Replies and attention are looked at from half of the training on, and when it ends: before,
    every model says the same to every prompt.

    - `replies converge`: half of the replies to the sample prompts, or more, are one and the same.
    - `attention is flat`: on the sample prompts all words have about the same weight.
    - `validation stops following`: the loss falls on and the validation pairs get worse.
    """

    def __init__(self):
        self._rung = set()

    def on_epoch_end(self, info: EpochInfo) -> None:
        """Rings what there is to ring."""
        late = info.is_last or 2 * info.epoch >= info.num_epochs
        latest = info.history[-1]
        if (
            late
            and len(info.samples) >= _MIN_SAMPLES
            and latest["sample_most_common_ratio"] >= _MOST_COMMON
        ):
            most_common = max((sample.text for sample in info.samples), key=_counter(info.samples))
            self._ring(
                "replies converge",
                f"{latest['sample_most_common_ratio']:.0%} of the replies to the sample prompts "
                f"are {most_common!r}. Do replies fit their prompts in the corpus, and is one "
                "reply not most of it? See prepare.py --examine.",
            )
        if late and latest.get("attention_entropy", 0.0) > _FLAT:
            self._ring(
                "attention is flat",
                f"its entropy is {latest['attention_entropy']:.0%} of what it is where all words "
                "of the prompt have the same weight: replies hardly depend on single words. Longer "
                "training, a larger learning_rate or dropout may help.",
            )
        if _no_longer_follows(info.history):
            best = min(measured["val_loss"] for measured in info.history)
            self._ring(
                "validation stops following",
                f"the loss falls on, but that of the validation pairs has risen from {best:.3f} to "
                f"{latest['val_loss']:.3f}: what is learnt now is these pairs by heart. The best "
                "epoch's weights are kept; more pairs, dropout or fewer units help.",
            )

    def _ring(self, name: str, text: str) -> None:
        if name not in self._rung:
            self._rung.add(name)
            log.warning("Alarm, %s: %s", name, text)


def _no_longer_follows(history: Sequence[dict[str, float]]) -> bool:
    if len(history) <= _EPOCHS or "val_loss" not in history[-1]:
        return False
    best = min(measured["val_loss"] for measured in history[:-_EPOCHS])
    return all(measured["val_loss"] > best + _RISE for measured in history[-_EPOCHS:]) and (
        history[-1]["loss"] < history[-1 - _EPOCHS]["loss"]
    )


def _counter(samples) -> Callable[[str], int]:
    texts = [sample.text for sample in samples]
    return texts.count
