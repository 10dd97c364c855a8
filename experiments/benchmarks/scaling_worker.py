"""A worker of scaling.py: prints the speed of a distributed training as a line of JSON.

Each worker runs on a single core, so that two workers on two cores simulate two machines. With
--single_worker, it measures an update without exchange, and the size of its gradients.
"""

import json
import os
import tempfile
import time

from absl import flags

import console
from experiments.benchmarks import training_setup
from experiments.benchmarks.training_setup import MAX_LENGTH, UNITS, VOCABULARY_SIZE

CORE = flags.DEFINE_integer("core", 0, "index of the CPU core", lower_bound=0)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 64, "global batch size [pairs]", lower_bound=1)
FIRST_STEP = flags.DEFINE_integer("first_step", 20, "last step before the timing", lower_bound=1)
LAST_STEP = flags.DEFINE_integer("last_step", 80, "last step of the timing", lower_bound=2)
SINGLE_WORKER = flags.DEFINE_bool(
    "single_worker",
    False,
    "whether to time single updates on random pairs with tokens of the full vocabulary",
)

flags.adopt_module_key_flags(training_setup)

# Number of timed gradient exchanges, and of timed updates with --single_worker.
NUM_EXCHANGES = 20
NUM_STEPS = 8


def main(_) -> None:
    """Measures a training run, or single updates with --single_worker."""
    os.sched_setaffinity(0, {CORE.value})
    print(json.dumps(measure_single() if SINGLE_WORKER.value else measure_distributed()))


def measure_single() -> dict:
    """Returns the seconds of an update, and the bytes of sparse and of dense gradients."""
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
    """Returns pairs per second, and the seconds of a step and of its gradient exchange."""
    from attention_seq2seq.cli.strategies import make_strategy
    from attention_seq2seq.training.distributed import Distributor

    console.enable_determinism()
    strategy = make_strategy("multi_worker") if "TF_CONFIG" in os.environ else None
    seconds = seconds_per_step(strategy)
    dense, rows = gradient_sizes(strategy.num_replicas_in_sync if strategy else 1)
    exchange = seconds_per_exchange(Distributor(strategy), dense, rows)
    return {"pairs": BATCH_SIZE.value / seconds, "seconds": seconds, "exchange": exchange}


def seconds_per_step(strategy) -> float:
    """Returns the mean seconds of the timed steps."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Clock(Callback):
        """Records the time at the first and at the last step."""

        def __init__(self):
            self.times = []

        def on_step_end(self, info):
            if info.step in (FIRST_STEP.value, LAST_STEP.value):
                self.times.append(time.perf_counter())

    pairs = training_setup.read_split()
    short_pairs = [p for p in pairs if max(len(side.split()) for side in p[:2]) <= MAX_LENGTH.value]
    if len(short_pairs) < LAST_STEP.value * BATCH_SIZE.value:
        raise ValueError(
            f"{len(short_pairs)} pairs of at most {MAX_LENGTH.value} words; "
            f"{LAST_STEP.value} steps of {BATCH_SIZE.value} pairs take more. Give a larger corpus."
        )
    clock, start_time = Clock(), time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        train(
            short_pairs[: LAST_STEP.value * BATCH_SIZE.value],
            directory,
            training_setup.make_config(
                epochs=1, batch_size=BATCH_SIZE.value, compute_dtype="float32"
            ),
            [],
            progress=False,
            callbacks=[clock],
            strategy=strategy,
        )
    # Callbacks run on the chief only; the output of other workers is ignored.
    start_time, end_time = clock.times or (start_time, time.perf_counter())
    return (end_time - start_time) / (LAST_STEP.value - FIRST_STEP.value)


def gradient_sizes(num_workers: int) -> tuple[list[int], list[int]]:
    """Returns sizes of dense gradients, and rows of sparse gradients, per worker."""
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.models.seq2seq import make_model

    model = make_model(ModelConfig(units=UNITS.value), VOCABULARY_SIZE.value, VOCABULARY_SIZE.value)
    sizes = [
        int(variable.shape.num_elements())
        for name, variable in model.named_weights().items()
        if "embedding" not in name
    ]
    return sizes, [BATCH_SIZE.value // num_workers * MEAN_LENGTH] * 2


# Mean padded length of prompts and replies in three chat corpora.
MEAN_LENGTH = 12


def seconds_per_exchange(distributor, dense: list[int], rows: list[int]) -> float:
    """Returns the mean seconds of summing gradients of these sizes; about 0 for one worker."""
    import tensorflow as tf

    def gradients(batch):
        dense_gradients = [tf.zeros([size]) + batch["fill_value"] for size in dense]
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
    batch = {"source_length": lengths, "fill_value": tf.constant(1.0)}
    local_gradients, summed_gradients = (
        tf.function(gradients),
        tf.function(distributor.all_reduce_sum(gradients)),
    )
    times = []
    for function in (local_gradients, summed_gradients):
        wait_for(function(batch))
        start_time = time.perf_counter()
        for _ in range(NUM_EXCHANGES):
            wait_for(function(batch))
        times.append((time.perf_counter() - start_time) / NUM_EXCHANGES)
    return max(0.0, times[1] - times[0])


if __name__ == "__main__":
    console.run_main(main)
