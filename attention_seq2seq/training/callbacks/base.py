"""Base class for training callbacks."""

from collections.abc import Sequence
from typing import NamedTuple

from attention_seq2seq.training.callbacks.sample_replies import SampleReply


class StepInfo(NamedTuple):
    """State of training after an update.

    Attributes:
        step: number of updates so far, in all epochs.
        total_steps: number of updates, unless training stops early.
        epoch: index of the current epoch, from 1.
        num_epochs: number of epochs, unless training stops early.
        loss: mean loss over the tokens of this epoch so far [nats].
        num_tokens: number of target tokens of this update, EOS included.
    """

    step: int
    total_steps: int
    epoch: int
    num_epochs: int
    loss: float
    num_tokens: int


class EpochInfo(NamedTuple):
    """State of training after an epoch.

    Attributes:
        epoch: index of the epoch, from 1.
        num_epochs: number of epochs, unless training stops early.
        history: metrics of each epoch so far, including this one.
        samples: replies to the sample prompts; empty without sample prompts.
        is_last: whether training ends with this epoch.
    """

    epoch: int
    num_epochs: int
    history: Sequence[dict[str, float]]
    samples: Sequence[SampleReply]
    is_last: bool


class Callback:
    """Base class for callbacks. Every hook is a no-op; `True` from a hook stops training."""

    def on_step_end(self, info: StepInfo) -> bool | None:
        """Called after each update; `True` stops training."""

    def on_epoch_end(self, info: EpochInfo) -> bool | None:
        """Called after each epoch; `True` stops training."""

    def on_train_end(self) -> None:
        """Called once at the end, even after an error or an interrupt."""
