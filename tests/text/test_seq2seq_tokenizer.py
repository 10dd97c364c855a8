import logging
import os
import pwd
import stat
import subprocess
import sys

import jieba
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.text import jieba_dictionary
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.segmentation import (
    CharacterSegmenter,
    JiebaSegmenter,
    WhitespaceSegmenter,
    join_words,
)
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK

PAIRS = [("今天晚上吃什么", "晚上吃烤鸭"), ("Hello World", "I love 北京烤鸭 v2")]


@pytest.mark.parametrize("hmm", [True, False])
def test_words_are_jiebas_without_the_blanks(hmm):
    segmenter = JiebaSegmenter(hmm)
    for pair in default_corpus().training:
        expected = [word for word in jieba.lcut(pair.prompt, HMM=hmm) if word.strip()]
        assert segmenter.segment(pair.prompt) == expected


def test_hmm_finds_words_that_the_dictionary_lacks():
    text = "他来到了网易杭研大厦"
    assert "杭研" in JiebaSegmenter(True).segment(text)
    assert "杭研" not in JiebaSegmenter(False).segment(text)


def test_user_words_reach_this_segmenter_only():
    dictionary = JiebaDictionary(["杭研大厦 1000"])
    assert JiebaSegmenter(False, dictionary).segment("网易杭研大厦") == ["网易", "杭研大厦"]
    assert "杭研大厦" not in JiebaSegmenter(False).segment("网易杭研大厦")
    assert "杭研大厦" not in jieba.lcut("网易杭研大厦", HMM=False)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["吃", "烤鸭"], "吃烤鸭"),
        (["machine", "learning"], "machine learning"),
        (["学", "python", "3", "吧"], "学python 3吧"),
        (["привет", "мир"], "привет мир"),
        (["AA", "R", "D"], "AA R D"),
        (["c", "+", "+"], "c++"),
    ],
)
def test_joining(words, text):
    assert join_words(words) == text


@given(st.lists(st.text(st.characters(exclude_categories=("Z", "C")), min_size=1)))
def test_joining_loses_no_character(words):
    assert join_words(words).replace(" ", "") == "".join(words)


@given(st.text())
def test_characters_survive(text):
    segmenter = CharacterSegmenter()
    assert segmenter.join(segmenter.segment(text)) == text


def test_whitespace():
    assert WhitespaceSegmenter().segment(" 今天 晚上  吃 ") == ["今天", "晚上", "吃"]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("source", ["jieba", "characters", "whitespace"])
def test_save_and_load(tmp_path, shared, source):
    config = TextConfig(source_tokenizer=source, share_vocabulary=shared)
    tokenizer = Seq2SeqTokenizer.build(PAIRS, config)
    tokenizer.save(tmp_path)
    loaded = Seq2SeqTokenizer.load(tmp_path, config)
    for prompt, reply in PAIRS:
        assert loaded.source.encode(prompt) == tokenizer.source.encode(prompt)
        assert loaded.target.encode(reply) == tokenizer.target.encode(reply)
        assert UNK not in loaded.source.encode(prompt)
    assert (loaded.source.vocabulary is loaded.target.vocabulary) == shared


def test_each_side_has_its_own_segmentation():
    config = TextConfig(source_tokenizer="characters", target_tokenizer="whitespace")
    tokenizer = Seq2SeqTokenizer.build([("abc 今天", "AA R D")], config)
    assert tokenizer.source.tokenize("abc 今天") == ["a", "b", "c", " ", "今", "天"]
    assert tokenizer.target.tokenize("AA R D") == ["aa", "r", "d"]


def test_replies_survive_but_for_the_case():
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.target.decode(tokenizer.target.encode(PAIRS[1][1])) == "i love北京烤鸭v2"
    assert tokenizer.target.encode("烤鸭")[-1] == EOS
    assert tokenizer.target.decode([*tokenizer.target.encode("烤鸭"), 5, 6]) == "烤鸭"


@pytest.mark.parametrize("text", ["", "   ", "\0", b"", b"\x00\x01"])
def test_a_prompt_without_words_is_one_unknown_word(text):
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.source.encode(text) == [UNK]
    assert tokenizer.source.tokenize(text) == ["<unk>"]


@given(st.binary())
def test_no_bytes_can_break_a_prompt(text):
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.source.encode(text)


def test_the_user_dictionary_belongs_to_the_model(tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("ＷＩＦＩ密码 1000\n\n北京烤鸭店\n", encoding="utf-8")
    config = TextConfig(user_dictionary=str(words), jieba_hmm=False)
    Seq2SeqTokenizer.build([("WIFI密码", "北京烤鸭店")], config).save(tmp_path)
    words.unlink()
    tokenizer = Seq2SeqTokenizer.load(tmp_path, config)
    assert tokenizer.source.tokenize("北京烤鸭店的wifi密码") == ["北京烤鸭店", "的", "wifi密码"]
    (tmp_path / "user_dictionary.txt").unlink()
    with pytest.raises(FileNotFoundError, match="user dictionary is missing"):
        Seq2SeqTokenizer.load(tmp_path, config)


def test_bad_user_dictionaries_are_named(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(tmp_path / "none.txt")))
    (tmp_path / "gbk.txt").write_bytes("好\n烤鸭\n".encode("gbk"))
    with pytest.raises(ValueError, match=r"gbk\.txt, line 1: not UTF-8"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(tmp_path / "gbk.txt")))


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


SEGMENT = (
    "from attention_seq2seq.text.segmentation import *; print(JiebaSegmenter().segment('吃什么'))"
)


def test_jiebas_cache_lies_in_a_folder_of_the_users_own_and_jieba_is_quiet(tmp_path):
    result = run(SEGMENT, XDG_CACHE_HOME=str(tmp_path), TMPDIR=str(tmp_path / "none"))
    assert (result.stdout, result.stderr) == ("['吃', '什么']\n", "")
    folder = tmp_path / "attention_seq2seq"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.glob("jieba-*.cache"))) == 1


def test_a_cache_that_others_can_write_is_not_trusted(tmp_path):
    folder = tmp_path / "attention_seq2seq"
    run(SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    (poisoned,) = folder.glob("jieba-*.cache")
    poisoned.write_bytes(b"")
    folder.chmod(0o777)
    result = run(SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    assert result.stdout == "['吃', '什么']\n"
    assert poisoned.read_bytes() == b"", "nothing is read from it, and nothing written to it"


def test_other_users_of_jieba_keep_their_log_level():
    level = logging.getLogger("jieba").level
    JiebaSegmenter(True, JiebaDictionary(["一个新词"])).segment("吃什么")
    assert logging.getLogger("jieba").level == level


def test_words_that_can_never_match_are_named_in_one_warning(tmp_path, caplog):
    words = tmp_path / "words.txt"
    lines = [
        "烤鸭店 5",
        "machine learning",
        "【北京】 3",
        "😀",
        "𠀀𠀁 2",
        "词,100,n",
        "c++",
        "长城 n",
    ]
    lines += ["今天 -5", "", "不要 0", "卡拉 ok"]
    words.write_text("\n".join(lines), encoding="utf-8")
    Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(words)))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "words.txt: 7 words can never match" in record.getMessage()
    named = "2 (machine learning), 3 (【北京】 3), 4 (😀), 5 (𠀀𠀁 2), 6 (词,100,n), 9 (今天 -5)"
    assert f"Lines {named}, 12 (卡拉 ok)." in record.getMessage()


def test_useful_user_words_warn_of_nothing(tmp_path, caplog):
    words = tmp_path / "words.txt"
    words.write_text(
        "\ufeff烤鸭店 5\n不要 0\nｗｉｆｉ密码 100 n\n阿莫西林 5 drug\n词 1000000000000000\n",
        encoding="utf-8",
    )
    Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(words)))
    assert not caplog.records
    words.write_text("烤鸭店 5\n烤鸭 99999999999999999999\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"words\.txt, line 2: a count of 20 digits; expected at"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(words)))


def test_an_unused_user_dictionary_is_reported(tmp_path, caplog):
    words = tmp_path / "words.txt"
    words.write_text("烤鸭店 5\n", encoding="utf-8")
    Seq2SeqTokenizer.build(
        PAIRS, TextConfig("characters", "whitespace", user_dictionary=str(words))
    )
    assert "has no effect: neither prompts nor replies are segmented by jieba" in caplog.text


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    """As with a user number that has no entry, in many containers."""

    def unknown(_):
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert jieba_dictionary._private_cache_dir() is None
    monkeypatch.setattr(
        jieba_dictionary, "_jieba_counts", jieba_dictionary._load_jieba_counts.__wrapped__
    )
    assert JiebaSegmenter().segment("吃什么") == ["吃", "什么"]


def test_a_cache_that_cannot_be_written_is_no_news(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    result = run(limit + SEGMENT, XDG_CACHE_HOME=str(tmp_path))
    assert (result.stdout, result.stderr) == ("['吃', '什么']\n", "")


def test_two_models_segment_each_as_its_folder_says(tmp_path):
    """Both exported and in memory, whatever the other has forbidden."""
    words = tmp_path / "words.txt"
    words.write_text("杭研 0\n", encoding="utf-8")
    text = "他来到了网易杭研大厦"
    plain = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    expected = plain.source.tokenize(text)
    forbidding = Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(words)))
    assert "杭研" not in forbidding.source.tokenize(text)
    assert plain.source.tokenize(text) == expected
    assert Seq2SeqTokenizer.build(PAIRS, TextConfig()).source.tokenize(text) == expected
    for tokenizer in (plain, forbidding):
        prompts = InGraphTokenizer(tokenizer, tmp_path).encode_prompts(tf.constant([text]), 60)
        tokens = [token.decode() for token in prompts.tokens.numpy()[0]]
        assert tokens == tokenizer.source.tokenize(text)
