"""Folders of prepared corpora: stopped, finished, in use, damaged."""

import dataclasses
from pathlib import Path

import pytest

from attention_seq2seq.config.config import DataConfig, ModelConfig, TextConfig, TrainingConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing import pipeline, tokenize
from attention_seq2seq.data.preprocessing.manifest import Prepared
from attention_seq2seq.data.preprocessing.prepare import examine, prepare
from attention_seq2seq.training.api import train_prepared
from helpers.prepared_corpora import bytes_in

ONE = PreparationConfig(processes=1)


class Power(Exception):
    pass


@pytest.mark.parametrize("stage", ["cut", "encode", "write_shard", "write_json"])
def test_stopped_at_any_stage_it_goes_on(corpus, tmp_path, monkeypatch, stage):
    """What was done is not done again, and the bytes are those of a run never stopped."""
    from attention_seq2seq.data.preprocessing import write_shards

    data = DataConfig((corpus,), validation_fraction=0.1)
    prepare(tmp_path / "whole", data, None, ONE, progress=False)
    module = {"cut": tokenize, "write_json": pipeline}.get(stage, write_shards)
    function, calls = getattr(module, stage), []

    def fails_later(*args):
        calls.append(args)
        if len(calls) == 2:
            raise Power
        return function(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module, stage, fails_later)
        with pytest.raises(Power):
            prepare(tmp_path / "stopped", data, None, ONE, progress=False)
    assert not (tmp_path / "stopped/manifest.json").exists()
    with pytest.raises(FileNotFoundError, match="no prepared corpus here"):
        train_prepared(tmp_path / "stopped", tmp_path / "model", progress=False)
    again = []
    with monkeypatch.context() as patch:
        patch.setattr(module, stage, lambda *args: again.append(args) or function(*args))
        prepare(tmp_path / "stopped", data, None, ONE, progress=False)
    assert bytes_in(tmp_path / "stopped") == bytes_in(tmp_path / "whole")
    if stage in ("cut", "encode"):
        assert again[0][:1] == calls[1][:1], "it goes on with the piece at which it stopped"


def test_a_finished_folder_is_left_alone_or_replaced_when_asked(corpus, tmp_path):
    folder, data = tmp_path / "prepared", DataConfig((corpus,), validation_fraction=0.1)
    first = prepare(folder, data, None, ONE, progress=False)
    assert prepare(folder, data, None, ONE, progress=False) == first
    other = dataclasses.replace(data, max_target_length=4)
    with pytest.raises(ValueError, match="prepared from other corpora or with other options"):
        prepare(folder, other, None, ONE, progress=False)
    assert prepare(folder, other, None, ONE, overwrite=True, progress=False).data == other
    prepare(tmp_path / "fresh", other, None, ONE, progress=False)
    assert bytes_in(folder) == bytes_in(tmp_path / "fresh"), "nothing of the old one is left"
    Path(corpus).write_text('["你好", "好"]\n' * 9, encoding="utf-8")
    with pytest.raises(ValueError, match="prepared from other corpora"):
        prepare(folder, other, None, ONE, progress=False)


def test_what_else_is_in_a_folder_is_left_alone(corpus, tmp_path):
    folder = tmp_path / "thesis"
    (folder / "work").mkdir(parents=True)
    (folder / "vocabulary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=r"thesis holds other files\. Give a new folder"):
        prepare(folder, DataConfig((corpus,)), None, ONE, overwrite=True, progress=False)
    assert {path.name for path in folder.iterdir()} == {"work", "vocabulary.txt"}


def test_a_finished_folder_is_not_examined_as_another_corpus(corpus, tmp_path):
    prepare(tmp_path / "prepared", DataConfig((corpus,)), None, ONE, progress=False)
    before = bytes_in(tmp_path / "prepared")
    other = DataConfig((corpus,), max_target_length=3)
    with pytest.raises(ValueError, match="prepared from other corpora or with other options"):
        examine(tmp_path / "prepared", other, None, ONE, progress=False)
    nothing_left = PreparationConfig(clean=("short",), min_length=1000, processes=1)
    with pytest.raises(ValueError, match="no pair to train on"):
        prepare(tmp_path / "prepared", other, None, nothing_left, overwrite=True, progress=False)
    after = bytes_in(tmp_path / "prepared")
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("name", ["statistics.json", "vocabulary.txt", "manifest.json"])
@pytest.mark.parametrize("content", [None, "{}", "["], ids=["removed", "empty", "cut"])
def test_what_is_damaged_is_named_and_can_be_made_again(corpus, tmp_path, name, content):
    folder, data = tmp_path / "prepared", DataConfig((corpus,))
    prepare(folder, data, None, ONE, progress=False)
    before = bytes_in(folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    if (name, content) != ("manifest.json", None):
        with pytest.raises(ValueError, match=rf"{name}.*again, with --overwrite"):
            prepare(folder, data, None, ONE, progress=False)
    prepare(folder, data, None, ONE, overwrite=True, progress=False)
    assert bytes_in(folder) == before


def test_what_a_killed_process_was_writing_is_removed(corpus, tmp_path):
    folder, data = tmp_path / "prepared", DataConfig((corpus,))
    examine(folder, data, None, ONE, progress=False)
    left_behind = [folder / "manifest.json.123.part", folder / "work/000001.npz.123.part"]
    for path in left_behind:
        path.touch()
    prepare(folder, data, None, ONE, progress=False)
    assert not [path for path in left_behind if path.exists()]


def test_a_folder_that_is_in_use_is_refused(corpus, tmp_path):
    from attention_seq2seq.utils.files import alone_in

    with (
        alone_in(tmp_path / "prepared"),
        pytest.raises(ValueError, match="another process is at work here"),
    ):
        prepare(tmp_path / "prepared", DataConfig((corpus,)), None, ONE, progress=False)


def test_what_cannot_be_prepared_is_said(corpus, tmp_path):
    def fails(message, kind=ValueError, **data):
        with pytest.raises(kind, match=message):
            prepare(tmp_path / "x", DataConfig(**data), None, ONE, progress=False)

    fails("no corpus to prepare")
    fails("nowhere: no such corpus file", FileNotFoundError, data=("nowhere",))
    (tmp_path / "bad").write_text("a\tb\nc\n", encoding="utf-8")
    fails("bad, line 2: no tab", data=(corpus, str(tmp_path / "bad")))
    (tmp_path / "empty").touch()
    fails("empty: no pair in it", data=(corpus, str(tmp_path / "empty")))
    (tmp_path / "long").write_text("我们吃饭\t他们也吃饭\n", encoding="utf-8")
    fails("no pair to train on: 1 given", data=(str(tmp_path / "long"),), max_target_length=1)
    with pytest.raises(ValueError, match="clean names 'everything'; choose any of duplicates"):
        PreparationConfig(clean=("everything",))


@pytest.mark.parametrize("damage", ["cut", "changed", "removed"])
def test_a_damaged_shard_is_named(corpus, tmp_path, damage):
    prepared = prepare(tmp_path / "prepared", DataConfig((corpus,)), None, ONE, progress=False)
    path = Path(prepared.shards("training")[1])
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if damage == "cut" else content[:50] + b"x" + content[51:])
    message = "is missing" if damage == "removed" else "is damaged"
    with pytest.raises(ValueError, match=f"training-00001-of-0000.*{message}.*--overwrite"):
        train_prepared(tmp_path / "prepared", tmp_path / "model", progress=False)


def test_a_damaged_manifest_is_named(corpus, tmp_path):
    prepare(tmp_path / "prepared", DataConfig((corpus,)), None, ONE, progress=False)
    path = tmp_path / "prepared/manifest.json"
    content = path.read_text(encoding="utf-8")
    for damaged in (content[:-50], content.replace('"format": 1', '"format": 7'), "[]", "{}"):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"manifest\.json: not a manifest that can be used"):
            Prepared.load(tmp_path / "prepared")


@pytest.mark.parametrize("name", ["vocabulary.txt", "user_dictionary.txt"])
def test_words_that_were_changed_are_refused(corpus, tmp_path, name):
    """Two words exchanged would have a model learn nonsense without a word."""
    words = tmp_path / "words.txt"
    words.write_text("烤鸭店 5\n长城 3\n", encoding="utf-8")
    text = TextConfig(user_dictionary=str(words))
    folder = tmp_path / "prepared"
    prepare(folder, DataConfig((corpus,)), text, ONE, progress=False)
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    changed = "".join(f"{line}\n" for line in [*lines[:-2], lines[-1], lines[-2]])
    (folder / name).write_text(changed, encoding="utf-8")
    for again in (
        lambda: train_prepared(folder, tmp_path / "model", progress=False),
        lambda: prepare(folder, DataConfig((corpus,)), text, ONE, progress=False),
    ):
        with pytest.raises(ValueError, match=f"{name} is damaged: it is not as it was written"):
            again()
    prepare(folder, DataConfig((corpus,)), None, ONE, overwrite=True, progress=False)
    assert not (folder / "user_dictionary.txt").exists()


def test_a_vocabulary_without_a_word_is_not_prepared(corpus, tmp_path):
    with pytest.raises(ValueError, match=r"no word is left .* with min_count 1000"):
        prepare(
            tmp_path / "p", DataConfig((corpus,)), TextConfig(min_count=1000), ONE, False, False
        )


def test_other_unfinished_files_in_a_folder_are_left(corpus, tmp_path):
    folder, data = tmp_path / "prepared", DataConfig((corpus,))
    prepare(folder, data, None, ONE, progress=False)
    (folder / "download.part").write_bytes(b"mine")
    (folder / "manifest.json.123.part").write_bytes(b"left by a killed process")
    prepare(folder, data, None, ONE, progress=False)
    assert (folder / "download.part").read_bytes() == b"mine"
    assert not (folder / "manifest.json.123.part").exists()


def test_another_corpus_is_another_training_though_its_shards_are_the_same(tmp_path):
    """Only a pair to validate on differs."""
    data = DataConfig((str(tmp_path / "a.tsv"),), validation_fraction=0.5)
    lines = [f"第{number}问\t第{number}答\n" for number in range(8)]
    folders = []
    for number, last in enumerate(("答", "答", "应")):
        changed = [*lines[:-1], f"第7问\t第7{last}\n"]
        (tmp_path / "a.tsv").write_text("".join(changed), encoding="utf-8")
        folders.append(tmp_path / f"prepared{number}")
        prepare(folders[-1], data, None, ONE, progress=False)
    model, training = ModelConfig(units=4), TrainingConfig(epochs=1, dtype="float32")
    history = train_prepared(folders[0], tmp_path / "m", model, training, progress=False)
    again = train_prepared(folders[1], tmp_path / "m", model, training, progress=False)
    assert again == history
    with pytest.raises(ValueError, match="on other corpora"):
        train_prepared(folders[2], tmp_path / "m", model, training, progress=False)
