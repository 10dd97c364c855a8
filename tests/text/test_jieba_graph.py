"""Words cut by TensorFlow ops are those that jieba cuts."""

import itertools
import random

import jieba
import pytest
import tensorflow as tf

from attention_seq2seq.data.corpora import load_corpus
from attention_seq2seq.text.jieba_graph import JiebaGraph
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import JiebaSegmenter

TEXTS = tf.TensorSpec([None], tf.string)
ODD = [
    *"abcXYZ0123456789.%+-#&_ ,!~\n\r\t\0",
    *"今天晚上吃什么的一是龘𠀀😀Ａ。，é한",
    "\r\n",
    "1.5%",
]


def differences(tokenizer, hmm, folder, texts, batch_size=64):
    """Texts that the graph cuts otherwise, each with both ways of cutting it."""
    graph = tf.function(JiebaGraph(tokenizer, hmm, folder).cut, input_signature=[TEXTS])
    found = []
    for first in range(0, len(texts), batch_size):
        batch = texts[first : first + batch_size]
        for text, words in zip(batch, graph(tf.constant(batch)).to_list()):
            ours = [word.decode() for word in words]
            theirs = [word for word in tokenizer.lcut(text, HMM=hmm) if not word.isspace()]
            if ours != theirs:
                found.append((text, ours, theirs))
    return found


def tokenizer_of(lines, folder):
    """A jieba tokenizer with a dictionary of its own."""
    dictionary = folder / "dictionary.txt"
    dictionary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tokenizer = jieba.Tokenizer(str(dictionary))
    tokenizer.tmp_dir = str(folder)
    tokenizer.cache_file = f"cache-{random.getrandbits(64)}"
    return tokenizer


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


def test_of_real_sentences_and_odd_ones(hmm, tmp_path):
    corpus, _ = load_corpus((), False, 0.0, 1)
    texts = [side for pair in corpus.training for side in (pair.prompt, pair.reply)]
    extremes = ["", "龘" * 8000, "a" * 8000, "1.5%吃" * 1600, "，。" * 4000, "今天晚上" * 2000]
    texts = list(map(Normalizer(True), texts + odd_texts(4000, 1) + extremes))
    assert len(texts) > 6000
    assert not differences(JiebaSegmenter(hmm).tokenizer, hmm, tmp_path, texts)


def test_of_every_code_point(hmm, tmp_path):
    every = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
    texts = ["吃".join(every[first : first + 512]) for first in range(0, len(every), 512)]
    texts = list(map(Normalizer(False), texts))
    assert not differences(JiebaSegmenter(hmm).tokenizer, hmm, tmp_path, texts)


def test_of_batches_with_nothing_to_cut(hmm, tmp_path):
    graph = JiebaGraph(JiebaSegmenter(hmm).tokenizer, hmm, tmp_path)
    assert graph.cut(tf.constant([], tf.string)).to_list() == []
    assert graph.cut(tf.constant(["", " "])).to_list() == [[], []]
    assert graph.cut(tf.constant(["。"])).to_list() == [["。".encode()]]


def test_of_dictionaries_full_of_ties(hmm, tmp_path):
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
        assert not differences(tokenizer, hmm, folder, texts)


def test_of_words_added_and_taken_away(hmm, tmp_path):
    words = [
        "烤鸭吧 1000000",
        "一二三四五六七八九十一二三四五六七八九十 5",
        "c++ 9",
        "晚上吃",
        "什么 1",
    ]
    tokenizer = JiebaSegmenter(hmm, words).tokenizer
    tokenizer.del_word("今天")
    texts = [
        "今天晚上吃什么",
        "晚上吃烤鸭吧",
        "一二三四五六七八九十" * 3,
        "c++和python3.5",
        "今天c++",
    ]
    assert not differences(tokenizer, hmm, tmp_path, texts)


def test_of_a_word_that_the_guess_may_not_make(tmp_path, monkeypatch):
    tokenizer = JiebaSegmenter().tokenizer
    guessed = "他来到了网易杭研大厦"
    assert "杭研" in tokenizer.lcut(guessed)
    monkeypatch.setattr(jieba.finalseg, "Force_Split_Words", {"杭研"})
    assert "杭研" not in tokenizer.lcut(guessed)
    assert not differences(tokenizer, True, tmp_path, [guessed, "杭研", "大厦杭研"])
