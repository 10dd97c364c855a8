"""Reads and writes a model directory, and decides which training run may write to it."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.artifacts import (
    BEST_WEIGHTS_FILE,
    CHECKPOINT_DIR,
    CONFIG_FILE,
    FINISHED_FILE,
    HISTORY_FILE,
    LAST_WEIGHTS_FILE,
    MODEL_CARD_FILE,
    NONFINITE_BATCH_FILE,
    PROVENANCE_FILE,
    TENSORBOARD_DIR,
    TRAINING_FILES_FILE,
    TRAINING_LOCK_FILE,
)
from attention_seq2seq.config.config import Config
from attention_seq2seq.models.weights import save_arrays
from attention_seq2seq.text.seq2seq_tokenizer import (
    TOKENIZER_FILES,
    Seq2SeqTokenizer,
    tokenizer_files,
)
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from attention_seq2seq.training.early_stopping import best_epoch
from attention_seq2seq.training.model_card import render_model_card
from attention_seq2seq.training.training_files import (
    add_to_record,
    record,
    recorded_hash,
    recorded_names,
    remove_unused_dirs,
)
from attention_seq2seq.utils.files import (
    file_lock,
    find_partial_files,
    sha256_file,
    write_json,
    write_text,
)

# Suffix of the event files of this package. Other event files are never removed.
EVENT_FILE_SUFFIX = ".attention_seq2seq"

# Replaces the hash of a file that can no longer be read.
UNREADABLE = "unreadable"

# Options that name files. Files are compared by content, not by path.
FILE_OPTIONS = ("data", "user_dictionary", "init_from", "pretrained_embeddings")

_RESULT_FILES = (
    FINISHED_FILE,
    HISTORY_FILE,
    BEST_WEIGHTS_FILE,
    LAST_WEIGHTS_FILE,
    NONFINITE_BATCH_FILE,
    MODEL_CARD_FILE,
)
_ALL_FILES = (
    *_RESULT_FILES,
    CONFIG_FILE,
    PROVENANCE_FILE,
    TRAINING_FILES_FILE,
    *TOKENIZER_FILES,
    CHECKPOINT_DIR,
    TENSORBOARD_DIR,
)


class ModelDir:
    """The directory of one model.

    Args:
        path: the directory.
        config: the options of the training run.
        provenance: number and hashes of the inputs.

    Attributes:
        path: the directory.
        provenance: number and hashes of the inputs.
        checkpoints: the checkpoints in the directory.
    """

    def __init__(self, path: Path, config: Config, provenance: dict):
        self.path = path
        self._config = config
        self.provenance = provenance

    @property
    def checkpoints(self) -> CheckpointManager:
        """The checkpoints in the directory."""
        return CheckpointManager(self.path / CHECKPOINT_DIR)

    @contextlib.contextmanager
    def open(self, overwrite: bool) -> Iterator[bool]:
        """Locks the directory for this training run.

        No file is removed before `start`. Files not written by a training run are never removed.

        Args:
            overwrite: whether a finished or different training run may be replaced.

        Yields:
            Whether the directory already holds this training run, unfinished or finished.

        Raises:
            ValueError: the directory holds a different training run or other files with the same
                names, or another process uses the directory.
        """
        new_dirs = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        # Also checked before the lock file is created, so that a foreign directory stays unchanged.
        self._check_foreign_files(overwrite)
        with file_lock(self.path / TRAINING_LOCK_FILE):
            self._check_foreign_files(overwrite)
            is_resumed = self._is_resumable(overwrite)
            for name in (*recorded_names(self.path), TRAINING_FILES_FILE):
                for path in find_partial_files(self.path, name):
                    path.unlink()
            try:
                yield is_resumed
            finally:
                remove_unused_dirs(new_dirs, self.path / TRAINING_LOCK_FILE)

    def start(self, config: Config, tokenizer: Seq2SeqTokenizer) -> None:
        """Removes the files of the previous training run, and writes those of a new one.

        Args:
            config: the options of the training run, with `compute_dtype` resolved.
            tokenizer: the tokenizer of the model.
        """
        old_names = recorded_names(self.path)
        names = {
            CONFIG_FILE,
            PROVENANCE_FILE,
            HISTORY_FILE,
            BEST_WEIGHTS_FILE,
            LAST_WEIGHTS_FILE,
            CHECKPOINT_DIR,
            TENSORBOARD_DIR,
        }
        names |= set(tokenizer_files(config.text))
        # Recorded first, so that no file is unrecorded if the process is killed.
        record(self.path, old_names | names)
        (self.path / CONFIG_FILE).unlink(missing_ok=True)
        # Weights of the previous run do not fit a new vocabulary.
        for name in {*_RESULT_FILES, PROVENANCE_FILE, *TOKENIZER_FILES} & old_names:
            (self.path / name).unlink(missing_ok=True)
        self.checkpoints.delete_all()
        # TensorBoard would draw the curves of two runs as one.
        events = f"events.out.tfevents.*{EVENT_FILE_SUFFIX}.v2"
        for path in (self.path / TENSORBOARD_DIR).glob(events):
            path.unlink()
        tokenizer.save(self.path)
        write_json(self.path / PROVENANCE_FILE, self.provenance)
        record(self.path, names)
        # Written last, because the config marks a run that has started.
        config.save(self.path)

    def write_epoch(
        self,
        weights: Mapping[str, np.ndarray],
        is_best: bool,
        history: Sequence[Mapping[str, float]],
    ) -> None:
        """Writes the weights and the metrics at the end of an epoch.

        Args:
            weights: the weights at the end of the epoch.
            is_best: whether the epoch is the best so far.
            history: the metrics of each epoch so far.
        """
        save_arrays(weights, self.path / LAST_WEIGHTS_FILE)
        if is_best:
            save_arrays(weights, self.path / BEST_WEIGHTS_FILE)
        text = io.StringIO()
        writer = csv.DictWriter(text, ["epoch", *history[0]], lineterminator="\n")
        writer.writeheader()
        for epoch, metrics in enumerate(history, 1):
            writer.writerow({"epoch": epoch, **metrics})
        write_text(self.path / HISTORY_FILE, text.getvalue())

    def write_nonfinite_batch(
        self,
        batches: Iterable[dict],
        weights: Mapping[str, np.ndarray],
        tokenizer: Seq2SeqTokenizer,
    ) -> None:
        """Writes the pairs of an update whose loss is not finite, and the weights before it."""
        save_arrays(weights, self.path / LAST_WEIGHTS_FILE)
        vocabularies = tokenizer.source.vocabulary, tokenizer.target.vocabulary
        lines = []
        for batch in batches:
            batch_ids = (batch[name].numpy() for name in ("source_ids", "target_ids"))
            for pair_ids in zip(*batch_ids):
                pair_tokens = (
                    vocabulary.tokens(index for index in ids if index)
                    for vocabulary, ids in zip(vocabularies, pair_ids)
                )
                lines.append("\t".join(map(" ".join, pair_tokens)) + "\n")
        add_to_record(self.path, NONFINITE_BATCH_FILE)
        write_text(self.path / NONFINITE_BATCH_FILE, "".join(lines))

    def finish(self, config: Config, history: list[dict[str, float]]) -> None:
        """Writes the model card, and marks the training run as finished.

        Args:
            config: the options of the training run, with `compute_dtype` resolved.
            history: the metrics of each epoch.
        """
        best = None
        if config.training.restore_best_weights:
            best = best_epoch(config.training.monitor, history)
        epoch = len(history) - 1 if best is None else best
        card = self.path / MODEL_CARD_FILE
        add_to_record(self.path, MODEL_CARD_FILE, FINISHED_FILE)
        write_text(card, render_model_card(config, self.provenance, history[epoch], epoch + 1))
        record(self.path, recorded_names(self.path), {MODEL_CARD_FILE: sha256_file(card)})
        (self.path / FINISHED_FILE).touch()

    def _check_foreign_files(self, overwrite: bool) -> None:
        names = recorded_names(self.path)
        card = self.path / MODEL_CARD_FILE
        with contextlib.suppress(ValueError, OSError):
            is_read_only = is_finished(self.path) and not overwrite and CONFIG_FILE in names
            # A finished run is only read.
            if is_read_only and not self._difference():
                return
        for name in _ALL_FILES:
            # `lexists` is also true for broken links.
            if name not in names and os.path.lexists(self.path / name):
                raise ValueError(
                    f"{self.path / name} was not written by a training run, and would be replaced "
                    "or removed. Move it away, or give another model_dir."
                )
        if card.is_file() and recorded_hash(self.path, card.name) not in ("", sha256_file(card)):
            raise ValueError(
                f"{card} was changed since it was written, and would be replaced. Move it away, or "
                "give another model_dir."
            )

    def _is_resumable(self, overwrite: bool) -> bool:
        if overwrite:
            # An unfinished run is resumed, because a new one would give the same result.
            with contextlib.suppress(ValueError, OSError):
                return not is_finished(self.path) and not self._difference()
            return False
        if not (self.path / CONFIG_FILE).is_file():
            return False
        if difference := self._difference():
            raise ValueError(
                f"{self.path} holds a training run {difference}. Give another model_dir, or set "
                "overwrite to replace it."
            )
        return True

    def _difference(self) -> str:
        """Describes how the run in the directory differs; an empty string if it does not."""
        old_config = Config.load(self.path)
        for group, options in vars(self._config).items():
            for name, new in vars(options).items():
                old = getattr(getattr(old_config, group), name)
                if name in FILE_OPTIONS:
                    old, new = bool(old), bool(new)
                # A resumed run keeps the dtype that `auto` was resolved to.
                if old != new and (name, new) != ("compute_dtype", "auto"):
                    return f"with {name} {old!r}; now it is {new!r}"
        provenance = json.loads((self.path / PROVENANCE_FILE).read_text(encoding="utf-8"))
        for name in sorted(provenance.keys() | self.provenance.keys()):
            values = provenance.get(name), self.provenance.get(name)
            if name == "corpora":
                # A corpus may have been renamed.
                values = tuple([corpus["sha256"] for corpus in value or ()] for value in values)
            if values[0] != values[1] and UNREADABLE not in values:
                return f"with other {name.removeprefix('sha256_of_').replace('_', ' ')}"
        return ""


def is_finished(model_dir: Path) -> bool:
    """Returns whether the training run in a directory is finished."""
    return (model_dir / FINISHED_FILE).is_file()


def read_history(model_dir: Path) -> dict[str, list[float]]:
    """Returns the metrics of each epoch, by name."""
    with (model_dir / HISTORY_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
