"""One worker of a training that benchmark.py times: prints how fast, as one line of JSON.

It has one core, so that two workers on a machine of two cores are two machines of one. With
--alone: how long an update takes by itself, and what would be exchanged.
"""

import json
import os
import tempfile
import time
from pathlib import Path

from absl import flags

import common
import config_flags
import console

WORK = config_flags.define_path("work", None, "the folder with train.tsv [path]", required=True)
CORE = flags.DEFINE_integer("core", 0, "the core to run on", lower_bound=0)
UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "tokens in the vocabulary of the model", lower_bound=20
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "pairs of all workers", lower_bound=1)
LONGEST = flags.DEFINE_integer("longest", 30, "longer pairs are left out [words]", lower_bound=1)
FIRST = flags.DEFINE_integer("first", 20, "the step after which time is taken", lower_bound=1)
LAST = flags.DEFINE_integer("last", 80, "the last step", lower_bound=2)
ALONE = flags.DEFINE_bool(
    "alone", False, "time updates with random pairs, in which any vocabulary is full"
)

# How often the exchange alone is timed, and an update alone.
EXCHANGES = 20
UPDATES = 8


def main(_) -> None:
    """Trains, then exchanges what training exchanged, and nothing else."""
    os.sched_setaffinity(0, {CORE.value})
    print(json.dumps(alone() if ALONE.value else shared()))


def alone() -> dict:
    """Seconds of an update, and bytes of its gradients, embeddings as rows and as tables."""
    from experiments.benchmarks.vocabulary_size import update_time

    dense, rows = exchanged(1)
    return {
        "seconds": update_time(UNITS.value, VOCABULARY_SIZE.value, "float32", 0, UPDATES) / 1000,
        "dense": 4 * sum(dense),
        "sparse": sum(rows) * (4 * UNITS.value + 4),
        "tables": 2 * 4 * VOCABULARY_SIZE.value * UNITS.value,
    }


def shared() -> dict:
    """Pairs a second, and seconds of a step and of the exchange in it."""
    from strategies import make_strategy

    from attention_seq2seq.training.distributed import Distributor

    common.enable_determinism()
    strategy = make_strategy("multi_worker") if "TF_CONFIG" in os.environ else None
    seconds = seconds_a_step(strategy)
    dense, rows = exchanged(strategy.num_replicas_in_sync if strategy else 1)
    exchange = seconds_of_exchange(Distributor(strategy), dense, rows)
    return {"pairs": BATCH_SIZE.value / seconds, "seconds": seconds, "exchange": exchange}


def config_of():
    """The document's model on text that has been cut already."""
    from attention_seq2seq.config.config import (
        Config,
        DataConfig,
        ModelConfig,
        TextConfig,
        TrainingConfig,
    )

    return Config(
        DataConfig(max_source_length=LONGEST.value, max_target_length=LONGEST.value),
        TextConfig("blanks", "blanks", vocabulary_size=VOCABULARY_SIZE.value),
        ModelConfig(units=UNITS.value),
        TrainingConfig(
            epochs=1, batch_size=BATCH_SIZE.value, dtype="float32", unknown_probability=0.0
        ),
    )


def seconds_a_step(strategy) -> float:
    """The mean of the steps in question; all workers end with the epoch, which is that long."""
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Clock(Callback):
        """Reads the time at the first step and the last."""

        def __init__(self):
            self.times = []

        def on_step_end(self, info):
            if info.step in (FIRST.value, LAST.value):
                self.times.append(time.perf_counter())

    pairs = read_pairs([str(Path(WORK.value) / "train.tsv")])[0]
    short = [p for p in pairs if max(len(side.split()) for side in p[:2]) <= LONGEST.value]
    if len(short) < LAST.value * BATCH_SIZE.value:
        raise ValueError(
            f"{len(short)} pairs of at most {LONGEST.value} words; {LAST.value} steps of "
            f"{BATCH_SIZE.value} pairs take more. Give a larger corpus."
        )
    clock, begin = Clock(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        train(
            *(short[: LAST.value * BATCH_SIZE.value], folder, config_of(), []),
            progress=False,
            callbacks=[clock],
            strategy=strategy,
        )
    # Of those who are not the first worker nobody reads what they print.
    begin, end = clock.times or (begin, time.perf_counter())
    return (end - begin) / (LAST.value - FIRST.value)


def exchanged(workers: int) -> tuple[list[int], list[int]]:
    """Numbers of each dense gradient, and rows of each embedding's, of a worker's share."""
    from attention_seq2seq.models.seq2seq import make_model

    model = make_model(config_of().model, VOCABULARY_SIZE.value, VOCABULARY_SIZE.value)
    sizes = [
        int(variable.shape.num_elements())
        for name, variable in model.named_weights().items()
        if "embedding" not in name
    ]
    return sizes, [BATCH_SIZE.value // workers * MEAN_WORDS] * 2


# Words of a side of a pair, with padding, in the batches of three chat corpora.
MEAN_WORDS = 12


def seconds_of_exchange(distributor, dense: list[int], rows: list[int]) -> float:
    """The mean time that summing such gradients takes; nothing for one worker."""
    import tensorflow as tf

    def gradients(batch):
        of_dense = [tf.zeros([size]) + batch["one"] for size in dense]
        table = tf.constant([VOCABULARY_SIZE.value, UNITS.value])
        of_rows = [
            tf.IndexedSlices(tf.zeros([number, UNITS.value]), tf.range(number) % table[0], table)
            for number in rows
        ]
        return of_dense + of_rows

    def waited(found) -> None:
        float(found[0][0])

    lengths = tf.ones([2], tf.int32)
    batch = {"source_length": lengths, "one": tf.constant(1.0)}
    apart, together = tf.function(gradients), tf.function(distributor.all_reduce_sum(gradients))
    times = []
    for function in (apart, together):
        waited(function(batch))
        begin = time.perf_counter()
        for _ in range(EXCHANGES):
            waited(function(batch))
        times.append((time.perf_counter() - begin) / EXCHANGES)
    return max(0.0, times[1] - times[0])


if __name__ == "__main__":
    console.run_main(main)
