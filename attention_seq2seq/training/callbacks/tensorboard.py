"""TensorBoard callback for metrics, sample replies and attention images."""

import contextlib
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.training.callbacks.base import Callback, EpochInfo, StepInfo
from attention_seq2seq.training.callbacks.sample_replies import SampleReply
from attention_seq2seq.training.model_dir import EVENT_FILE_SUFFIX
from attention_seq2seq.utils.plotting import require_packages, save_heatmaps

# Interval between points of the loss curve [updates], and number of samples with attention images.
_UPDATE_INTERVAL, _MAX_IMAGES = 20, 4


class TensorBoard(Callback):
    """Writes event files for `tensorboard --logdir=LOG_DIR`.

    Args:
        log_dir: the directory of the event files.

    Raises:
        OSError: a file cannot be written.
        ValueError: the packages for plots are not installed.
    """

    def __init__(self, log_dir: str | Path):
        # Summaries need the package too. TensorFlow installed it up to version 2.19.
        require_packages("matplotlib", "mplfonts", "tensorboard")
        self._log_dir = log_dir
        self._writer = None
        self._step = 0

    @contextlib.contextmanager
    def _default_writer(self) -> Iterator[None]:
        """Writes the summaries of the context, and converts TensorFlow errors to OSError."""
        try:
            # Created with the first summary, so that a rejected run writes no file.
            self._writer = self._writer or tf.summary.create_file_writer(
                os.fsencode(self._log_dir), filename_suffix=f"{EVENT_FILE_SUFFIX}.v2"
            )
            with self._writer.as_default(step=self._step):
                yield
        except tf.errors.OpError as error:
            raise OSError(f"{self._log_dir}: {error.message}") from error

    def on_step_end(self, info: StepInfo) -> None:
        """Adds a point to the loss curve."""
        self._step = info.step
        if info.step % _UPDATE_INTERVAL == 0:
            with self._default_writer():
                tf.summary.scalar("loss of the epoch so far", info.loss)

    def on_epoch_end(self, info: EpochInfo) -> None:
        """Adds the metrics, the replies and their attention weights."""
        with self._default_writer():
            for name, value in info.history[-1].items():
                tf.summary.scalar(name, value)
            if info.samples:
                tf.summary.text("replies", _as_markdown(info.samples))
            for index, sample in enumerate(info.samples[:_MAX_IMAGES], 1):
                if sample.attention_weights.size:
                    tf.summary.image(f"attention {index}", _attention_image(sample)[tf.newaxis])

    def on_train_end(self) -> None:
        """Flushes the event file."""
        if self._writer:
            with self._default_writer():
                self._writer.flush()


def _as_markdown(samples) -> str:
    rows = (
        f"| {_cell(''.join(sample.prompt_words))} | {_cell(sample.text)} |" for sample in samples
    )
    return "\n".join(["| prompt | reply |", "|---|---|", *rows])


def _cell(text: str) -> str:
    """Escapes Markdown and lone surrogates in a text."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\n", " ")
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&$-])", r"\\\1", text)


def _attention_image(sample: SampleReply) -> tf.Tensor:
    png = io.BytesIO()
    tables = {"attention weights": sample.attention_weights}
    save_heatmaps(png, sample.row_labels, sample.prompt_words, tables)
    return tf.io.decode_png(png.getvalue(), channels=3)
