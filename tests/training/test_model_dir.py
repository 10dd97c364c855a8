"""Files in a model folder: training keeps files that it did not write."""

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


def wrong_then_right(folder, message, wrong, right=None, **others):
    """A training that cannot be removes nothing, and does not stand in the right one's way."""
    before = {path: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
    with pytest.raises((ValueError, OSError), match=message):
        train(PAIRS, folder, wrong, [], progress=False, overwrite=True, **others)
    for path, content in before.items():
        assert path.read_bytes() == content
    train(PAIRS, folder, right or make_config(epochs=1), [], progress=False, overwrite=bool(before))


@pytest.mark.parametrize("there", [False, True])
def test_what_cannot_begin_removes_nothing(tmp_path, finished_dir, there):
    folder = tmp_path / "model"
    if there:
        shutil.copytree(finished_dir, folder)
    wrong = make_config(pretrained_embeddings=str(tmp_path / "none.txt"))
    wrong_then_right(folder, "No such file", wrong)


def test_a_model_is_not_written_over_the_one_it_starts_from(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    config = make_config(init_from=str(folder))
    wrong_then_right(folder, "which is also the directory of the new model", config)


def contents(folder):
    """Of every file below a folder, but for the lock, which is empty."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("overwrite", [False, True], ids=["", "overwrite"])
@pytest.mark.parametrize(
    "name",
    [
        *("best.npz", "last.npz", "log.csv", "CARD.md", "finished", "nonfinite_batch.tsv"),
        *("config.json", "provenance.json", "training_files.json", "user_dictionary.txt"),
        *("vocabulary.txt", "source_vocabulary.txt", "target_vocabulary.txt"),
        *("tensorboard/mine/events", "checkpoints/000000001-0123456789abcdef.npz"),
    ],
)
def test_files_that_no_training_has_written_are_left(tmp_path, name, overwrite):
    own = tmp_path / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(b"mine")
    with pytest.raises(
        ValueError, match="was not written by a training, and training would replace"
    ):
        train(PAIRS, tmp_path, make_config(), [], progress=False, overwrite=overwrite)
    assert contents(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize("name", ["notes.npz", "best.npz.part", "best.npz.bak", "training.lock"])
def test_other_files_are_left_and_stand_in_no_trainings_way(tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    train(PAIRS, tmp_path, make_config(epochs=1), [], progress=False)
    train(PAIRS, tmp_path, make_config(epochs=1, seed=2), [], progress=False, overwrite=True)
    assert (tmp_path / name).read_bytes() == b"mine"


def test_names_like_those_of_unfinished_files_are_left(tmp_path):
    for name in ("config.json.12.part", "log.csv.mine.3.part"):
        (tmp_path / name).write_bytes(b"mine")
    train(PAIRS, tmp_path, make_config(epochs=1), [], progress=False)
    assert (tmp_path / "config.json.12.part").read_bytes() == b"mine"
    train(PAIRS, tmp_path, make_config(epochs=1, seed=2), [], progress=False, overwrite=True)
    assert (tmp_path / "log.csv.mine.3.part").read_bytes() == b"mine"


def test_a_link_that_leads_nowhere_is_left(tmp_path):
    (tmp_path / "best.npz").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="was not written by a training"):
        train(PAIRS, tmp_path, make_config(), [], progress=False, overwrite=True)
    assert (tmp_path / "best.npz").is_symlink()


@pytest.mark.parametrize(
    "name",
    [
        *("user_dictionary.txt", "source_vocabulary.txt", "tensorboard/mine/events"),
        "nonfinite_batch.tsv",
    ],
)
def test_overwriting_a_training_leaves_what_it_did_not_write(tmp_path, finished_dir, name):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    own = folder / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(b"mine")
    if name.startswith("tensorboard"):
        # Others' curves beside a training's own are none of its business.
        train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
    else:
        with pytest.raises(ValueError, match=f"{name} was not written by a training"):
            train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
        assert (folder / "best.npz").read_bytes() == (finished_dir / "best.npz").read_bytes()
    assert own.read_bytes() == b"mine"


def test_a_card_that_was_changed_is_left(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    with (folder / "CARD.md").open("a", encoding="utf-8") as file:
        file.write("Do not use it for advice.\n")
    before = contents(folder)
    with pytest.raises(ValueError, match=r"CARD\.md was changed since it was written"):
        train(PAIRS, folder, make_config(epochs=1), [], progress=False, overwrite=True)
    assert contents(folder) == before
    # The same training has ended, so that nothing is written.
    history = train(PAIRS, folder, make_config(), [], progress=False)
    assert len(history["loss"]) == 3
    assert contents(folder) == before


def test_a_card_in_a_training_that_was_stopped_is_left(interrupted_copy):
    (interrupted_copy / "CARD.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=r"CARD\.md was not written by a training"):
        train(PAIRS, interrupted_copy, make_config(), [], progress=False)
    assert (interrupted_copy / "CARD.md").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("at", range(1, 9))
def test_a_training_killed_while_it_replaces_another_can_be_run_again(tmp_path, at, monkeypatch):
    """Whichever file was written last, those that are there are known to be a training's."""
    from attention_seq2seq.utils import files

    train(PAIRS[:8], tmp_path, make_config(epochs=1), [], progress=False)
    atomic_path, writes = files.atomic_path, []

    @contextlib.contextmanager
    def killed(path):
        writes.append(path.name)
        if len(writes) == at:
            raise KeyboardInterrupt
        with atomic_path(path) as temporary:
            yield temporary

    changed = make_config(epochs=1, seed=2)
    with monkeypatch.context() as patch:
        patch.setattr(files, "atomic_path", killed)
        with pytest.raises(KeyboardInterrupt):
            train(PAIRS[:8], tmp_path, changed, [], progress=False, overwrite=True)
    train(PAIRS[:8], tmp_path, changed, [], progress=False, overwrite=True)
    assert set(contents(tmp_path)) == {
        *("CARD.md", "best.npz", "config.json", "last.npz", "log.csv", "provenance.json"),
        *("training_files.json", "vocabulary.txt"),
    }


def test_names_that_are_not_utf8_are_written_with_escapes(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    named = dataclasses.replace(
        make_config(epochs=1), data=DataConfig(("\udcd3\udcef.tsv",), data_license="\ud83d")
    )
    train(PAIRS, folder, named, [], progress=False, overwrite=True)
    assert Config.load(folder).data == named.data
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert r"Data: \udcd3\udcef.tsv" in card
    assert r"Licence of the data: \ud83d" in card


def test_what_cannot_be_traced_removes_nothing(tmp_path, finished_dir, monkeypatch):
    """Whatever a combination of options leads to shows in the graph, before the first update."""
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    before = contents(folder)

    def fails(*_):
        raise ValueError("these options cannot be")

    with monkeypatch.context() as patch:
        patch.setattr(Seq2SeqObjective, "gradients", fails)
        with pytest.raises(ValueError, match="these options cannot be"):
            train(PAIRS, folder, make_config(seed=2), [], progress=False, overwrite=True)
    assert contents(folder) == before


def test_a_vocabulary_without_a_word_is_refused(tmp_path, finished_dir):
    folder = shutil.copytree(finished_dir, tmp_path / "model")
    before = contents(folder)
    for shared in (True, False):
        text = TextConfig(min_count=1000, share_vocabulary=shared)
        with pytest.raises(ValueError, match=r"no word is left .* with min_count 1000"):
            train(PAIRS, folder, Config(text=text), [], progress=False, overwrite=True)
    assert contents(folder) == before
