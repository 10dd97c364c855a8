"""Model directories: trainings never remove or replace files that no training has written."""

import contextlib
import dataclasses
import shutil

import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.training.api import train
from attention_seq2seq.training.objective import Seq2SeqObjective
from helpers.truncated_training import PAIRS, make_config

FOREIGN_CONTENT = b"written by a user"


def assert_failure_leaves_folder(folder, message, invalid_config):
    """Checks that an invalid run fails and removes no file."""
    has_model = folder.exists()
    files = {path: path.read_bytes() for path in folder.iterdir()} if has_model else {}
    with pytest.raises((ValueError, OSError), match=message):
        train(PAIRS, folder, invalid_config, [], progress=False, overwrite=True)
    for path, content in files.items():
        assert path.read_bytes() == content
    assert folder.exists() == has_model


@pytest.mark.parametrize("has_model", [False, True])
def test_a_training_that_cannot_start_removes_no_files(tmp_path, finished_dir, has_model):
    folder = tmp_path / "model"
    if has_model:
        shutil.copytree(finished_dir, folder)
    invalid_config = make_config(pretrained_embeddings=str(tmp_path / "none.txt"))
    assert_failure_leaves_folder(folder, "No such file", invalid_config)
    # A valid run can follow.
    train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=has_model)


def test_a_training_does_not_overwrite_the_model_it_starts_from(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    config = make_config(init_from=str(folder))
    assert_failure_leaves_folder(folder, "which is also the directory of the new model", config)


def read_files(folder):
    """Returns the contents of all files below a folder, except the lock, which is empty."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def write_foreign_file(path):
    """Writes a file that no training has written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(FOREIGN_CONTENT)


@pytest.mark.parametrize("overwrite", [False, True], ids=["", "overwrite"])
@pytest.mark.parametrize(
    "name",
    [
        "best.npz",
        "last.npz",
        "log.csv",
        "CARD.md",
        "finished",
        "nonfinite_batch.tsv",
        "config.json",
        "provenance.json",
        "training_files.json",
        "user_dictionary.txt",
        "vocabulary.txt",
        "source_vocabulary.txt",
        "target_vocabulary.txt",
        "tensorboard/other/events",
        "checkpoints/000000001-0123456789abcdef.npz",
    ],
)
def test_a_training_that_would_replace_a_foreign_file_is_refused(tmp_path, name, overwrite):
    write_foreign_file(tmp_path / name)
    with pytest.raises(
        ValueError, match="was not written by a training run, and would be replaced"
    ):
        train(PAIRS, tmp_path, make_config(), [], progress=False, overwrite=overwrite)
    assert read_files(tmp_path) == {name: FOREIGN_CONTENT}


def test_unrelated_files_remain(tmp_path):
    """Also files that are named like the partial files of a training."""
    names = [
        "notes.npz",
        "best.npz.part",
        "best.npz.bak",
        "training.lock",
        "config.json.12.part",
        "log.csv.old.3.part",
    ]
    for name in names:
        write_foreign_file(tmp_path / name)
    train(PAIRS, tmp_path, make_config(epochs=1), [], progress=False)
    assert all((tmp_path / name).read_bytes() == FOREIGN_CONTENT for name in names)
    train(PAIRS, tmp_path, make_config(epochs=1, seed=2), [], progress=False, overwrite=True)
    remaining = [name for name in names if name != "config.json.12.part"]
    assert all((tmp_path / name).read_bytes() == FOREIGN_CONTENT for name in remaining)


def test_a_dangling_symlink_is_not_replaced(tmp_path):
    (tmp_path / "best.npz").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="was not written by a training"):
        train(PAIRS, tmp_path, make_config(), [], progress=False, overwrite=True)
    assert (tmp_path / "best.npz").is_symlink()


@pytest.mark.parametrize(
    "name", ["user_dictionary.txt", "source_vocabulary.txt", "nonfinite_batch.tsv"]
)
def test_a_foreign_file_beside_a_model_is_not_overwritten(tmp_path, finished_dir, name):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    write_foreign_file(folder / name)
    with pytest.raises(ValueError, match=f"{name} was not written by a training"):
        train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
    assert (folder / "best.npz").read_bytes() == (finished_dir / "best.npz").read_bytes()
    assert (folder / name).read_bytes() == FOREIGN_CONTENT


@pytest.mark.slow
def test_foreign_tensorboard_files_remain_if_a_model_is_overwritten(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    path = folder / "tensorboard" / "other" / "events"
    write_foreign_file(path)
    train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
    assert path.read_bytes() == FOREIGN_CONTENT


def test_an_edited_model_card_is_not_replaced(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    with (folder / "CARD.md").open("a", encoding="utf-8") as file:
        file.write("Do not use it for advice.\n")
    files = read_files(folder)
    with pytest.raises(ValueError, match=r"CARD\.md was changed since it was written"):
        train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
    assert read_files(folder) == files
    # The same training is finished, so no file is written.
    history = train(PAIRS, folder, make_config(), [], progress=False)
    assert len(history["loss"]) == 3
    assert read_files(folder) == files


def test_a_foreign_model_card_in_an_interrupted_training_is_not_replaced(interrupted_copy):
    write_foreign_file(interrupted_copy / "CARD.md")
    with pytest.raises(ValueError, match=r"CARD\.md was not written by a training"):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False)
    assert (interrupted_copy / "CARD.md").read_bytes() == FOREIGN_CONTENT


@pytest.mark.slow
@pytest.mark.parametrize("killed_write", range(1, 9))
def test_a_training_killed_while_it_replaces_another_can_be_repeated(
    tmp_path, killed_write, monkeypatch
):
    """All files that exist are recorded as files of a training, at any moment."""
    from attention_seq2seq.utils import files

    train(PAIRS[:8], tmp_path, make_config(epochs=1), [], progress=False)
    atomic_path, written_names = files.atomic_path, []

    @contextlib.contextmanager
    def interrupted_atomic_path(path):
        written_names.append(path.name)
        if len(written_names) == killed_write:
            raise KeyboardInterrupt
        with atomic_path(path) as temporary_path:
            yield temporary_path

    new_config = make_config(epochs=1, seed=2)
    with monkeypatch.context() as patch:
        patch.setattr(files, "atomic_path", interrupted_atomic_path)
        with pytest.raises(KeyboardInterrupt):
            train(PAIRS[:8], tmp_path, new_config, [], progress=False, overwrite=True)
    train(PAIRS[:8], tmp_path, new_config, [], progress=False, overwrite=True)
    assert set(read_files(tmp_path)) == {
        "CARD.md",
        "best.npz",
        "config.json",
        "last.npz",
        "log.csv",
        "provenance.json",
        "training_files.json",
        "vocabulary.txt",
    }


def test_names_that_are_not_utf8_are_written_with_escapes(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    config = dataclasses.replace(
        make_config(epochs=1), data=DataConfig(("\udcd3\udcef.tsv",), data_license="\ud83d")
    )
    train(PAIRS, folder, config, [], progress=False, overwrite=True)
    assert Config.load(folder).data == config.data
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert r"Data: \udcd3\udcef.tsv" in card
    assert r"License: \ud83d" in card


def test_an_error_while_tracing_removes_no_files(tmp_path, finished_dir, monkeypatch):
    """The train step is traced, and may raise, before files are removed."""
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    files = read_files(folder)

    def raise_error(*_):
        raise ValueError("these options cannot be")

    with monkeypatch.context() as patch:
        patch.setattr(Seq2SeqObjective, "gradients", raise_error)
        with pytest.raises(ValueError, match="these options cannot be"):
            train(PAIRS, folder, make_config(seed=2), [], progress=False, overwrite=True)
    assert read_files(folder) == files


def test_an_empty_vocabulary_is_refused(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    files = read_files(folder)
    for shared in (True, False):
        text = TextConfig(min_count=1000, share_vocabulary=shared)
        with pytest.raises(ValueError, match=r"vocabulary is empty: .* min_count \(1000\) times"):
            train(PAIRS, folder, Config(text=text), [], progress=False, overwrite=True)
    assert read_files(folder) == files
