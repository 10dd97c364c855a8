"""Words cut by TensorFlow ops are those that jieba cuts."""

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
from attention_seq2seq.text.in_graph.jieba import JiebaGraph
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import JiebaSegmenter

TEXTS = tf.TensorSpec([None], tf.string)
ODD = [
    *"abcXYZ0123456789.%+-#&_ ,!~\n\r\t\0",
    *"今天晚上吃什么的一是龘𠀀😀Ａ。，é한",
    "\r\n",
    "1.5%",
]


def differences(jieba_tokenizer, dictionary, hmm, folder, texts, batch_size=64):
    """Texts that the graph or `JiebaSegmenter` cuts otherwise than jieba, with all three ways."""
    graph = tf.function(JiebaGraph(dictionary, hmm, folder).cut, input_signature=[TEXTS])
    segmenter = JiebaSegmenter(hmm, dictionary)
    found = []
    for first in range(0, len(texts), batch_size):
        batch = texts[first : first + batch_size]
        for text, words in zip(batch, graph(tf.constant(batch)).to_list()):
            in_graph = [word.decode() for word in words]
            in_python = segmenter.cut(text)
            jiebas = [word for word in jieba_tokenizer.lcut(text, HMM=hmm) if not word.isspace()]
            if not in_graph == in_python == jiebas:
                found.append((text, in_graph, in_python, jiebas))
    return found


def tokenizer_of(lines, folder):
    """A jieba tokenizer with a dictionary of its own."""
    dictionary = folder / "dictionary.txt"
    dictionary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = jieba.Tokenizer(str(dictionary))
    tokenizer.tmp_dir = str(folder)
    tokenizer.cache_file = f"cache-{random.getrandbits(64)}"
    tokenizer.initialize()
    return tokenizer


@pytest.fixture
def no_forced_splits(monkeypatch):
    """jieba as in a process where nobody has forbidden a word yet."""
    forced_splits = set()
    monkeypatch.setattr(jieba.finalseg, "Force_Split_Words", forced_splits)
    return forced_splits


@pytest.fixture(scope="module")
def jieba_tokenizer():
    return jieba.Tokenizer()


def odd_texts(num_texts, seed):
    draw = random.Random(seed)
    return [
        "".join(
            draw.choice(ODD) if draw.random() < 0.7 else chr(draw.randint(0x4E00, 0x9FD5))
            for _ in range(draw.randint(0, 40))
        )
        for _ in range(num_texts)
    ]


@pytest.fixture(scope="module", params=[True, False], ids=["hmm", "no hmm"])
def hmm(request):
    return request.param


def test_of_real_sentences_and_odd_ones(hmm, jieba_tokenizer, tmp_path):
    corpus, _ = load_corpus((), False, 0.0, 1)
    texts = [side for pair in corpus.training for side in (pair.prompt, pair.reply)]
    extremes = ["", "龘" * 8000, "a" * 8000, "1.5%吃" * 1600, "，。" * 4000, "今天晚上" * 2000]
    texts = list(map(Normalizer(True), texts + odd_texts(4000, 1) + extremes))
    assert len(texts) > 6000
    assert not differences(jieba_tokenizer, JiebaDictionary(), hmm, tmp_path, texts)


def test_of_every_code_point(hmm, jieba_tokenizer, tmp_path):
    every = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    texts = ["吃".join(every[first : first + 512]) for first in range(0, len(every), 512)]
    texts = list(map(Normalizer(False), texts))
    assert not differences(jieba_tokenizer, JiebaDictionary(), hmm, tmp_path, texts)


def test_of_batches_with_nothing_to_cut(hmm, tmp_path):
    graph = JiebaGraph(JiebaDictionary(), hmm, tmp_path)
    assert graph.cut(tf.constant([], tf.string)).to_list() == []
    assert graph.cut(tf.constant(["", " "])).to_list() == [[], []]
    assert graph.cut(tf.constant(["。"])).to_list() == [["。".encode()]]


def test_of_dictionaries_full_of_ties(hmm, tmp_path, monkeypatch):
    """Three characters and few counts: most texts can be cut in several equally probable ways."""
    draw = random.Random(2)
    words = [
        "".join(letters) for n in range(1, 5) for letters in itertools.product("甲乙1", repeat=n)
    ]
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        some = draw.sample(words, draw.randint(4, 60))
        counts = draw.choice([(1,), (1, 2), (1, 10, 100)])
        tokenizer = tokenizer_of([f"{word} {draw.choice(counts)}" for word in some], folder)
        texts = [
            "".join(draw.choice("甲乙1丙") for _ in range(draw.randint(1, 24))) for _ in range(600)
        ]
        counts = tokenizer.FREQ, tokenizer.total
        monkeypatch.setattr(jieba_dictionary, "_jieba_counts", lambda counts=counts: counts)
        assert not differences(tokenizer, JiebaDictionary(), hmm, folder, texts)


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
WITH_USER_WORDS = [
    "今天晚上吃什么",
    "晚上吃烤鸭吧",
    "一二三四五六七八九十" * 3,
    "c++和python3.5",
    "今天c++",
    "他来到了网易杭研大厦",
    "大厦杭研",
]


@pytest.mark.usefixtures("no_forced_splits")
def test_of_words_added_and_taken_away(hmm, tmp_path):
    tokenizer = jieba.Tokenizer()
    tokenizer.load_userdict(io.StringIO("\n".join(USER_WORDS)))
    dictionary = JiebaDictionary(USER_WORDS)
    assert (dictionary.counts, dictionary.total) == (tokenizer.FREQ, tokenizer.total)
    assert not differences(tokenizer, dictionary, hmm, tmp_path, WITH_USER_WORDS)


@pytest.mark.usefixtures("no_forced_splits")
def test_of_a_word_that_the_guess_may_not_make(jieba_tokenizer, tmp_path):
    guessed = "他来到了网易杭研大厦"
    assert "杭研" in jieba_tokenizer.lcut(guessed)
    jieba.finalseg.add_force_split("杭研")
    assert "杭研" not in jieba_tokenizer.lcut(guessed)
    texts = [guessed, "杭研", "大厦杭研"]
    # Its count of 0 changes nothing else, since no dictionary has it.
    assert not differences(jieba_tokenizer, JiebaDictionary(["杭研 0"]), True, tmp_path, texts)


def test_nothing_done_to_jieba_elsewhere_reaches_a_segmenter(no_forced_splits, tmp_path):
    guessed, before = "他来到了网易杭研大厦", JiebaSegmenter().cut("他来到了网易杭研大厦")
    assert "杭研" in before
    # jieba's documented way to forbid a word, by a program and by another model's dictionary.
    jieba.Tokenizer().del_word("杭研")
    forbidding = JiebaSegmenter(True, JiebaDictionary(["杭研 0"]))
    assert "杭研" not in forbidding.cut(guessed)
    assert no_forced_splits == {"杭研"}
    assert JiebaSegmenter().cut(guessed) == before
    graph = JiebaGraph(JiebaDictionary(), True, tmp_path)
    assert [w.decode() for w in graph.cut(tf.constant([guessed])).to_list()[0]] == before


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
    segmenter = JiebaSegmenter()
    begin = time.process_time()
    found = segmenter.cut(text)
    assert time.process_time() - begin < 1
    assert found == words


def test_user_words_share_the_memory_of_the_dictionary():
    first = JiebaDictionary(["一个新词 5"])
    tracemalloc.start()
    others = [JiebaDictionary([f"第{number}个新词 5"]) for number in range(50)]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert first.count("一个新词") == 5
    assert all(other.count("一个新词") is None for other in others)
    assert size < 1_000_000
