"""Trains on meal talk, alone or with others, and prints what each update came to.

python distributed_training.py OPTIONS FOLDER=STRATEGY...

STRATEGY is none, mirrored (of two logical CPUs) or multi_worker (see TF_CONFIG); OPTIONS are those
of the trainings as JSON. Each training prints a line.
"""

import json
import sys

import tensorflow as tf
from strategies import make_strategy

from attention_seq2seq.config.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.training import fit
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback


class Losses(Callback):
    """The mean loss of each update, from that of the epoch so far."""

    def __init__(self):
        self.found = []
        self._epoch = self._sum = self._words = 0

    def on_step_end(self, info):
        if info.epoch != self._epoch:
            self._epoch, self._sum, self._words = info.epoch, 0.0, 0
        before, self._words = self._sum, self._words + info.num_tokens
        self._sum = info.loss * self._words
        self.found.append((self._sum - before) / info.num_tokens)


def with_other_weights(make):
    """Makes models whose first weights are none of the others'."""

    def made(*arguments):
        model = make(*arguments)
        for variable in model.named_weights().values():
            variable.assign_add(tf.ones_like(variable))
        return model

    return made


def main(options: str, *trainings: str) -> None:
    ways = [training.rsplit("=", 1) for training in trainings]
    if "mirrored" in dict(ways).values():
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
    for folder, strategy in ways:
        print_trained(folder, strategy, json.loads(options))


def print_trained(folder: str, strategy: str, options: dict) -> None:
    shared = make_strategy(strategy)
    if shared and not shared.extended.should_checkpoint:
        fit.Seq2Seq = with_other_weights(fit.Seq2Seq)
    config = Config(
        model=ModelConfig(
            units=8, layers=options.pop("layers", 1), dropout=options.pop("dropout", 0.0)
        ),
        training=TrainingConfig(
            **{"epochs": 2, "batch_size": 8, "patience": 0, "dtype": "float32", **options}
        ),
    )
    meals, losses = meal_dialogues(), Losses()
    history = train(
        # The last batch has one row: too few for two.
        *(meals.training[:65], folder, config, meals.validation[:9]),
        progress=False,
        callbacks=[losses],
        strategy=shared,
    )
    print(json.dumps({"losses": losses.found, "history": history}))


if __name__ == "__main__":
    main(*sys.argv[1:])
