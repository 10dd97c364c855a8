"""A prepared dataset is reproducible, and equals the pairs of a training from files."""

import dataclasses
import json
import random
from itertools import pairwise

import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.default_corpus import small_talk
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.preprocessing import tokenize
from attention_seq2seq.data.preprocessing.prepare import analyze_corpus, prepare
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.api import train
from helpers.prepared_corpora import read_files, read_shards, write_corpus

SINGLE_PROCESS = PreprocessingConfig(num_workers=1)


@pytest.mark.parametrize(
    "text",
    [
        TextConfig(vocabulary_size=300),
        TextConfig(context_turns=2, min_count=2),
        TextConfig("characters", "jieba", share_vocabulary=False, vocabulary_size=200),
        TextConfig(context_turns=2, vocabulary_size=400, oov="spell"),
        TextConfig("jieba", "words", share_vocabulary=False, vocabulary_size=400, oov="spell"),
    ],
    ids=[
        *("small vocabulary", "context", "separate vocabularies"),
        *("spelled with context", "spelled with separate vocabularies"),
    ],
)
def test_pairs_and_tokens_match_training_from_files(talk, corpus, tmp_path, text):
    data = DataConfig(
        (corpus,), max_source_length=25, max_target_length=20, validation_fraction=0.1
    )
    prepared = prepare(tmp_path / "prepared", data, text, SINGLE_PROCESS, progress=False)
    split = split_by_conversation(talk, 0.1, SINGLE_PROCESS.seed)
    splits = {
        "training": list(prepend_context(split.training, text.context_turns)),
        "validation": list(prepend_context(split.validation, text.context_turns)),
    }
    tokenizer = Seq2SeqTokenizer.build(splits["training"], text)
    loaded = Seq2SeqTokenizer.load(prepared.directory, text)
    assert loaded.source.vocabulary == tokenizer.source.vocabulary
    assert loaded.target.vocabulary == tokenizer.target.vocabulary
    removed = dict(prepared.manifest["counts"]["removed"])
    assert removed.pop("too_long") > 2
    for split_name, pairs in splits.items():
        ids = [
            (tokenizer.source.encode(p.prompt, 25), tokenizer.target.encode(p.reply)) for p in pairs
        ]
        expected = [pair for pair in ids if len(pair[0]) <= 25 and len(pair[1]) <= 21]
        shard_pairs = read_shards(prepared, split_name)
        assert sorted(shard_pairs) == sorted(expected)
        assert len(shard_pairs) == prepared.num_pairs(split_name)
    assert removed == {"also_in_training": split.num_dropped, "empty_replies": 0}
    assert len(prepared.manifest["shards"]["training"]) >= 2


def test_context_turns_without_conversations_are_reported(tmp_path, caplog):
    path, text = tmp_path / "corpus", TextConfig(context_turns=2)
    data = DataConfig((str(path),))
    path.write_text("你好\t你好呀\n吃什么\t吃烤鸭\n", encoding="utf-8")
    analyze_corpus(tmp_path / "pairs", data, text, SINGLE_PROCESS, progress=False)
    assert "context_turns is 2, but no pair has a previous turn" in caplog.text
    caplog.clear()
    path.write_text("你好\t你好呀\n你好呀\t吃烤鸭\n", encoding="utf-8")
    analyze_corpus(tmp_path / "conversation", data, text, SINGLE_PROCESS, progress=False)
    assert not caplog.text


def test_the_order_is_random_and_reproducible(corpus, tmp_path):
    data = DataConfig((corpus,), validation_fraction=0.0)
    orders = {}
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        config = dataclasses.replace(SINGLE_PROCESS, seed=seed)
        orders[name] = read_shards(
            prepare(tmp_path / name, data, preprocessing=config, progress=False), "training"
        )
    assert orders["a"] == orders["b"] != orders["c"]
    assert sorted(orders["a"]) == sorted(orders["c"])
    tokenizer = Seq2SeqTokenizer.load(tmp_path / "a", TextConfig())
    positions_by_target = {
        tuple(tokenizer.target.encode(pair.reply)): i for i, pair in enumerate(small_talk()[:300])
    }
    targets = [tuple(target) for _, target in orders["a"]]
    positions = [positions_by_target[target] for target in targets if target in positions_by_target]
    rising_fraction = sum(a < b for a, b in pairwise(positions)) / len(positions)
    assert 0.4 < rising_fraction < 0.6


@pytest.mark.slow
def test_files_do_not_depend_on_the_number_of_processes(corpus, tmp_path):
    data = DataConfig((corpus,), validation_fraction=0.1)
    for num_workers in (1, 3):
        config = PreprocessingConfig(filters=("duplicates",), num_workers=num_workers)
        prepare(tmp_path / str(num_workers), data, None, config, progress=False)
    expected = read_files(tmp_path / "1")
    assert {"manifest.json", "statistics.json", "vocabulary.txt"} < expected.keys()
    assert sum(name.endswith(".tfrecord") for name in expected) == 5
    assert read_files(tmp_path / "3") == expected


def test_preparing_reuses_the_tokens_of_an_analysis(corpus, tmp_path, monkeypatch):
    data = DataConfig((corpus,))
    statistics = analyze_corpus(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    monkeypatch.setattr(tokenize, "tokenize_chunk", None)
    prepared = prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    assert prepared.statistics() == statistics
    assert (
        analyze_corpus(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
        == statistics
    )


def test_overlong_pairs_do_not_count_towards_max_reply_count(tmp_path):
    pairs = [("吃，" * 50 + str(i), "好") for i in range(5)] + [(f"问{i}", "好") for i in range(5)]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n\n" for a, b in pairs), encoding="utf-8")
    config = PreprocessingConfig(filters=("common_replies",), max_reply_count=3, num_workers=1)
    data = DataConfig((str(path),), validation_fraction=0.0)
    counts = prepare(tmp_path / "prepared", data, None, config, progress=False).manifest["counts"]
    assert counts["removed"] == {
        "empty_replies": 0,
        "common_replies": 2,
        "also_in_training": 0,
        "too_long": 5,
    }


def test_empty_replies_are_removed_as_in_training_from_files(tmp_path, caplog):
    pairs = [Pair("你好", "好", 0), Pair("好", "\u200b", 1)]
    data = DataConfig((write_corpus(pairs, tmp_path / "pairs"),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    assert prepared.manifest["counts"]["removed"]["empty_replies"] == 1
    config = Config(data, model=ModelConfig(units=4), training=TrainingConfig(epochs=1))
    with caplog.at_level("INFO"):
        train(pairs, tmp_path / "model", config, progress=False)
    assert "Skipped 1 of 2 training pairs" in caplog.text


@pytest.mark.parametrize("content", ["", "吃什么 100\n"], ids=["empty", "a word"])
def test_user_dictionaries(corpus, tmp_path, content):
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text(content, encoding="utf-8")
    text, data = TextConfig(user_dictionary=str(dictionary_path)), DataConfig((corpus,))
    prepared = prepare(tmp_path / "prepared", data, text, SINGLE_PROCESS, progress=False)
    assert len(prepared.tokenizer().source.tokenize("吃什么")) == (1 if content else 2)
    prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, overwrite=True, progress=False)
    assert not (tmp_path / "prepared/user_dictionary.txt").exists()


def test_unreadable_lines_are_skipped_and_counted(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("你好\t你好呀\nbad\n" * 60, encoding="utf-8")
    data = DataConfig((str(path),), skip_bad_lines=True)
    prepared = prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    assert prepared.manifest["skipped_lines"] == {"no tab": 60}
    assert prepared.statistics()["skipped_lines"] == {"no tab": 60}


FILTER_CASES = {
    "duplicates": ([("你好", "好"), ("你好", "好"), ("你好", "不好")], [0, 2]),
    "common_replies": ([(f"问{i}", "好") for i in range(5)], [0, 1, 2]),
    "echoes": ([("你好", "你好"), ("你好", "好")], [1]),
    "short": ([("我们 吃", "好"), ("好", "我们 吃"), ("我们 吃", "他们 吃")], [2]),
    "traditional": ([("我們吃", "好"), ("好", "我們吃"), ("我们吃", "好")], [2]),
    "simplified": ([("我們吃", "好"), ("好", "我们吃")], [0]),
    "not_chinese": ([("ok", "好"), ("好", "ok"), ("好 ok", "好")], [2]),
    "mojibake": ([("好", "浣犲ソ"), ("好", "你好")], [1]),
}


@pytest.mark.parametrize("name", FILTER_CASES)
def test_filters_remove_matching_pairs(tmp_path, name):
    pairs, remaining_indices = FILTER_CASES[name]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n\n" for a, b in pairs), encoding="utf-8")
    config = PreprocessingConfig(filters=(name,), max_reply_count=3, num_workers=1)
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, config, progress=False)
    tokenizer = Seq2SeqTokenizer.load(prepared.directory, TextConfig())
    expected = [
        (tokenizer.source.encode(pairs[i][0]), tokenizer.target.encode(pairs[i][1]))
        for i in remaining_indices
    ]
    assert sorted(read_shards(prepared, "training")) == sorted(expected)
    assert prepared.manifest["counts"]["removed"][name] == len(pairs) - len(remaining_indices)
    assert prepared.manifest["counts"]["total"] == len(pairs)


def test_random_texts_round_trip(tmp_path):
    """Texts of random unusual characters."""
    rng = random.Random(2)
    alphabet = "今天吃 什麼\u200b\ufffd😀aB9,。\u3000é\ud800"
    texts = ["".join(rng.choices(alphabet, k=rng.randint(1, 9))) + "x" for _ in range(400)]
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": a, "reply": b}) + "\n" for a, b in zip(texts, texts[::-1])),
        encoding="utf-8",
    )
    data = DataConfig((str(path),), validation_fraction=0.0)
    prepared = prepare(tmp_path / "prepared", data, None, SINGLE_PROCESS, progress=False)
    tokenizer = Seq2SeqTokenizer.load(prepared.directory, TextConfig())
    expected = [
        (tokenizer.source.encode(a), tokenizer.target.encode(b)) for a, b in zip(texts, texts[::-1])
    ]
    assert sorted(read_shards(prepared, "training")) == sorted(expected)
