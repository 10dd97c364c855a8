"""A model folder: whose training is in it, how far it has come, and who may write there."""

import contextlib
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from attention_seq2seq.card import CARD, card_of
from attention_seq2seq.config import FILE_NAME, Config
from attention_seq2seq.files import PART, locked, whole_file
from attention_seq2seq.text.codec import Codec
from attention_seq2seq.training.checkpoints import Checkpoints
from attention_seq2seq.training.measuring import best_of
from attention_seq2seq.training.results import BEST, LAST, LOG, OFFENDING_BATCH

# An empty file that says: the weights beside it are those of a whole training.
FINISHED = "finished"

# How many pairs a model has learnt from, and the hashes of what it was given.
TRAINED_ON = "trained_on.json"

# The folder of what a training that was stopped goes on from.
CHECKPOINTS = "checkpoints"

# The folder of curves, where they are asked for.
TENSORBOARD = "tensorboard"

_LOCK = "training.lock"
_WRITTEN = (FINISHED, LOG, BEST, LAST, OFFENDING_BATCH, CARD)
_ADVICE = "Give another model_dir, or overwrite to train anew."


@contextlib.contextmanager
def entered(folder: Path, config: Config, trained_on: dict, overwrite: bool) -> Iterator[bool]:
    """Within it a training with these options may write into the folder, and no other process may.

    Nothing that is there is removed before `begin`.

    Args:
        folder: made if it is not there.
        config: the options.
        trained_on: what is known of the pairs and of what else the training is given.
        overwrite: whether another training that is there, or one that has ended, may be removed.

    Yields:
        Whether this very training was begun there before: to go on, or to be read if it has ended.

    Raises:
        ValueError: another training is there, or another process is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / _LOCK):
        for name in (*_WRITTEN, FILE_NAME, TRAINED_ON):
            for left_behind in folder.glob(f"{name}*{PART}"):
                left_behind.unlink()
        yield _was_begun(folder, config, trained_on, overwrite)


def _was_begun(folder: Path, config: Config, trained_on: dict, overwrite: bool) -> bool:
    if overwrite:
        # One that was stopped on the way ends as it would if it were trained anew.
        with contextlib.suppress(ValueError, OSError):
            return not is_finished(folder) and not _difference(folder, config, trained_on)
        return False
    if (folder / FILE_NAME).is_file():
        if difference := _difference(folder, config, trained_on):
            raise ValueError(f"{folder} was trained, or begun, {difference}. {_ADVICE}")
        return True
    if found := [name for name in (*_WRITTEN, CHECKPOINTS) if (folder / name).exists()]:
        raise ValueError(f"{folder} has {found[0]}, but no {FILE_NAME} that tells whose. {_ADVICE}")
    return False


def _difference(folder: Path, config: Config, trained_on: dict) -> str:
    """What the training in the folder has that this one has not; nothing if it is the same."""
    begun = Config.load(folder)
    for group, options in vars(config).items():
        for name, value in vars(options).items():
            found = getattr(getattr(begun, group), name)
            # What `auto` was when it was begun, it stays.
            if found != value and (name, value) != ("dtype", "auto"):
                return f"with {name} {found!r}; now it is {value!r}"
    known = json.loads((folder / TRAINED_ON).read_text(encoding="utf-8"))
    for name in known.keys() | trained_on.keys():
        if known.get(name) != trained_on.get(name):
            return f"on other {name.removeprefix('sha256_of_').replace('_', ' ')}"
    return ""


def begin(folder: Path, config: Config, trained_on: dict, codec: Codec) -> None:
    """Removes what another training has left, and notes that this one is begun."""
    (folder / FILE_NAME).unlink(missing_ok=True)
    # Weights of an earlier training do not fit a new vocabulary.
    for name in _WRITTEN:
        (folder / name).unlink(missing_ok=True)
    Checkpoints(folder / CHECKPOINTS).clear()
    # The curves of two trainings would be drawn as one.
    shutil.rmtree(folder / TENSORBOARD, ignore_errors=True)
    codec.save(folder)
    with whole_file(folder / TRAINED_ON) as file:
        file.write((json.dumps(trained_on, indent=2) + "\n").encode())
    # The last thing to be written: where it is, a training was begun.
    config.save(folder)


def finish(folder: Path, config: Config, trained_on: dict, history: list[dict[str, float]]) -> None:
    """Writes the card of the model, and notes that the training has come to its end.

    Args:
        folder: of the model.
        config: the options.
        trained_on: what is known of the pairs.
        history: what was measured after each epoch.
    """
    answers = None
    if config.training.answer_with == "best":
        answers = best_of(config.training.best_by, history)
    epoch = len(history) - 1 if answers is None else answers
    with whole_file(folder / CARD) as file:
        file.write(card_of(config, trained_on, history[epoch], epoch + 1).encode())
    (folder / FINISHED).touch()


def is_finished(folder: Path) -> bool:
    """Whether it has."""
    return (folder / FINISHED).is_file()


def read_log(folder: Path) -> dict[str, list[float]]:
    """What was measured after each epoch, by name."""
    with (folder / LOG).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
