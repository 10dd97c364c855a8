"""A worker of training.py that prints the speed of a training run as a line of JSON.

Each run has a separate process, so that its memory can be measured.
"""

import json
import tempfile
import time
from itertools import islice

from absl import flags

import console
from attention_seq2seq.cli import flags as cli_flags
from experiments.benchmarks import training_setup
from experiments.benchmarks.training_setup import MAX_LENGTH, UNITS, read_split

IMPLEMENTATION = flags.DEFINE_enum(
    "implementation",
    "float32",
    ["float32", "bfloat16", "tutorial", "peak"],
    "training implementation; peak: only large matrix products",
)
FIRST_STEP = flags.DEFINE_integer("first_step", 100, "last step before the timing", lower_bound=1)
TARGET_PERPLEXITY = flags.DEFINE_float(
    "target_perplexity",
    None,
    "perplexity on dev.tsv at which training stops, instead of --last_step",
)
OPTIONS = flags.DEFINE_list("options", [], "additional flags of train.py")
LAST_STEP = flags.DEFINE_integer("last_step", 400, "last step of the timing", lower_bound=2)

REPEATABLE = flags.DEFINE_bool(
    "repeatable", True, "whether to use deterministic operations, as train.py does"
)

flags.adopt_module_key_flags(training_setup)

CLIP_NORM = 5.0
# Epochs without improvement after which the target perplexity counts as out of reach.
PATIENCE = 3


def main(_) -> None:
    """Trains a model, and prints the measurements."""
    import tensorflow as tf

    if REPEATABLE.value and IMPLEMENTATION.value in ("float32", "bfloat16"):
        tf.config.experimental.enable_op_determinism()
    if IMPLEMENTATION.value == "peak":
        print(json.dumps({dtype: peak_flops(dtype) for dtype in ("float32", "bfloat16")}))
        return
    if TARGET_PERPLEXITY.value is not None:
        print(json.dumps({"perplexity": train_until(TARGET_PERPLEXITY.value)}))
        return
    num_tokens, seconds = (
        train_tutorial()
        if IMPLEMENTATION.value == "tutorial"
        else train_package(IMPLEMENTATION.value)
    )
    num_steps = LAST_STEP.value - FIRST_STEP.value
    print(json.dumps({"words": num_tokens / seconds, "seconds": seconds / num_steps}))


def make_config(dtype: str):
    """Returns the config of training, with the options of --options."""
    config = training_setup.make_config(
        epochs=1000, compute_dtype=dtype, clip_norm=CLIP_NORM, patience=PATIENCE
    )
    return cli_flags.override_options(config, OPTIONS.value)


def train_package(dtype: str) -> tuple[float, float]:
    """Trains like train.py; returns the number of timed target tokens, and the seconds."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Clock(Callback):
        """Records the time at the first and at the last step, and counts the tokens in between."""

        def __init__(self):
            self.num_tokens, self.times = 0, []

        def on_step_end(self, info):
            self.num_tokens += info.num_tokens if self.times else 0
            if info.step in (FIRST_STEP.value, LAST_STEP.value):
                self.times.append(time.perf_counter())
            return info.step == LAST_STEP.value

    clock = Clock()
    with tempfile.TemporaryDirectory() as directory:
        train(read_split(), directory, make_config(dtype), [], progress=False, callbacks=[clock])
    start_time, end_time = clock.times
    return clock.num_tokens, end_time - start_time


def train_until(perplexity: float) -> list[float]:
    """Trains up to a perplexity; returns the validation perplexity of each epoch."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Stop(Callback):
        def on_epoch_end(self, info):
            return info.history[-1]["val_perplexity"] <= perplexity

    with tempfile.TemporaryDirectory() as directory:
        history = train(
            *(read_split(), directory, make_config(IMPLEMENTATION.value), read_split("dev")),
            progress=False,
            callbacks=[Stop()],
        )
    return history["val_perplexity"]


def train_tutorial() -> tuple[float, float]:
    """Trains like the tutorials, with all batches padded to the longest pair of the corpus."""
    import tensorflow as tf
    from tensorflow_addons import seq2seq

    from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
    from experiments.benchmarks.baselines.tfa_training import TutorialSeq2Seq, make_train_step

    config = make_config("float32")
    tokenizer = Seq2SeqTokenizer.build(read_split(), config.text)
    sides = [[], []]
    for prompt, reply, *_ in read_split():
        ids = tokenizer.source.encode(prompt, MAX_LENGTH.value), tokenizer.target.encode(reply)
        if len(ids[0]) <= MAX_LENGTH.value >= len(ids[1]) - 1 >= 1:
            for side, side_ids in zip(sides, ids):
                side.append(side_ids)
    tf.keras.utils.set_random_seed(1)
    tensors = [tensor for side in sides for tensor in pad_rows(side)]
    dataset = tf.data.Dataset.from_tensor_slices(tuple(tensors)).shuffle(len(sides[0])).repeat()
    dataset = dataset.batch(config.training.batch_size).prefetch(tf.data.AUTOTUNE)
    model = TutorialSeq2Seq(UNITS.value, len(tokenizer.target.vocabulary), seq2seq)
    train_step = make_train_step(model, CLIP_NORM, seq2seq)
    num_tokens = 0
    for step, batch in enumerate(islice(dataset, LAST_STEP.value), start=1):
        float(train_step(*batch))
        if step == FIRST_STEP.value:
            start_time = time.perf_counter()
        elif step > FIRST_STEP.value:
            num_tokens += int(tf.reduce_sum(batch[3]))
    return num_tokens, time.perf_counter() - start_time


def pad_rows(rows: list[list[int]]):
    """Pads rows of ids; returns int32[rows, time] and the lengths int32[rows]."""
    import numpy as np

    length = np.array([len(row) for row in rows], np.int32)
    ids = np.zeros([len(rows), length.max()], np.int32)
    for padded_row, row in zip(ids, rows):
        padded_row[: len(row)] = row
    return ids, length


def peak_flops(dtype: str) -> float:
    """Returns the highest FLOP/s of several large matrix products."""
    import tensorflow as tf

    size, durations = 2048, []
    left, right = (tf.cast(tf.random.normal([size, size]), dtype) for _ in range(2))
    for _ in range(10):
        start_time = time.perf_counter()
        tf.matmul(left, right)[0, 0].numpy()
        durations.append(time.perf_counter() - start_time)
    return 2 * size**3 / min(durations)


if __name__ == "__main__":
    console.run_main(main)
