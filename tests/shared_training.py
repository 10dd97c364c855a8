"""Trains on meal talk, alone or with others, and prints what each update came to.

python shared_training.py FOLDER STRATEGY OPTIONS

STRATEGY is none, mirrored (of two logical CPUs) or multi_worker (see TF_CONFIG); OPTIONS are those
of the training as JSON.
"""

import json
import sys

import tensorflow as tf
from strategies import strategy_of

from attention_seq2seq.config import Config, ModelConfig, TrainingConfig
from attention_seq2seq.data.meals import meal_talk
from attention_seq2seq.training.listeners import Listener
from attention_seq2seq.training.trainer import train


class Losses(Listener):
    """The mean loss of the epoch so far, after each update."""

    def __init__(self):
        self.found = []

    def updated(self, update):
        self.found.append(update.loss)


def main(folder: str, strategy: str, options: str) -> None:
    if strategy == "mirrored":
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
    options = json.loads(options)
    config = Config(
        model=ModelConfig(units=8, dropout=options.pop("dropout", 0.0)),
        training=TrainingConfig(
            **{"epochs": 2, "batch_size": 8, "patience": 0, "dtype": "float32", **options}
        ),
    )
    meals, losses = meal_talk(), Losses()
    shared = strategy_of(strategy)
    history = train(
        # The last batch has one row: too few for two.
        *(meals.training[:65], folder, config, meals.validation[:9]),
        progress=False,
        listeners=[losses],
        strategy=shared,
    )
    print(json.dumps({"losses": losses.found, "history": history}))


if __name__ == "__main__":
    main(*sys.argv[1:])
