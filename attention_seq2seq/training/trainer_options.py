"""Options of `train` that are not part of the model's config."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from attention_seq2seq.training.callbacks.base import Callback


@dataclasses.dataclass(frozen=True)
class TrainerOptions:
    """Options of a training run that do not change the final weights.

    Attributes:
        callbacks: callbacks whose hooks are called on the chief only.
        sample_prompts: prompts that the model replies to after each epoch.
        overwrite: whether to replace a finished or different training run in the model directory.
        checkpoint_minutes: interval between checkpoints [minutes]; 0: after every update.
        strategy: distributes each update over devices or machines; None: one device.
    """

    callbacks: Sequence[Callback] = ()
    sample_prompts: Sequence[str] = ()
    overwrite: bool = False
    checkpoint_minutes: float = 5.0
    strategy: tf.distribute.Strategy | None = None
