"""`InGraphJieba` and `segment_by_jieba` segment texts like jieba."""

import io
import itertools
import random
import time
import tracemalloc

import jieba
import pytest
import tensorflow as tf

from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.text import jieba_dictionary
from attention_seq2seq.text.in_graph.jieba import InGraphJieba
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import segment_by_jieba

TEXTS = tf.TensorSpec([None], tf.string)
ODD_FRAGMENTS = [
    *"abcXYZ0123456789.%+-#&_ ,!~\n\r\t\0",
    *"今天晚上吃什么的一是龘𠀀😀Ａ。，é한",
    "\r\n",
    "1.5%",
]


def list_differences(jieba_tokenizer, dictionary, hmm, folder, texts, batch_size=64):
    """Returns texts that graph, `segment_by_jieba` and jieba segment differently, with words."""
    segment = tf.function(InGraphJieba(dictionary, hmm, folder).segment, input_signature=[TEXTS])
    differences = []
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        for text, words in zip(batch, segment(tf.constant(batch)).to_list()):
            in_graph = [word.decode() for word in words]
            in_python = segment_by_jieba(text, dictionary, hmm)
            expected = [word for word in jieba_tokenizer.lcut(text, HMM=hmm) if not word.isspace()]
            if not in_graph == in_python == expected:
                differences.append((text, in_graph, in_python, expected))
    return differences


def make_jieba_tokenizer(lines, folder):
    """Returns a jieba tokenizer with a custom dictionary."""
    dictionary = folder / "dictionary.txt"
    dictionary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    jieba_tokenizer = jieba.Tokenizer(str(dictionary))
    jieba_tokenizer.tmp_dir = str(folder)
    jieba_tokenizer.cache_file = f"cache-{random.getrandbits(64)}"
    jieba_tokenizer.initialize()
    return jieba_tokenizer


@pytest.fixture
def no_forced_splits(monkeypatch):
    """Resets the words that jieba's HMM must split."""
    forced_splits = set()
    monkeypatch.setattr(jieba.finalseg, "Force_Split_Words", forced_splits)
    return forced_splits


@pytest.fixture(scope="module")
def jieba_tokenizer():
    return jieba.Tokenizer()


def odd_texts(num_texts, seed):
    rng = random.Random(seed)
    return [
        "".join(
            rng.choice(ODD_FRAGMENTS) if rng.random() < 0.7 else chr(rng.randint(0x4E00, 0x9FD5))
            for _ in range(rng.randint(0, 40))
        )
        for _ in range(num_texts)
    ]


@pytest.fixture(
    scope="module",
    params=[True, pytest.param(False, marks=pytest.mark.slow)],
    ids=["hmm", "no hmm"],
)
def hmm(request):
    return request.param


def test_words_of_real_and_odd_texts_match_jieba(hmm, jieba_tokenizer, tmp_path):
    corpus, _ = load_corpus((), False, 0.0, 1)
    texts = [side for pair in corpus.training for side in (pair.prompt, pair.reply)]
    extreme_texts = ["", "龘" * 8000, "a" * 8000, "1.5%吃" * 1600, "，。" * 4000, "今天晚上" * 2000]
    texts = list(map(Normalizer(True), texts + odd_texts(4000, 1) + extreme_texts))
    assert len(texts) > 6000
    assert not list_differences(jieba_tokenizer, JiebaDictionary(), hmm, tmp_path, texts)


@pytest.mark.slow
def test_words_with_every_code_point_match_jieba(hmm, jieba_tokenizer, tmp_path):
    characters = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    texts = ["吃".join(characters[i : i + 512]) for i in range(0, len(characters), 512)]
    texts = list(map(Normalizer(False), texts))
    assert not list_differences(jieba_tokenizer, JiebaDictionary(), hmm, tmp_path, texts)


def test_empty_batches(hmm, tmp_path):
    graph = InGraphJieba(JiebaDictionary(), hmm, tmp_path)
    assert graph.segment(tf.constant([], tf.string)).to_list() == []
    assert graph.segment(tf.constant(["", " "])).to_list() == [[], []]
    assert graph.segment(tf.constant(["。"])).to_list() == [["。".encode()]]


def test_ties_are_broken_like_jieba(hmm, tmp_path, monkeypatch):
    """Three characters and few counts: most texts have several equally probable segmentations."""
    rng = random.Random(2)
    words = [
        "".join(letters) for n in range(1, 5) for letters in itertools.product("甲乙1", repeat=n)
    ]
    for index in range(3):
        folder = tmp_path / str(index)
        folder.mkdir()
        sample = rng.sample(words, rng.randint(4, 60))
        counts = rng.choice([(1,), (1, 2), (1, 10, 100)])
        lines = [f"{word} {rng.choice(counts)}" for word in sample]
        jieba_tokenizer = make_jieba_tokenizer(lines, folder)
        texts = [
            "".join(rng.choice("甲乙1丙") for _ in range(rng.randint(1, 24))) for _ in range(600)
        ]
        counts = jieba_tokenizer.FREQ, jieba_tokenizer.total
        monkeypatch.setattr(jieba_dictionary, "_jieba_counts", lambda counts=counts: counts)
        assert not list_differences(jieba_tokenizer, JiebaDictionary(), hmm, folder, texts)


USER_WORDS = [
    "烤鸭吧 1000000",
    "一二三四五六七八九十一二三四五六七八九十 5",
    "c++ 9",
    "晚上吃",
    "什么 1",
    "网易杭研 n",
    "今天 0",
    "杭研 0",
    "杭研 3",
]
USER_WORD_TEXTS = [
    "今天晚上吃什么",
    "晚上吃烤鸭吧",
    "一二三四五六七八九十" * 3,
    "c++和python3.5",
    "今天c++",
    "他来到了网易杭研大厦",
    "大厦杭研",
]


@pytest.mark.usefixtures("no_forced_splits")
def test_added_and_forbidden_words_match_jieba(hmm, tmp_path):
    jieba_tokenizer = jieba.Tokenizer()
    jieba_tokenizer.load_userdict(io.StringIO("\n".join(USER_WORDS)))
    dictionary = JiebaDictionary(USER_WORDS)
    counts = jieba_tokenizer.FREQ, jieba_tokenizer.total
    assert (dictionary.counts, dictionary.total) == counts
    assert not list_differences(jieba_tokenizer, dictionary, hmm, tmp_path, USER_WORD_TEXTS)


@pytest.mark.usefixtures("no_forced_splits")
def test_the_hmm_splits_forbidden_words(jieba_tokenizer, tmp_path):
    text = "他来到了网易杭研大厦"
    assert "杭研" in jieba_tokenizer.lcut(text)
    jieba.finalseg.add_force_split("杭研")
    assert "杭研" not in jieba_tokenizer.lcut(text)
    texts = [text, "杭研", "大厦杭研"]
    # No dictionary has this word, so that its count of 0 affects the HMM only.
    assert not list_differences(jieba_tokenizer, JiebaDictionary(["杭研 0"]), True, tmp_path, texts)


def test_segmenters_do_not_depend_on_global_jieba_state(no_forced_splits, tmp_path):
    text = "他来到了网易杭研大厦"
    expected = segment_by_jieba(text)
    assert "杭研" in expected
    # Both forbid a word: jieba's API, and the dictionary of another model.
    jieba.Tokenizer().del_word("杭研")
    assert "杭研" not in segment_by_jieba(text, JiebaDictionary(["杭研 0"]))
    assert no_forced_splits == {"杭研"}
    assert segment_by_jieba(text) == expected
    graph = InGraphJieba(JiebaDictionary(), True, tmp_path)
    assert [w.decode() for w in graph.segment(tf.constant([text])).to_list()[0]] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("龘" * 80_000, ["龘"] * 80_000),
        ("a" * 80_000, ["a" * 80_000]),
        ("吃1" * 40_000, ["吃", "1"] * 40_000),
        ("今天晚上吃什么" * 12_000, ["今天", "晚上", "吃", "什么"] * 12_000),
    ],
    ids=lambda value: value[:4] if isinstance(value, str) else "",
)
def test_long_texts_take_linear_time(text, words):
    dictionary = JiebaDictionary()
    start_time = time.process_time()
    actual = segment_by_jieba(text, dictionary)
    assert time.process_time() - start_time < 1
    assert actual == words


def test_user_words_share_the_memory_of_the_dictionary():
    dictionary = JiebaDictionary(["一个新词 5"])
    tracemalloc.start()
    dictionaries = [JiebaDictionary([f"第{index}个新词 5"]) for index in range(50)]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert dictionary.count("一个新词") == 5
    assert not any(d.count("一个新词") for d in dictionaries)
    assert size < 1_000_000
