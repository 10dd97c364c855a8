"""Trains on meal dialogues, with or without other workers, and prints the losses.

python distributed_training.py OPTIONS FOLDER=STRATEGY...

STRATEGY is none, mirrored (two logical CPUs) or multi_worker (see TF_CONFIG). OPTIONS are training
options as JSON. Each training prints a line.
"""

import json
import sys

import tensorflow as tf

from attention_seq2seq.cli.strategies import make_strategy
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training import fit
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback


class StepLosses(Callback):
    """Records the mean loss of each update, derived from the running mean of the epoch."""

    def __init__(self):
        self.losses = []
        self._epoch = self._sum = self._num_tokens = 0

    def on_step_end(self, info):
        if info.epoch != self._epoch:
            self._epoch, self._sum, self._num_tokens = info.epoch, 0.0, 0
        previous_sum, self._num_tokens = self._sum, self._num_tokens + info.num_tokens
        self._sum = info.loss * self._num_tokens
        self.losses.append((self._sum - previous_sum) / info.num_tokens)


def perturb_initial_weights(make_model):
    """Wraps `make_model` so that this worker's initial weights differ from the chief's."""

    def make_perturbed_model(*arguments):
        model = make_model(*arguments)
        for variable in model.named_weights().values():
            variable.assign_add(tf.ones_like(variable))
        return model

    return make_perturbed_model


def main(options: str, *trainings: str) -> None:
    folder_strategies = [training.rsplit("=", 1) for training in trainings]
    if "mirrored" in dict(folder_strategies).values():
        logical_devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], logical_devices
        )
    for folder, strategy in folder_strategies:
        train_and_print(folder, strategy, json.loads(options))


def train_and_print(folder: str, strategy_name: str, options: dict) -> None:
    strategy = make_strategy(strategy_name)
    if strategy and not strategy.extended.should_checkpoint:
        fit.make_model = perturb_initial_weights(fit.make_model)
    config = Config(
        model=ModelConfig(
            units=8, num_layers=options.pop("num_layers", 1), dropout=options.pop("dropout", 0.0)
        ),
        training=TrainingConfig(
            **{"epochs": 2, "batch_size": 8, "patience": 0, "compute_dtype": "float32", **options}
        ),
    )
    meals, losses = meal_dialogues(), StepLosses()
    history = train(
        # The last batch has a single row, which two replicas cannot share.
        *(meals.training[:65], folder, config, meals.validation[:9]),
        progress=False,
        callbacks=[losses],
        strategy=strategy,
    )
    print(json.dumps({"losses": losses.losses, "history": history}))


if __name__ == "__main__":
    main(*sys.argv[1:])
