"""State of a training run, as stored in a checkpoint."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.training.optimizers import Optimizer
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
    model: Seq2Seq, optimizer: Optimizer, averager: WeightAverager
) -> dict[str, np.ndarray]:
    """Returns the values of all training variables, by name."""
    arrays = {name: v.numpy() for name, v in _named_variables(model, optimizer).items()}
    arrays |= {f"{_AVERAGES}{name}": value for name, value in averager.state().items()}
    return arrays


def restore_variables(
    arrays: Mapping[str, np.ndarray],
    model: Seq2Seq,
    optimizer: Optimizer,
    averager: WeightAverager,
    model_dir: Path,
) -> None:
    """Sets all training variables to the values from `variables_to_arrays`.

    Args:
        arrays: values by name.
        model: the model.
        optimizer: the optimizer, after its `build`.
        averager: the averaged weights.
        model_dir: directory of the checkpoint, for error messages.

    Raises:
        ValueError: the arrays have other names.
    """
    variables = _named_variables(model, optimizer)
    if missing := sorted(variables.keys() - arrays.keys()):
        raise ValueError(
            f"{model_dir}: the checkpoint has no {missing[0]}, because another version of this "
            "package wrote it. Give another model_dir, or set overwrite to train again."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
    averager.restore(
        {
            name.removeprefix(_AVERAGES): value
            for name, value in arrays.items()
            if name.startswith(_AVERAGES)
        }
    )


def _named_variables(model: Seq2Seq, optimizer: Optimizer) -> dict[str, tf.Variable]:
    """Returns the variables of the model and the optimizer by their names in a checkpoint."""
    weights = {f"model/{name}": v for name, v in model.named_weights().items()}
    return weights | {f"optimizer/{name}": v for name, v in optimizer.named_variables().items()}
