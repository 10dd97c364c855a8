"""Corpora to shards: the same pairs and words as training from files, the same bytes always."""

import dataclasses
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
import tensorflow as tf

from attention_seq2seq.config import Config, DataConfig, ModelConfig, TextConfig, TrainingConfig
from attention_seq2seq.data.corpora import small_talk
from attention_seq2seq.data.pairs import Pair, with_context
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.preparation import cut_corpus
from attention_seq2seq.preparation import prepare as prepare_module
from attention_seq2seq.preparation.manifest import Prepared
from attention_seq2seq.preparation.prepare import examine, prepare
from attention_seq2seq.preparation_config import PreparationConfig
from attention_seq2seq.text.codec import Codec
from attention_seq2seq.training.encoded_pairs import Shards
from attention_seq2seq.training.trainer import train, train_prepared

ONE = PreparationConfig(processes=1)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Chunks of 50 pairs and shards of 100, so that a small corpus has several."""
    cut, write = prepare_module.cut_corpus, prepare_module.write_shards
    monkeypatch.setattr(prepare_module, "cut_corpus", lambda *a: cut(*a, pairs_a_chunk=50))
    monkeypatch.setattr(prepare_module, "write_shards", lambda *a: write(*a, pairs_a_shard=100))


@pytest.fixture(scope="module")
def talk() -> list[Pair]:
    """Small talk, with some pairs again, and some far too long."""
    pairs = small_talk()[:400]
    last = pairs[-1].conversation
    again = [pair._replace(conversation=last + 1 + i) for i, pair in enumerate(pairs[:40])]
    long = [Pair("长，" * 50, "好", last + 100), Pair("好", "长，" * 50, last + 101)]
    return pairs + again + long


@pytest.fixture
def corpus(talk, tmp_path) -> str:
    return write(talk, tmp_path / "talk.jsonl")


def write(pairs, path: Path) -> str:
    """A pair a line, and a blank line after each conversation."""
    lines = [json.dumps({"prompt": pair.prompt, "reply": pair.reply}) for pair in pairs]
    for i, (pair, after) in enumerate(pairwise(pairs)):
        lines[i] += "\n" * (1 + (pair.conversation != after.conversation))
    path.write_text("".join(lines), encoding="utf-8")
    return str(path)


def written(prepared: Prepared, part: str) -> list[tuple[list[int], list[int]]]:
    if not prepared.num_pairs(part):
        return []
    pools = Shards(prepared.shards(part), prepared.num_pairs(part)).pools(1000, None)
    return [pair for source, target in pools for pair in zip(source.to_list(), target.to_list())]


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "text",
    [
        TextConfig(vocabulary_size=300),
        TextConfig(context_turns=2, min_count=2),
        TextConfig("characters", "jieba", shared_vocabulary=False, vocabulary_size=200),
    ],
    ids=["small vocabulary", "turns before", "a vocabulary each"],
)
def test_pairs_and_words_are_those_of_training_from_files(talk, corpus, tmp_path, text):
    data = DataConfig(
        (corpus,), max_source_length=25, max_target_length=20, validation_fraction=0.1
    )
    prepared = prepare(tmp_path / "prepared", data, text, ONE, progress=False)
    split = split_by_conversation(talk, 0.1, ONE.seed)
    sides = {
        "training": list(with_context(split.training, text.context_turns)),
        "validation": list(with_context(split.validation, text.context_turns)),
    }
    codec = Codec.build(sides["training"], text)
    loaded = Codec.load(prepared.folder, text)
    assert loaded.source_vocabulary == codec.source_vocabulary
    assert loaded.target_vocabulary == codec.target_vocabulary
    removed = dict(prepared.content["counts"]["removed"])
    assert removed.pop("too_long") > 2
    for part, pairs in sides.items():
        ids = [(codec.encode_prompt(p.prompt, 25), codec.encode_reply(p.reply)) for p in pairs]
        expected = [pair for pair in ids if len(pair[0]) <= 25 and len(pair[1]) <= 21]
        found = written(prepared, part)
        assert sorted(found) == sorted(expected)
        assert len(found) == prepared.num_pairs(part)
    assert removed == {"also_in_training": split.num_dropped, "wordless": 0}
    assert len(prepared.content["shards"]["training"]) > 2


def test_the_order_is_random_and_decided_by_the_seed(corpus, tmp_path):
    data = DataConfig((corpus,), validation_fraction=0.0)
    orders = {}
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        config = dataclasses.replace(ONE, seed=seed)
        orders[name] = written(
            prepare(tmp_path / name, data, preparation=config, progress=False), "training"
        )
    assert orders["a"] == orders["b"] != orders["c"]
    assert sorted(orders["a"]) == sorted(orders["c"])
    codec = Codec.load(tmp_path / "a", TextConfig())
    places = {tuple(codec.encode_reply(pair.reply)): i for i, pair in enumerate(small_talk()[:300])}
    found = [places[tuple(target)] for _, target in orders["a"] if tuple(target) in places]
    rising = sum(a < b for a, b in pairwise(found)) / len(found)
    assert 0.4 < rising < 0.6


def test_the_same_bytes_for_any_number_of_processes(corpus, tmp_path):
    data = DataConfig((corpus,), validation_fraction=0.1)
    for processes in (1, 3):
        config = PreparationConfig(clean=("duplicates",), processes=processes)
        prepare(tmp_path / str(processes), data, None, config, progress=False)
    expected = bytes_in(tmp_path / "1")
    assert {"manifest.json", "examination.json", "vocabulary.txt"} < expected.keys()
    assert sum(name.endswith(".tfrecord") for name in expected) == 5
    assert bytes_in(tmp_path / "3") == expected


class Power(Exception):
    pass


@pytest.mark.parametrize("stage", ["cut", "encode", "write_shard", "write_json"])
def test_stopped_at_any_stage_it_goes_on(corpus, tmp_path, monkeypatch, stage):
    """What was done is not done again, and the bytes are those of a run never stopped."""
    from attention_seq2seq.preparation import cut_corpus, write_shards

    data = DataConfig((corpus,), validation_fraction=0.1)
    prepare(tmp_path / "whole", data, None, ONE, progress=False)
    module = {"cut": cut_corpus, "write_json": prepare_module}.get(stage, write_shards)
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


def test_examined_first_nothing_is_cut_again(corpus, tmp_path, monkeypatch):
    data = DataConfig((corpus,))
    found = examine(tmp_path / "prepared", data, None, ONE, progress=False)
    monkeypatch.setattr(cut_corpus, "cut", None)
    prepared = prepare(tmp_path / "prepared", data, None, ONE, progress=False)
    assert prepared.examination() == found
    assert examine(tmp_path / "prepared", data, None, ONE, progress=False) == found


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


def test_what_goes_for_its_length_does_not_use_up_the_cap(tmp_path):
    pairs = [("吃，" * 50 + str(i), "好") for i in range(5)] + [(f"问{i}", "好") for i in range(5)]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n\n" for a, b in pairs), encoding="utf-8")
    config = PreparationConfig(clean=("common_replies",), reply_cap=3, processes=1)
    data = DataConfig((str(path),), validation_fraction=0.0)
    counts = prepare(tmp_path / "prepared", data, None, config, progress=False).content["counts"]
    assert counts["removed"] == {
        "wordless": 0,
        "common_replies": 2,
        "also_in_training": 0,
        "too_long": 5,
    }


def test_replies_without_words_are_left_out_as_in_training_from_files(tmp_path, caplog):
    pairs = [Pair("你好", "好", 0), Pair("好", "\u200b", 1)]
    data = DataConfig((write(pairs, tmp_path / "pairs"),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, ONE, progress=False)
    assert prepared.content["counts"]["removed"]["wordless"] == 1
    config = Config(data, model=ModelConfig(units=4), training=TrainingConfig(epochs=1))
    with caplog.at_level("INFO"):
        train(pairs, tmp_path / "model", config, progress=False)
    assert "1 of 2 training pairs left out" in caplog.text


@pytest.mark.parametrize("content", ["", "吃什么 100\n"], ids=["empty", "a word"])
def test_user_words(corpus, tmp_path, content):
    words = tmp_path / "words.txt"
    words.write_text(content, encoding="utf-8")
    text, data = TextConfig(user_dictionary=str(words)), DataConfig((corpus,))
    prepared = prepare(tmp_path / "prepared", data, text, ONE, progress=False)
    assert len(prepared.codec().prompt_words("吃什么")) == (1 if content else 2)
    prepare(tmp_path / "prepared", data, None, ONE, overwrite=True, progress=False)
    assert not (tmp_path / "prepared/user_dictionary.txt").exists()


@pytest.mark.parametrize("name", ["examination.json", "vocabulary.txt", "manifest.json"])
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
    from attention_seq2seq.files import alone_in

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


def test_bad_lines_are_left_out_and_counted(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("你好\t你好呀\nbad\n" * 60, encoding="utf-8")
    data = DataConfig((str(path),), skip_bad_lines=True)
    prepared = prepare(tmp_path / "prepared", data, None, ONE, progress=False)
    assert prepared.content["bad lines left out"] == {"no tab": 60}
    assert prepared.examination()["bad lines left out"] == {"no tab": 60}


CLEANINGS = {
    "duplicates": ([("你好", "好"), ("你好", "好"), ("你好", "不好")], [0, 2]),
    "common_replies": ([(f"问{i}", "好") for i in range(5)], [0, 1, 2]),
    "echoes": ([("你好", "你好"), ("你好", "好")], [1]),
    "short": ([("我们 吃", "好"), ("好", "我们 吃"), ("我们 吃", "他们 吃")], [2]),
    "traditional": ([("我們吃", "好"), ("好", "我們吃"), ("我们吃", "好")], [2]),
    "simplified": ([("我們吃", "好"), ("好", "我们吃")], [0]),
    "not_chinese": ([("ok", "好"), ("好", "ok"), ("好 ok", "好")], [2]),
    "mojibake": ([("好", "浣犲ソ"), ("好", "你好")], [1]),
}


@pytest.mark.parametrize("name", CLEANINGS)
def test_cleaning_leaves_out_what_it_says(tmp_path, name):
    pairs, kept = CLEANINGS[name]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n\n" for a, b in pairs), encoding="utf-8")
    config = PreparationConfig(clean=(name,), reply_cap=3, processes=1)
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, config, progress=False)
    codec = Codec.load(prepared.folder, TextConfig())
    expected = [(codec.encode_prompt(pairs[i][0]), codec.encode_reply(pairs[i][1])) for i in kept]
    assert sorted(written(prepared, "training")) == sorted(expected)
    assert prepared.content["counts"]["removed"][name] == len(pairs) - len(kept)
    assert prepared.content["counts"]["given"] == len(pairs)


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


def test_a_model_learns_the_same_from_shards_as_from_memory(talk, corpus, tmp_path):
    model = ModelConfig(units=16)
    training = TrainingConfig(epochs=4, batch_size=32, learning_rate=0.01, patience=0)
    data = DataConfig((corpus,), validation_fraction=0.1)
    prepare(tmp_path / "prepared", data, None, ONE, progress=False)
    shards = train_prepared(
        tmp_path / "prepared", tmp_path / "shards", model, training, progress=False
    )
    memory = train(
        talk, tmp_path / "memory", Config(data=data, model=model, training=training), progress=False
    )
    # Another order of the same pairs: the same to within what the order does.
    assert shards["loss"][-1] == pytest.approx(memory["loss"][-1], rel=0.1)
    assert shards["val_loss"][0] == pytest.approx(memory["val_loss"][0], rel=0.1)
    record = json.loads((tmp_path / "shards/trained_on.json").read_text(encoding="utf-8"))
    assert [corpus["name"] for corpus in record["corpora"]] == ["talk.jsonl"]
    assert Config.load(tmp_path / "shards").data.data == (str(tmp_path / "prepared"),)


def test_each_epoch_from_shards_has_another_order_and_a_seed_repeats_it(corpus, tmp_path):
    prepared = prepare(tmp_path / "prepared", DataConfig((corpus,)), None, ONE, progress=False)
    shards = Shards(prepared.shards("training"), prepared.num_pairs("training"))

    def two_epochs():
        epochs = (shards.pools(64, seed=tf.constant([1, epoch])) for epoch in range(2))
        return [[row for source, _ in pools for row in source.to_list()] for pools in epochs]

    first, second = two_epochs()
    assert first != second
    assert sorted(first) == sorted(second)
    assert two_epochs() == [first, second]


def test_a_random_corpus_survives(tmp_path):
    """Strings that nobody would write."""
    draw = random.Random(2)
    alphabet = "今天吃 什麼\u200b\ufffd😀aB9,。\u3000é\ud800"
    texts = ["".join(draw.choices(alphabet, k=draw.randint(1, 9))) + "x" for _ in range(400)]
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": a, "reply": b}) + "\n" for a, b in zip(texts, texts[::-1])),
        encoding="utf-8",
    )
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, ONE, progress=False)
    codec = Codec.load(prepared.folder, TextConfig())
    expected = [(codec.encode_prompt(a), codec.encode_reply(b)) for a, b in zip(texts, texts[::-1])]
    assert sorted(written(prepared, "training")) == sorted(expected)
