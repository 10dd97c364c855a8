"""Trains for some steps, as benchmark.py asks for it, and prints how fast: one line of JSON.

In a process of its own, so that its memory is its own.
"""

import json
import tempfile
import time
from itertools import islice
from pathlib import Path

from absl import flags

import console

WAY = flags.DEFINE_enum(
    "way",
    "float32",
    ["float32", "bfloat16", "tutorial", "peak"],
    "how to train; or to multiply large matrices, and nothing else",
)
WORK = flags.DEFINE_string("work", None, "the folder with train.tsv [path]", required=True)
UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY = flags.DEFINE_integer("vocabulary", 8000, "words of the model", lower_bound=20)
LONGEST = flags.DEFINE_integer("longest", 30, "longer pairs are left out [words]", lower_bound=1)
FIRST = flags.DEFINE_integer("first", 100, "the step after which time is taken", lower_bound=1)
UNTIL = flags.DEFINE_float(
    "until", None, "train until the perplexity on dev.tsv is no higher, whatever the steps"
)
LAST = flags.DEFINE_integer("last", 400, "the last step", lower_bound=2)

CLIP_NORM = 5.0
# Epochs, after which a perplexity is taken for out of reach.
MOST = 20


def main(_) -> None:
    """Trains the way that is asked for."""
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
    from attention_seq2seq.config import (
        Config,
        DataConfig,
        ModelConfig,
        TextConfig,
        TrainingConfig,
    )

    return Config(
        DataConfig(max_source_length=LONGEST.value, max_target_length=LONGEST.value),
        TextConfig("blanks", "blanks", vocabulary_size=VOCABULARY.value),
        ModelConfig(units=UNITS.value),
        TrainingConfig(
            epochs=1000,
            dtype=dtype,
            clip_norm=CLIP_NORM,
            unknown_probability=0.0,
            patience=0,
        ),
    )


def pairs(name: str = "train"):
    """The pairs of a file."""
    from attention_seq2seq.data.readers import read_pairs

    return read_pairs([str(Path(WORK.value) / f"{name}.tsv")])[0]


def ours(dtype: str) -> tuple[float, float]:
    """The words, and the seconds they took, of what train.py runs."""
    from tensorflow import keras

    from attention_seq2seq.training.trainer import train

    class Clock(keras.callbacks.Callback):
        """Reads the time, and the words so far, at the first step and the last."""

        def __init__(self):
            super().__init__()
            self.step, self.read, self.words = 0, [], 0.0

        def on_train_batch_end(self, batch, logs=None):
            self.step += 1
            if self.step in (FIRST.value, LAST.value):
                words = self.words + float(self.model.loss_mean.count)
                self.read.append((words, time.perf_counter()))
            self.model.stop_training = self.step >= LAST.value

        def on_epoch_end(self, epoch, logs=None):
            # With the next epoch Keras counts from zero again.
            self.words += float(self.model.loss_mean.count)

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(pairs(), folder, config_of(dtype), [], progress=False, callbacks=[clock])
    (before, begin), (after, end) = clock.read
    return after - before, end - begin


def train_until(perplexity: float) -> list[float]:
    """The validation perplexity of each epoch, up to the first that is no higher."""
    from tensorflow import keras

    from attention_seq2seq.training.trainer import train

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = logs["val_perplexity"] <= perplexity or epoch + 1 == MOST

    with tempfile.TemporaryDirectory() as folder:
        history = train(
            pairs(), folder, config_of(WAY.value), pairs("dev"), progress=False, callbacks=[Stop()]
        )
    return history["val_perplexity"]


def tutorial() -> tuple[float, float]:
    """The same the way of the tutorials: every batch as long as the corpus' longest pair."""
    import tensorflow as tf
    from tfa_training import TutorialSeq2Seq, train_step_of

    from attention_seq2seq.text.codec import Codec

    config = config_of("float32")
    codec = Codec.build(pairs(), config.text)
    sides = [[], []]
    for prompt, reply, *_ in pairs():
        ids = codec.encode_prompt(prompt, LONGEST.value), codec.encode_reply(reply)
        if len(ids[0]) <= LONGEST.value >= len(ids[1]) - 1 >= 1:
            for side, of_side in zip(sides, ids):
                side.append(of_side)
    tf.keras.utils.set_random_seed(1)
    tensors = [tensor for side in sides for tensor in padded(side)]
    dataset = tf.data.Dataset.from_tensor_slices(tuple(tensors)).shuffle(len(sides[0])).repeat()
    dataset = dataset.batch(config.training.batch_size).prefetch(tf.data.AUTOTUNE)
    model = TutorialSeq2Seq(UNITS.value, len(codec.target_vocabulary))
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
    console.run(main)
