"""One worker of a training that scaling.py times: prints how fast, as one line of JSON.

It has one core, so that two workers on a machine of two cores are two machines of one. With
--alone: how long an update takes by itself, and what would be exchanged.
"""

import json
import os
import tempfile
import time

from absl import flags

import common
import console
from experiments.benchmarks import training_setup
from experiments.benchmarks.training_setup import MAX_LENGTH, UNITS, VOCABULARY_SIZE

CORE = flags.DEFINE_integer("core", 0, "the core to run on", lower_bound=0)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "pairs of all workers", lower_bound=1)
FIRST_STEP = flags.DEFINE_integer(
    "first_step", 20, "the step after which time is taken", lower_bound=1
)
LAST_STEP = flags.DEFINE_integer("last_step", 80, "the last step", lower_bound=2)
ALONE = flags.DEFINE_bool(
    "alone", False, "time updates with random pairs, in which any vocabulary is full"
)

flags.adopt_module_key_flags(training_setup)

# Number of timed gradient exchanges, and of timed updates with --alone.
NUM_EXCHANGES = 20
NUM_STEPS = 8


def main(_) -> None:
    """Trains, then exchanges what training exchanged, and nothing else."""
    os.sched_setaffinity(0, {CORE.value})
    print(json.dumps(measure_single() if ALONE.value else measure_distributed()))


def measure_single() -> dict:
    """Seconds of an update, and bytes of its gradients, embeddings as rows and as tables."""
    from experiments.benchmarks.vocabulary_size import time_train_step

    dense, rows = gradient_sizes(1)
    return {
        "seconds": time_train_step(UNITS.value, VOCABULARY_SIZE.value, "float32", 0, NUM_STEPS)
        / 1000,
        "dense": 4 * sum(dense),
        "sparse": sum(rows) * (4 * UNITS.value + 4),
        "tables": 2 * 4 * VOCABULARY_SIZE.value * UNITS.value,
    }


def measure_distributed() -> dict:
    """Pairs a second, and seconds of a step and of the exchange in it."""
    from strategies import make_strategy

    from attention_seq2seq.training.distributed import Distributor

    common.enable_determinism()
    strategy = make_strategy("multi_worker") if "TF_CONFIG" in os.environ else None
    seconds = seconds_per_step(strategy)
    dense, rows = gradient_sizes(strategy.num_replicas_in_sync if strategy else 1)
    exchange = seconds_per_exchange(Distributor(strategy), dense, rows)
    return {"pairs": BATCH_SIZE.value / seconds, "seconds": seconds, "exchange": exchange}


def seconds_per_step(strategy) -> float:
    """The mean of the steps in question; all workers end with the epoch, which is that long."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Clock(Callback):
        """Reads the time at the first step and the last."""

        def __init__(self):
            self.times = []

        def on_step_end(self, info):
            if info.step in (FIRST_STEP.value, LAST_STEP.value):
                self.times.append(time.perf_counter())

    pairs = training_setup.read_split()
    short = [p for p in pairs if max(len(side.split()) for side in p[:2]) <= MAX_LENGTH.value]
    if len(short) < LAST_STEP.value * BATCH_SIZE.value:
        raise ValueError(
            f"{len(short)} pairs of at most {MAX_LENGTH.value} words; {LAST_STEP.value} steps of "
            f"{BATCH_SIZE.value} pairs take more. Give a larger corpus."
        )
    clock, start_time = Clock(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        train(
            short[: LAST_STEP.value * BATCH_SIZE.value],
            folder,
            training_setup.make_config(
                epochs=1, batch_size=BATCH_SIZE.value, compute_dtype="float32"
            ),
            [],
            progress=False,
            callbacks=[clock],
            strategy=strategy,
        )
    # Of those who are not the first worker nobody reads what they print.
    start_time, end_time = clock.times or (start_time, time.perf_counter())
    return (end_time - start_time) / (LAST_STEP.value - FIRST_STEP.value)


def gradient_sizes(workers: int) -> tuple[list[int], list[int]]:
    """Numbers of each dense gradient, and rows of each embedding's, of a worker's share."""
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.models.seq2seq import make_model

    model = make_model(ModelConfig(units=UNITS.value), VOCABULARY_SIZE.value, VOCABULARY_SIZE.value)
    sizes = [
        int(variable.shape.num_elements())
        for name, variable in model.named_weights().items()
        if "embedding" not in name
    ]
    return sizes, [BATCH_SIZE.value // workers * MEAN_LENGTH] * 2


# Words of a side of a pair, with padding, in the batches of three chat corpora.
MEAN_LENGTH = 12


def seconds_per_exchange(distributor, dense: list[int], rows: list[int]) -> float:
    """The mean time that summing such gradients takes; nothing for one worker."""
    import tensorflow as tf

    def gradients(batch):
        dense_gradients = [tf.zeros([size]) + batch["one"] for size in dense]
        table_shape = tf.constant([VOCABULARY_SIZE.value, UNITS.value])
        sparse_gradients = [
            tf.IndexedSlices(
                tf.zeros([num_rows, UNITS.value]), tf.range(num_rows) % table_shape[0], table_shape
            )
            for num_rows in rows
        ]
        return dense_gradients + sparse_gradients

    def wait_for(outputs) -> None:
        float(outputs[0][0])

    lengths = tf.ones([2], tf.int32)
    batch = {"source_length": lengths, "one": tf.constant(1.0)}
    local, summed = tf.function(gradients), tf.function(distributor.all_reduce_sum(gradients))
    times = []
    for function in (local, summed):
        wait_for(function(batch))
        start_time = time.perf_counter()
        for _ in range(NUM_EXCHANGES):
            wait_for(function(batch))
        times.append((time.perf_counter() - start_time) / NUM_EXCHANGES)
    return max(0.0, times[1] - times[0])


if __name__ == "__main__":
    console.run_main(main)
