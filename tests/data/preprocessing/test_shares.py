"""Machines that share the work of a preparation write what one would have written."""

import shutil

import pytest

from attention_seq2seq.config.config import DataConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing import tokenize
from attention_seq2seq.data.preprocessing.prepare import cut_share, prepare
from attention_seq2seq.utils.files import alone_in
from helpers.prepared_corpora import bytes_in

ONE = PreparationConfig(processes=1)


def chunks_in(folder):
    return {path.name for path in folder.glob("work/cutting-*/*.npz")}


@pytest.mark.parametrize("is_shared_folder", [True, False])
def test_shares_are_joined_to_what_one_machine_writes(
    corpus, tmp_path, monkeypatch, is_shared_folder
):
    data = DataConfig((corpus,), validation_fraction=0.1)
    folders = [tmp_path / ("one" if is_shared_folder else name) for name in ("one", "two")]
    cut = []
    for share, folder in enumerate(folders):
        before = chunks_in(folder)
        cut_share(folder, data, preparation=ONE, share=share, shares=2, progress=False)
        cut.append(chunks_in(folder) - before)
    assert min(map(len, cut)) >= 4
    if not is_shared_folder:
        assert not cut[0] & cut[1]
    if not is_shared_folder:
        shutil.copytree(folders[1] / "work", folders[0] / "work", dirs_exist_ok=True)
    with monkeypatch.context() as patch:
        # Nothing is left to be cut.
        patch.setattr(tokenize, "cut", None)
        prepare(folders[0], data, preparation=ONE, progress=False)
    prepare(tmp_path / "alone", data, preparation=ONE, progress=False)
    assert bytes_in(folders[0]) == bytes_in(tmp_path / "alone")
    # What is prepared is not cut again, and nothing is left behind.
    cut_share(folders[0], data, preparation=ONE, share=0, shares=2, progress=False)
    assert not chunks_in(folders[0])
    other = DataConfig((corpus,), validation_fraction=0.2)
    with pytest.raises(ValueError, match="overwrite"):
        cut_share(folders[0], other, preparation=ONE, share=0, shares=2, progress=False)
    options = {"preparation": ONE, "overwrite": True, "progress": False}
    cut_share(folders[0], other, share=0, shares=2, **options)
    assert chunks_in(folders[0])
    prepare(folders[0], other, **options)


def test_two_may_have_different_shares_of_a_folder_and_none_the_same(tmp_path):
    busy = "another process is at work here"
    with alone_in(tmp_path, 0), alone_in(tmp_path, 1):
        with pytest.raises(ValueError, match=busy), alone_in(tmp_path, 1):
            pass
        with pytest.raises(ValueError, match=busy), alone_in(tmp_path):
            pass
    with alone_in(tmp_path), pytest.raises(ValueError, match=busy), alone_in(tmp_path, 0):
        pass


@pytest.mark.parametrize(("share", "shares"), [(2, 2), (-1, 2), (0, 0)])
def test_there_is_no_such_share(corpus, tmp_path, share, shares):
    with pytest.raises(ValueError, match="expected one from 0 to"):
        cut_share(tmp_path / "new", DataConfig((corpus,)), share=share, shares=shares)
    assert not (tmp_path / "new").exists()
