"""Duration of an update by vocabulary size."""

import statistics
import time
from collections.abc import Callable

import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.vocabulary import BOS
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import make_optimizer
from attention_seq2seq.training.train_step import TrainStep

BATCH_SIZE, LENGTH = 64, 12
SMALL, MIDDLE, LARGE = 100, 8_000, 100_000
NUM_SAMPLED = 2048
VARIANTS = {
    "float32": ("float32", 0),
    "bfloat16": ("bfloat16", 0),
    f"float32, {NUM_SAMPLED} sampled": ("float32", NUM_SAMPLED),
}


def print_table(units: int, repeats: int) -> list[dict]:
    """Prints milliseconds per update, and the expected value for the large vocabulary.

    Returns:
        A row for each variant.
    """
    rows = []
    print(f"{units} units, {BATCH_SIZE} pairs of {LENGTH} tokens; milliseconds per update\n")
    print(f"{'tokens':24}{SMALL:>9,}{MIDDLE:>9,}{LARGE:>9,}{'expected':>10}{'ratio':>7}")
    for name, (dtype, num_sampled) in VARIANTS.items():
        middle, large = (
            time_train_step(units, vocabulary_size, dtype, num_sampled, repeats)
            for vocabulary_size in (MIDDLE, LARGE)
        )
        row = {"variant": name, "units": units, "middle_ms": middle, "large_ms": large}
        rows.append(row | {"small_ms": None, "expected_ms": None})
        if num_sampled:
            # Sampled softmax needs more than 100 tokens.
            print(f"{name:24}{'–':>9}{middle:>9.1f}{large:>9.1f}", flush=True)
            continue
        small = time_train_step(units, SMALL, dtype, num_sampled, repeats)
        expected = middle + (LARGE - MIDDLE) / MIDDLE * (middle - small)
        rows[-1] |= {"small_ms": small, "expected_ms": expected}
        print(
            f"{name:24}{small:>9.1f}{middle:>9.1f}{large:>9.1f}{expected:>10.1f}"
            f"{large / expected:>7.2f}",
            flush=True,
        )
    print("\nexpected: linear extrapolation from the first two vocabularies.")
    return rows


def time_train_step(
    units: int, vocabulary_size: int, dtype: str, num_sampled: int, repeats: int
) -> float:
    """Returns the median milliseconds of an update on random pairs."""
    options = TrainingConfig(compute_dtype=dtype, num_sampled=num_sampled)
    run_step = make_train_step(units, vocabulary_size, options)
    times = []
    for _ in range(repeats + 2):
        start_time = time.perf_counter()
        run_step()
        times.append(1000 * (time.perf_counter() - start_time))
    return statistics.median(times[2:])


def make_train_step(units: int, vocabulary_size: int, options: TrainingConfig) -> Callable:
    """Returns a function that updates a model on a batch of random pairs."""
    tf.keras.utils.set_random_seed(1)
    model = make_model(ModelConfig(units=units), vocabulary_size, vocabulary_size)
    optimizer = make_optimizer(options, 1)
    optimizer.build(model.named_weights())
    # Log-uniform ids: token frequencies follow Zipf's law, as in a language.
    uniform = tf.random.uniform([2, BATCH_SIZE, LENGTH])
    ids = tf.cast(tf.exp(uniform * tf.math.log(float(vocabulary_size))), tf.int32) - 1
    length = tf.fill([BATCH_SIZE], LENGTH)
    batch = {
        "source_ids": ids[0],
        "source_length": length,
        "target_ids": ids[1],
        "target_length": length,
        "batch_index": tf.zeros([], tf.int64),
    }
    spec = {name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in batch.items()}
    train_step = TrainStep(Seq2SeqObjective(model, BOS, options), optimizer, spec)

    def run_step() -> None:
        gradients, _ = train_step.gradients([batch])
        train_step.apply(gradients)

    return run_step
