"""A model folder: whose training is in it, how far it has come, and who may write there."""

import contextlib
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

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
from attention_seq2seq.text.seq2seq_tokenizer import CODEC_FILES, Codec, codec_files
from attention_seq2seq.training.checkpoint_manager import CheckpointManager
from attention_seq2seq.training.model_card import render_model_card
from attention_seq2seq.training.training_files import record, record_also, recorded_hash, written
from attention_seq2seq.training.validation import best_epoch
from attention_seq2seq.utils.files import left_behind, locked, sha256_of, write_json, write_text

# Suffix of our event files, which tells them from others in the folder.
CURVES_SUFFIX = ".attention_seq2seq"

# Takes the place of the hash of a file that can no longer be read.
UNREADABLE = "unreadable"

_RESULTS = (
    FINISHED_FILE,
    HISTORY_FILE,
    BEST_WEIGHTS_FILE,
    LAST_WEIGHTS_FILE,
    NONFINITE_BATCH_FILE,
    MODEL_CARD_FILE,
)
_OF_ALL = (
    *_RESULTS,
    CONFIG_FILE,
    PROVENANCE_FILE,
    TRAINING_FILES_FILE,
    *CODEC_FILES,
    CHECKPOINT_DIR,
    TENSORBOARD_DIR,
)
_ADVICE = "Give another model_dir, or overwrite to train anew."
# Options that name files, which are compared by their content, wherever they lie.
BY_CONTENT = ("data", "user_dictionary", "initial_model", "pretrained_embeddings")
# Hashes that earlier versions did not take.
_LATER = tuple(
    f"sha256_of_{name}"
    for name in ("initial_model", "pretrained_embeddings", "validation_shards", "vocabulary")
)


@contextlib.contextmanager
def open_model_dir(
    folder: Path, config: Config, provenance: dict, overwrite: bool
) -> Iterator[bool]:
    """Within it a training with these options may write into the folder, and no other process may.

    Nothing that is there is removed before `begin`, and nothing that no training has written.

    Args:
        folder: made if it is not there.
        config: the options.
        provenance: what is known of the pairs and of what else the training is given.
        overwrite: whether another training that is there, or one that has ended, may be removed.

    Yields:
        Whether this very training was begun there before: to go on, or to be read if it has ended.

    Raises:
        ValueError: another training is there, or files that no training has written, or another
            process is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    this = config, provenance, overwrite
    # Before the lock, too, so that a folder of somebody else's stays as it is.
    _refuse_others_files(folder, *this)
    with locked(folder / TRAINING_LOCK_FILE):
        _refuse_others_files(folder, *this)
        was_begun = _was_begun(folder, *this)
        known = _written(folder)
        for name in (*known, TRAINING_FILES_FILE):
            for path in left_behind(folder, name):
                path.unlink()
        yield was_begun


def _written(folder: Path) -> set[str]:
    """The names of what trainings have written into the folder."""
    known = written(folder)
    if known is not None:
        return known
    # Earlier versions kept no record.
    with contextlib.suppress(OSError, ValueError):
        config = Config.load(folder)
        return set(_OF_ALL) - set(CODEC_FILES) | set(codec_files(config.text))
    return set()


def _refuse_others_files(folder: Path, config: Config, provenance: dict, overwrite: bool) -> None:
    known = _written(folder)
    others = [name for name in _OF_ALL if name not in known]
    card = folder / MODEL_CARD_FILE
    with contextlib.suppress(ValueError, OSError):
        ended = is_finished(folder) and not overwrite and CONFIG_FILE in known
        # Nothing is written where this very training has ended.
        if ended and not _difference(folder, config, provenance):
            return
    for name in others:
        # A link that leads nowhere is somebody's file, too.
        if os.path.lexists(folder / name):
            raise ValueError(
                f"{folder / name} was not written by a training, and one would replace or remove "
                "it. Move it away, or give another model_dir."
            )
    if card.is_file() and recorded_hash(folder, MODEL_CARD_FILE) not in ("", sha256_of(card)):
        raise ValueError(
            f"{card} was changed since it was written, and training would replace it. Move it "
            "away, or give another model_dir."
        )


def _was_begun(folder: Path, config: Config, provenance: dict, overwrite: bool) -> bool:
    if overwrite:
        # One that was stopped on the way ends as it would if it were trained anew.
        with contextlib.suppress(ValueError, OSError):
            return not is_finished(folder) and not _difference(folder, config, provenance)
        return False
    if not (folder / CONFIG_FILE).is_file():
        return False
    if difference := _difference(folder, config, provenance):
        raise ValueError(f"{folder} was trained, or begun, {difference}. {_ADVICE}")
    return True


def _difference(folder: Path, config: Config, provenance: dict) -> str:
    """What the training in the folder has that this one has not; nothing if it is the same."""
    begun = Config.load(folder)
    for group, options in vars(config).items():
        for name, value in vars(options).items():
            found = getattr(getattr(begun, group), name)
            if name in BY_CONTENT:
                found, value = bool(found), bool(value)
            # What `auto` was when it was begun, it stays.
            if found != value and (name, value) != ("dtype", "auto"):
                return f"with {name} {found!r}; now it is {value!r}"
    known = json.loads((folder / PROVENANCE_FILE).read_text(encoding="utf-8"))
    for name in sorted(known.keys() | provenance.keys()):
        values = known.get(name), provenance.get(name)
        if name == "corpora":
            # What they were called is no matter.
            values = tuple([corpus["sha256"] for corpus in value or ()] for value in values)
        is_unknown = UNREADABLE in values or (name in _LATER and name not in known)
        if values[0] != values[1] and not is_unknown:
            return f"on other {name.removeprefix('sha256_of_').replace('_', ' ')}"
    return ""


def begin(folder: Path, config: Config, provenance: dict, codec: Codec) -> None:
    """Removes what another training has left, and notes that this one is begun."""
    before = _written(folder)
    names = {
        CONFIG_FILE,
        PROVENANCE_FILE,
        HISTORY_FILE,
        BEST_WEIGHTS_FILE,
        LAST_WEIGHTS_FILE,
        CHECKPOINT_DIR,
        TENSORBOARD_DIR,
    }
    names |= set(codec_files(config.text))
    # Said first: killed at any time from here on, the folder holds nothing that is nobody's.
    record(folder, before | names)
    (folder / CONFIG_FILE).unlink(missing_ok=True)
    # Weights of an earlier training do not fit a new vocabulary.
    for name in {*_RESULTS, PROVENANCE_FILE, *CODEC_FILES} & before:
        (folder / name).unlink(missing_ok=True)
    CheckpointManager(folder / CHECKPOINT_DIR).clear()
    # The curves of two trainings would be drawn as one.
    for path in (folder / TENSORBOARD_DIR).glob(f"events.out.tfevents.*{CURVES_SUFFIX}.v2"):
        path.unlink()
    codec.save(folder)
    write_json(folder / PROVENANCE_FILE, provenance)
    record(folder, names)
    # The last thing to be written: where it is, a training was begun.
    config.save(folder)


def finish(folder: Path, config: Config, provenance: dict, history: list[dict[str, float]]) -> None:
    """Writes the card of the model, and notes that the training has come to its end.

    Args:
        folder: of the model.
        config: the options.
        provenance: what is known of the pairs.
        history: what was measured after each epoch.
    """
    answers = None
    if config.training.answer_with == "best":
        answers = best_epoch(config.training.best_by, history)
    epoch = len(history) - 1 if answers is None else answers
    record_also(folder, MODEL_CARD_FILE, FINISHED_FILE)
    write_text(
        folder / MODEL_CARD_FILE, render_model_card(config, provenance, history[epoch], epoch + 1)
    )
    record(folder, _written(folder), {MODEL_CARD_FILE: sha256_of(folder / MODEL_CARD_FILE)})
    (folder / FINISHED_FILE).touch()


def is_finished(folder: Path) -> bool:
    """Whether it has."""
    return (folder / FINISHED_FILE).is_file()


def read_history(folder: Path) -> dict[str, list[float]]:
    """What was measured after each epoch, by name."""
    with (folder / HISTORY_FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
