"""A training as TensorBoard shows it: curves, replies as text, attention as images."""

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
from attention_seq2seq.utils.plotting import cjk_font, save_heatmaps

# Updates between two points of the curve of the loss; samples whose attention is drawn.
_EVERY, _DRAWN = 20, 4


class TensorBoard(Callback):
    """Writes what `tensorboard --logdir=FOLDER` shows.

    Args:
        folder: where to.

    Raises:
        OSError: it cannot be written to.
        ValueError: the packages for pictures are not installed.
    """

    def __init__(self, folder: str | Path):
        # What pictures need is missed now, not after the first epoch.
        cjk_font()
        self._folder = folder
        self._writer = None
        self._updates = 0

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Within it summaries go into the folder; what prevents it is an error of the system."""
        try:
            # Made when it is needed, so that a training that is refused leaves nothing.
            self._writer = self._writer or tf.summary.create_file_writer(
                os.fsencode(self._folder), filename_suffix=f"{EVENT_FILE_SUFFIX}.v2"
            )
            with self._writer.as_default(step=self._updates):
                yield
        except tf.errors.OpError as error:
            raise OSError(f"{self._folder}: {error.message}") from error

    def on_step_end(self, info: StepInfo) -> None:
        """Adds a point to the curve of the loss."""
        self._updates = info.step
        if info.step % _EVERY == 0:
            with self._writing():
                tf.summary.scalar("loss of the epoch so far", info.loss)

    def on_epoch_end(self, info: EpochInfo) -> None:
        """Adds what was measured, the replies and their attention."""
        with self._writing():
            for name, value in info.history[-1].items():
                tf.summary.scalar(name, value)
            if info.samples:
                tf.summary.text("replies", _as_markdown(info.samples))
            for number, sample in enumerate(info.samples[:_DRAWN], 1):
                if sample.attention_weights.size:
                    tf.summary.image(f"attention {number}", _picture(sample)[tf.newaxis])

    def on_train_end(self) -> None:
        """Writes what has not been written yet."""
        if self._writer:
            with self._writing():
                self._writer.flush()


def _as_markdown(samples) -> str:
    rows = (
        f"| {_cell(''.join(sample.prompt_tokens))} | {_cell(sample.text)} |" for sample in samples
    )
    return "\n".join(["| prompt | reply |", "|---|---|", *rows])


def _cell(text: str) -> str:
    """Escapes Markdown and lone surrogates in a text."""
    text = text.encode("utf-8", "backslashreplace").decode().replace("\n", " ")
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&$-])", r"\\\1", text)


def _picture(sample: SampleReply) -> tf.Tensor:
    png = io.BytesIO()
    tables = {"attention weights": sample.attention_weights}
    save_heatmaps(png, sample.row_labels, sample.prompt_tokens, tables)
    return tf.io.decode_png(png.getvalue(), channels=3)
