"""What a training refuses to begin or to go on with, and that it leaves what is there."""

import shutil

import pytest
from cut_training import PAIRS, config, cut
from probing import ProbePrompts

from attention_seq2seq.training.listeners import Listener
from attention_seq2seq.training.trainer import train


def test_two_at_once_are_refused(tmp_path):
    class Another(Listener):
        def updated(self, update):
            train(PAIRS, tmp_path, config(), [], progress=False)

    with pytest.raises(ValueError, match="another process is at work here"):
        train(PAIRS, tmp_path, config(), [], progress=False, listeners=[Another()])


@pytest.mark.parametrize("finished", [False, True])
def test_other_options_are_refused_by_name(stopped, whole_dir, finished):
    folder = whole_dir if finished else stopped
    with pytest.raises(ValueError, match=r"with batch_size 8; now it is 16\. Give another"):
        train(PAIRS, folder, config(batch_size=16), [], progress=False)
    with pytest.raises(ValueError, match="on other training pairs"):
        train(PAIRS[:-1], folder, config(), [], progress=False)


def wrong_then_right(folder, message, wrong, right=None, **others):
    """A training that cannot be removes nothing, and does not stand in the right one's way."""
    before = {path: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
    with pytest.raises((ValueError, OSError), match=message):
        train(PAIRS, folder, wrong, [], progress=False, overwrite=True, **others)
    for path, content in before.items():
        assert path.read_bytes() == content
    train(PAIRS, folder, right or config(epochs=1), [], progress=False, overwrite=bool(before))


@pytest.mark.parametrize("there", [False, True])
def test_what_cannot_begin_removes_nothing(tmp_path, whole_dir, there):
    folder = tmp_path / "model"
    if there:
        shutil.copytree(whole_dir, folder)
    wrong = config(pretrained_embeddings=str(tmp_path / "none.txt"))
    wrong_then_right(folder, "No such file", wrong)


def test_a_model_is_not_written_over_the_one_it_starts_from(tmp_path, whole_dir):
    folder = shutil.copytree(whole_dir, tmp_path / "model")
    wrong_then_right(folder, "where the new model is to be", config(initial_model=str(folder)))


def test_files_that_are_nobodys_training_are_left(tmp_path):
    (tmp_path / "best.npz").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"has best\.npz, but no config\.json that tells whose"):
        train(PAIRS, tmp_path, config(), [], progress=False)
    assert (tmp_path / "best.npz").read_bytes() == b"mine"
    (tmp_path / "best.npz").unlink()
    (tmp_path / "notes.npz").write_bytes(b"mine")
    train(PAIRS, tmp_path, config(epochs=1), [], progress=False)
    assert (tmp_path / "notes.npz").read_bytes() == b"mine"


def test_other_probe_prompts_are_refused(tmp_path):
    prompts = ProbePrompts([pair.prompt for pair in PAIRS[:9]])
    cut(tmp_path, 11, probing=prompts)
    for other in (None, ProbePrompts(["今天晚上吃什么"])):
        with pytest.raises(ValueError, match="on other probe prompts"):
            train(PAIRS, tmp_path, config(), [], progress=False, probing=other)
    history = train(PAIRS, tmp_path, config(), [], progress=False, probing=prompts)
    assert len(history["probe_commonest"]) == 3


def test_prompts_that_are_all_too_long_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(ValueError, match="all 1 probe prompts have more than"):
        train(PAIRS, tmp_path, config(), progress=False, probing=ProbePrompts(["吃 " * 99]))
    train(PAIRS, tmp_path, config(epochs=1), progress=False)
