"""Several machines that tokenize shards write the same dataset as a single machine."""

import shutil

import pytest

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.data.preprocessing import tokenize
from attention_seq2seq.data.preprocessing.prepare import prepare, tokenize_shard
from attention_seq2seq.utils.files import locked_dir
from helpers.prepared_corpora import read_files

SINGLE_PROCESS = PreprocessingConfig(num_workers=1)


def chunk_names(directory):
    return {path.name for path in directory.glob("work/chunks-*/*.npz")}


@pytest.mark.parametrize("is_shared_dir", [True, False])
def test_sharded_tokenization_gives_the_same_dataset(corpus, tmp_path, monkeypatch, is_shared_dir):
    data = DataConfig((corpus,), validation_fraction=0.1)
    directories = [tmp_path / ("one" if is_shared_dir else name) for name in ("one", "two")]
    new_chunks = []
    for index, directory in enumerate(directories):
        old_chunks = chunk_names(directory)
        tokenize_shard(
            directory,
            data,
            preprocessing=SINGLE_PROCESS,
            shard_index=index,
            num_shards=2,
            progress=False,
        )
        new_chunks.append(chunk_names(directory) - old_chunks)
    assert min(map(len, new_chunks)) >= 4
    if not is_shared_dir:
        assert not new_chunks[0] & new_chunks[1]
    if not is_shared_dir:
        shutil.copytree(directories[1] / "work", directories[0] / "work", dirs_exist_ok=True)
    with monkeypatch.context() as patch:
        # Nothing is left to tokenize.
        patch.setattr(tokenize, "tokenize_chunk", None)
        prepare(directories[0], data, preprocessing=SINGLE_PROCESS, progress=False)
    prepare(tmp_path / "alone", data, preprocessing=SINGLE_PROCESS, progress=False)
    assert read_files(directories[0]) == read_files(tmp_path / "alone")
    # A finished dataset is not tokenized again, and has no chunks.
    tokenize_shard(
        directories[0],
        data,
        preprocessing=SINGLE_PROCESS,
        shard_index=0,
        num_shards=2,
        progress=False,
    )
    assert not chunk_names(directories[0])
    changed_data = DataConfig((corpus,), validation_fraction=0.2)
    with pytest.raises(ValueError, match="overwrite"):
        tokenize_shard(
            directories[0],
            changed_data,
            preprocessing=SINGLE_PROCESS,
            shard_index=0,
            num_shards=2,
            progress=False,
        )
    options = {"preprocessing": SINGLE_PROCESS, "overwrite": True, "progress": False}
    tokenize_shard(directories[0], changed_data, shard_index=0, num_shards=2, **options)
    assert chunk_names(directories[0])
    prepare(directories[0], changed_data, **options)


def test_shards_lock_a_directory_separately(tmp_path):
    message = "another process is at work here"
    with locked_dir(tmp_path, 0), locked_dir(tmp_path, 1):
        with pytest.raises(ValueError, match=message), locked_dir(tmp_path, 1):
            pass
        with pytest.raises(ValueError, match=message), locked_dir(tmp_path):
            pass
    with locked_dir(tmp_path), pytest.raises(ValueError, match=message), locked_dir(tmp_path, 0):
        pass


@pytest.mark.parametrize(("shard_index", "num_shards"), [(2, 2), (-1, 2), (0, 0)])
def test_invalid_shard_indices_raise(corpus, tmp_path, shard_index, num_shards):
    with pytest.raises(ValueError, match="expected one from 0 to"):
        tokenize_shard(
            tmp_path / "new",
            DataConfig((corpus,)),
            shard_index=shard_index,
            num_shards=num_shards,
        )
    assert not (tmp_path / "new").exists()
