"""State of a training run, as stored in a checkpoint."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from tensorflow import keras

from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.training.weight_averaging import WeightAverager

# Prefix of the averaged weights in a checkpoint.
_AVERAGES = "averages/"


@dataclasses.dataclass
class TrainerState:
    """Progress of a training run.

    Attributes:
        step: number of updates so far, in all epochs.
        loss_sum: sum of the losses of the tokens of the current epoch so far [nats].
        num_tokens: number of target tokens of the current epoch so far, EOS included.
        history: metrics of each finished epoch.
    """

    step: int = 0
    loss_sum: float = 0.0
    num_tokens: int = 0
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)

    @property
    def num_epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def mean_loss(self) -> float:
        """Mean loss over the tokens of the current epoch so far [nats]."""
        return self.loss_sum / self.num_tokens


def variables_to_arrays(
    model: Seq2Seq, optimizer: keras.optimizers.Optimizer, averager: WeightAverager
) -> dict[str, np.ndarray]:
    """Returns the values of all training variables, by name."""
    arrays = {f"model/{name}": v.numpy() for name, v in model.named_weights().items()}
    arrays |= {f"optimizer/{index}": v.numpy() for index, v in enumerate(optimizer.variables)}
    arrays |= {f"{_AVERAGES}{name}": value for name, value in averager.state().items()}
    return arrays


def restore_variables(
    arrays: Mapping[str, np.ndarray],
    model: Seq2Seq,
    optimizer: keras.optimizers.Optimizer,
    averager: WeightAverager,
) -> None:
    """Sets all training variables to the values from `variables_to_arrays`."""
    for name, variable in model.named_weights().items():
        variable.assign(arrays[f"model/{name}"])
    for index, variable in enumerate(optimizer.variables):
        variable.assign(arrays[f"optimizer/{index}"])
    averager.restore(
        {
            name.removeprefix(_AVERAGES): value
            for name, value in arrays.items()
            if name.startswith(_AVERAGES)
        }
    )
