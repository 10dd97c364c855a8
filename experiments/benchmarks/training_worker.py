"""Trains for some steps, as benchmark.py asks for it, and prints how fast: one line of JSON.

In a process of its own, so that its memory is its own.
"""

import json
import tempfile
import time
from itertools import islice
from pathlib import Path

from absl import flags

import config_flags
import console

WAY = flags.DEFINE_enum(
    "way",
    "float32",
    ["float32", "bfloat16", "tutorial", "peak"],
    "how to train; or to multiply large matrices, and nothing else",
)
WORK = config_flags.define_path("work", None, "the folder with train.tsv [path]", required=True)
UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "tokens in the vocabulary of the model", lower_bound=20
)
LONGEST = flags.DEFINE_integer("longest", 30, "longer pairs are left out [words]", lower_bound=1)
FIRST = flags.DEFINE_integer("first", 100, "the step after which time is taken", lower_bound=1)
UNTIL = flags.DEFINE_float(
    "until", None, "train until the perplexity on dev.tsv is no higher, whatever the steps"
)
OPTIONS = flags.DEFINE_list("options", [], "flags of train.py, beside those that all systems have")
LAST = flags.DEFINE_integer("last", 400, "the last step", lower_bound=2)

REPEATABLE = flags.DEFINE_bool(
    "repeatable", True, "train as train.py does, with operations that are deterministic"
)

CLIP_NORM = 5.0
# Epochs without a lower perplexity, after which one is taken for out of reach.
PATIENCE = 3


def main(_) -> None:
    """Trains the way that is asked for."""
    import tensorflow as tf

    if REPEATABLE.value and WAY.value in ("float32", "bfloat16"):
        tf.config.experimental.enable_op_determinism()
    if WAY.value == "peak":
        print(json.dumps({dtype: matrix_peak(dtype) for dtype in ("float32", "bfloat16")}))
        return
    if UNTIL.value is not None:
        print(json.dumps({"perplexity": train_until(UNTIL.value)}))
        return
    words, seconds = tutorial() if WAY.value == "tutorial" else ours(WAY.value)
    steps = LAST.value - FIRST.value
    print(json.dumps({"words": words / seconds, "seconds": seconds / steps}))


def config_of(dtype: str):
    """The document's model on text that has been cut already."""
    from attention_seq2seq.config.config import (
        Config,
        DataConfig,
        ModelConfig,
        TextConfig,
        TrainingConfig,
    )

    config = Config(
        DataConfig(max_source_length=LONGEST.value, max_target_length=LONGEST.value),
        TextConfig("blanks", "blanks", vocabulary_size=VOCABULARY_SIZE.value),
        ModelConfig(units=UNITS.value),
        TrainingConfig(
            epochs=1000,
            dtype=dtype,
            clip_norm=CLIP_NORM,
            unknown_probability=0.0,
            patience=PATIENCE,
        ),
    )
    return config_flags.override_options(config, OPTIONS.value)


def pairs(name: str = "train"):
    """The pairs of a file."""
    from attention_seq2seq.data.readers import read_pairs

    return read_pairs([str(Path(WORK.value) / f"{name}.tsv")])[0]


def ours(dtype: str) -> tuple[float, float]:
    """The words, and the seconds they took, of what train.py runs."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Clock(Callback):
        """Reads the time at the first step and the last, and counts words in between."""

        def __init__(self):
            self.words, self.times = 0, []

        def on_step_end(self, info):
            self.words += info.num_tokens if self.times else 0
            if info.step in (FIRST.value, LAST.value):
                self.times.append(time.perf_counter())
            return info.step == LAST.value

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(pairs(), folder, config_of(dtype), [], progress=False, callbacks=[clock])
    begin, end = clock.times
    return clock.words, end - begin


def train_until(perplexity: float) -> list[float]:
    """The validation perplexity of each epoch, up to the first that is no higher."""
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.base import Callback

    class Stop(Callback):
        def on_epoch_end(self, info):
            return info.history[-1]["val_perplexity"] <= perplexity

    with tempfile.TemporaryDirectory() as folder:
        history = train(
            *(pairs(), folder, config_of(WAY.value), pairs("dev")),
            progress=False,
            callbacks=[Stop()],
        )
    return history["val_perplexity"]


def tutorial() -> tuple[float, float]:
    """The same the way of the tutorials: every batch as long as the corpus' longest pair."""
    import tensorflow as tf

    from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
    from experiments.benchmarks.baselines.tfa_training import TutorialSeq2Seq, train_step_of

    config = config_of("float32")
    tokenizer = Seq2SeqTokenizer.build(pairs(), config.text)
    sides = [[], []]
    for prompt, reply, *_ in pairs():
        ids = tokenizer.source.encode(prompt, LONGEST.value), tokenizer.target.encode(reply)
        if len(ids[0]) <= LONGEST.value >= len(ids[1]) - 1 >= 1:
            for side, of_side in zip(sides, ids):
                side.append(of_side)
    tf.keras.utils.set_random_seed(1)
    tensors = [tensor for side in sides for tensor in padded(side)]
    dataset = tf.data.Dataset.from_tensor_slices(tuple(tensors)).shuffle(len(sides[0])).repeat()
    dataset = dataset.batch(config.training.batch_size).prefetch(tf.data.AUTOTUNE)
    model = TutorialSeq2Seq(UNITS.value, len(tokenizer.target.vocabulary))
    train_step = train_step_of(model, CLIP_NORM)
    words = 0
    for step, batch in enumerate(islice(dataset, LAST.value), start=1):
        float(train_step(*batch))
        if step == FIRST.value:
            begin = time.perf_counter()
        elif step > FIRST.value:
            words += int(tf.reduce_sum(batch[3]))
    return words, time.perf_counter() - begin


def padded(rows: list[list[int]]):
    """int32[rows, longest] and int32[rows], the lengths."""
    import numpy as np

    length = np.array([len(row) for row in rows], np.int32)
    ids = np.zeros([len(rows), length.max()], np.int32)
    for of_row, row in zip(ids, rows):
        of_row[: len(row)] = row
    return ids, length


def matrix_peak(dtype: str) -> float:
    """Operations a second of a large matrix product, the best of some."""
    import tensorflow as tf

    size, times = 2048, []
    left, right = (tf.cast(tf.random.normal([size, size]), dtype) for _ in range(2))
    for _ in range(10):
        begin = time.perf_counter()
        tf.matmul(left, right)[0, 0].numpy()
        times.append(time.perf_counter() - begin)
    return 2 * size**3 / min(times)


if __name__ == "__main__":
    console.run_main(main)
