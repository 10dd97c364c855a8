"""Directories of prepared datasets: interrupted, finished, in use, damaged."""

import dataclasses
from pathlib import Path

import pytest

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.preprocessing import pipeline, shards, tokenize
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.preprocessing.prepare import analyze_corpus, prepare
from attention_seq2seq.training.api import train_prepared
from helpers.prepared_corpora import read_files

SINGLE_PROCESS = PreprocessingConfig(num_workers=1)


class PowerFailure(Exception):
    pass


@pytest.mark.parametrize("name", ["tokenize_chunk", "encode_chunk", "write_shard", "write_json"])
def test_an_interrupted_stage_is_resumed(corpus, tmp_path, monkeypatch, name):
    """Finished work is not repeated, and the files are bit-identical to an uninterrupted run."""
    data = DataConfig((corpus,), validation_fraction=0.1)
    prepare(tmp_path / "whole", data, None, SINGLE_PROCESS, progress=False)
    module = {"tokenize_chunk": tokenize, "write_json": pipeline}.get(name, shards)
    function, calls = getattr(module, name), []

    def fail_at_second_call(*args):
        calls.append(args)
        if len(calls) == 2:
            raise PowerFailure
        return function(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail_at_second_call)
        with pytest.raises(PowerFailure):
            prepare(tmp_path / "stopped", data, None, SINGLE_PROCESS, progress=False)
    assert not (tmp_path / "stopped/manifest.json").exists()
    with pytest.raises(FileNotFoundError, match="has no prepared dataset"):
        train_prepared(tmp_path / "stopped", tmp_path / "model", progress=False)
    resumed_calls = []
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lambda *args: resumed_calls.append(args) or function(*args))
        prepare(tmp_path / "stopped", data, None, SINGLE_PROCESS, progress=False)
    assert read_files(tmp_path / "stopped") == read_files(tmp_path / "whole")
    if name in ("tokenize_chunk", "encode_chunk"):
        assert resumed_calls[0][:1] == calls[1][:1], "it continues with the interrupted chunk"


def test_finished_directories_are_kept_or_overwritten(corpus, tmp_path):
    directory, data = tmp_path / "prepared", DataConfig((corpus,), validation_fraction=0.1)
    prepared = prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    assert prepare(directory, data, None, SINGLE_PROCESS, progress=False) == prepared
    changed_data = dataclasses.replace(data, max_target_length=4)
    with pytest.raises(ValueError, match="was prepared with max_target_length 60; now it is"):
        prepare(directory, changed_data, None, SINGLE_PROCESS, progress=False)
    assert (
        prepare(directory, changed_data, None, SINGLE_PROCESS, overwrite=True, progress=False).data
        == changed_data
    )
    prepare(tmp_path / "fresh", changed_data, None, SINGLE_PROCESS, progress=False)
    assert read_files(directory) == read_files(tmp_path / "fresh"), (
        "no file of the old dataset is left"
    )
    Path(corpus).write_text('["你好", "好"]\n' * 9, encoding="utf-8")
    with pytest.raises(ValueError, match="prepared from other corpora"):
        prepare(directory, changed_data, None, SINGLE_PROCESS, progress=False)


def test_options_and_user_dictionaries_of_another_dataset_are_named(corpus, tmp_path):
    dictionary = tmp_path / "words"
    dictionary.write_text("吃什么 100\n", encoding="utf-8")
    text, data = TextConfig(user_dictionary=str(dictionary)), DataConfig((corpus,))
    prepare(tmp_path / "prepared", data, text, SINGLE_PROCESS, progress=False)
    short = dataclasses.replace(SINGLE_PROCESS, filters=("short", "echoes"))
    with pytest.raises(ValueError, match="with filters ''; now it is 'short,echoes'"):
        prepare(tmp_path / "prepared", data, text, short, progress=False)
    dictionary.write_text("吃什么 200\n", encoding="utf-8")
    with pytest.raises(ValueError, match="prepared with another user dictionary, or by another"):
        prepare(tmp_path / "prepared", data, text, SINGLE_PROCESS, progress=False)


def test_directories_with_foreign_files_raise(corpus, tmp_path):
    directory = tmp_path / "thesis"
    (directory / "work").mkdir(parents=True)
    (directory / "vocabulary.txt").write_text("unrelated", encoding="utf-8")
    with pytest.raises(ValueError, match=r"thesis has other files, which would be replaced"):
        prepare(
            directory, DataConfig((corpus,)), None, SINGLE_PROCESS, overwrite=True, progress=False
        )
    assert {path.name for path in directory.iterdir()} == {"work", "vocabulary.txt"}


def test_analyzing_another_corpus_in_a_finished_directory_raises(corpus, tmp_path):
    prepare(tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False)
    old_files = read_files(tmp_path / "prepared")
    changed_data = DataConfig((corpus,), max_target_length=3)
    with pytest.raises(ValueError, match="was prepared with max_target_length 60; now it is"):
        analyze_corpus(tmp_path / "prepared", changed_data, None, SINGLE_PROCESS, progress=False)
    remove_all = PreprocessingConfig(filters=("short",), min_length=1000, num_workers=1)
    with pytest.raises(ValueError, match="No training pairs"):
        prepare(
            tmp_path / "prepared", changed_data, None, remove_all, overwrite=True, progress=False
        )
    new_files = read_files(tmp_path / "prepared")
    assert {name: new_files[name] for name in old_files} == old_files


@pytest.mark.parametrize("name", ["statistics.json", "vocabulary.txt", "manifest.json"])
@pytest.mark.parametrize("content", [None, "{}", "["], ids=["removed", "empty", "truncated"])
def test_damaged_files_raise_and_can_be_overwritten(corpus, tmp_path, name, content):
    directory, data = tmp_path / "prepared", DataConfig((corpus,))
    prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    old_files = read_files(directory)
    (directory / name).unlink()
    if content is not None:
        (directory / name).write_text(content, encoding="utf-8")
    if (name, content) != ("manifest.json", None):
        with pytest.raises(ValueError, match=rf"{name}.*again, and overwrite"):
            prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    prepare(directory, data, None, SINGLE_PROCESS, overwrite=True, progress=False)
    assert read_files(directory) == old_files


def test_partial_files_of_a_killed_process_are_removed(corpus, tmp_path):
    directory, data = tmp_path / "prepared", DataConfig((corpus,))
    analyze_corpus(directory, data, None, SINGLE_PROCESS, progress=False)
    partial_files = [directory / "manifest.json.123.part", directory / "work/000001.npz.123.part"]
    for path in partial_files:
        path.touch()
    prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    assert not [path for path in partial_files if path.exists()]


def test_directories_in_use_raise(corpus, tmp_path):
    from attention_seq2seq.utils.files import locked_dir

    with (
        locked_dir(tmp_path / "prepared"),
        pytest.raises(ValueError, match="is in use by another process"),
    ):
        prepare(tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False)


def test_invalid_corpora_raise(corpus, tmp_path):
    def assert_raises(message, error_type=ValueError, **data):
        with pytest.raises(error_type, match=message):
            prepare(tmp_path / "x", DataConfig(**data), None, SINGLE_PROCESS, progress=False)

    assert_raises("data is empty; expected the files")
    assert_raises("nowhere: no such corpus file", FileNotFoundError, data=("nowhere",))
    (tmp_path / "bad").write_text("a\tb\nc\n", encoding="utf-8")
    assert_raises("bad, line 2: no tab", data=(corpus, str(tmp_path / "bad")))
    (tmp_path / "empty").touch()
    assert_raises("empty: no pairs found", data=(corpus, str(tmp_path / "empty")))
    (tmp_path / "long").write_text("我们吃饭\t他们也吃饭\n", encoding="utf-8")
    assert_raises(
        "No training pairs: 1 given, 0 held out for validation, 1 removed",
        data=(str(tmp_path / "long"),),
        max_target_length=1,
    )
    with pytest.raises(ValueError, match="filters contains 'everything'; choose any of duplicates"):
        PreprocessingConfig(filters=("everything",))


@pytest.mark.parametrize("damage", ["truncated", "changed", "removed"])
def test_damaged_shards_raise(corpus, tmp_path, damage):
    prepared = prepare(
        tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False
    )
    path = Path(prepared.shard_paths("training")[1])
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(
            content[:-9] if damage == "truncated" else content[:50] + b"x" + content[51:]
        )
    message = "is missing" if damage == "removed" else "is damaged"
    with pytest.raises(ValueError, match=f"training-00001-of-0000.*{message}.*, and overwrite"):
        train_prepared(tmp_path / "prepared", tmp_path / "model", progress=False)


def test_damaged_manifests_raise(corpus, tmp_path):
    prepare(tmp_path / "prepared", DataConfig((corpus,)), None, SINGLE_PROCESS, progress=False)
    path = tmp_path / "prepared/manifest.json"
    content = path.read_text(encoding="utf-8")
    for damaged in (content[:-50], content.replace('"format": 2', '"format": 1'), "[]", "{}"):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"manifest\.json is not a valid manifest"):
            PreparedDataset.load(tmp_path / "prepared")


@pytest.mark.parametrize("name", ["vocabulary.txt", "user_dictionary.txt"])
def test_changed_tokenizer_files_raise(corpus, tmp_path, name):
    """Otherwise a model would train on swapped tokens without an error."""
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text("烤鸭店 5\n长城 3\n", encoding="utf-8")
    text = TextConfig(user_dictionary=str(dictionary_path))
    directory = tmp_path / "prepared"
    prepare(directory, DataConfig((corpus,)), text, SINGLE_PROCESS, progress=False)
    lines = (directory / name).read_text(encoding="utf-8").splitlines()
    changed = "".join(f"{line}\n" for line in [*lines[:-2], lines[-1], lines[-2]])
    (directory / name).write_text(changed, encoding="utf-8")
    for run in (
        lambda: train_prepared(directory, tmp_path / "model", progress=False),
        lambda: prepare(directory, DataConfig((corpus,)), text, SINGLE_PROCESS, progress=False),
    ):
        with pytest.raises(ValueError, match=f"{name} is damaged: its hash has changed"):
            run()
    prepare(directory, DataConfig((corpus,)), None, SINGLE_PROCESS, overwrite=True, progress=False)
    assert not (directory / "user_dictionary.txt").exists()


def test_empty_vocabularies_raise(corpus, tmp_path):
    with pytest.raises(ValueError, match=r"vocabulary is empty: .* min_count \(1000\) times"):
        prepare(
            tmp_path / "p",
            DataConfig((corpus,)),
            TextConfig(min_count=1000),
            SINGLE_PROCESS,
            False,
            False,
        )


def test_partial_files_of_other_programs_are_kept(corpus, tmp_path):
    directory, data = tmp_path / "prepared", DataConfig((corpus,))
    prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    (directory / "download.part").write_bytes(b"unrelated")
    (directory / "manifest.json.123.part").write_bytes(b"left by a killed process")
    prepare(directory, data, None, SINGLE_PROCESS, progress=False)
    assert (directory / "download.part").read_bytes() == b"unrelated"
    assert not (directory / "manifest.json.123.part").exists()


@pytest.mark.slow
def test_resuming_with_another_corpus_raises_even_with_equal_shards(tmp_path):
    """Only a validation pair differs."""
    data = DataConfig((str(tmp_path / "a.tsv"),), validation_fraction=0.5)
    lines = [f"第{i}问\t第{i}答\n" for i in range(8)]
    directories = []
    for index, last_character in enumerate(("答", "答", "应")):
        changed = [*lines[:-1], f"第7问\t第7{last_character}\n"]
        (tmp_path / "a.tsv").write_text("".join(changed), encoding="utf-8")
        directories.append(tmp_path / f"prepared{index}")
        prepare(directories[-1], data, None, SINGLE_PROCESS, progress=False)
    model, training = ModelConfig(units=4), TrainingConfig(epochs=1, compute_dtype="float32")
    history = train_prepared(directories[0], tmp_path / "m", model, training, progress=False)
    second_history = train_prepared(directories[1], tmp_path / "m", model, training, progress=False)
    assert second_history == history
    with pytest.raises(ValueError, match="with other corpora"):
        train_prepared(directories[2], tmp_path / "m", model, training, progress=False)
