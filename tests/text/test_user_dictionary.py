"""User dictionaries of jieba."""

import jieba
import pytest
import tensorflow as tf

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.segmentation import segment_by_jieba
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer

PAIRS = [("今天晚上吃什么", "晚上吃烤鸭"), ("Hello World", "I love 北京烤鸭 v2")]


def test_user_words_reach_this_segmenter_only():
    dictionary = JiebaDictionary(["杭研大厦 1000"])
    assert segment_by_jieba("网易杭研大厦", dictionary, hmm=False) == ["网易", "杭研大厦"]
    assert "杭研大厦" not in segment_by_jieba("网易杭研大厦", hmm=False)
    assert "杭研大厦" not in jieba.lcut("网易杭研大厦", HMM=False)


def test_the_user_dictionary_is_saved_with_the_model(tmp_path):
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text("ＷＩＦＩ密码 1000\n\n北京烤鸭店\n", encoding="utf-8")
    config = TextConfig(user_dictionary=str(dictionary_path), jieba_hmm=False)
    Seq2SeqTokenizer.build([("WIFI密码", "北京烤鸭店")], config).save(tmp_path)
    dictionary_path.unlink()
    tokenizer = Seq2SeqTokenizer.load(tmp_path, config)
    assert tokenizer.source.tokenize("北京烤鸭店的wifi密码") == ["北京烤鸭店", "的", "wifi密码"]
    (tmp_path / "user_dictionary.txt").unlink()
    with pytest.raises(FileNotFoundError, match="user dictionary is missing"):
        Seq2SeqTokenizer.load(tmp_path, config)


def test_invalid_user_dictionaries_raise(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(tmp_path / "none.txt")))
    (tmp_path / "gbk.txt").write_bytes("好\n烤鸭\n".encode("gbk"))
    with pytest.raises(ValueError, match=r"gbk\.txt, line 1: not UTF-8"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(tmp_path / "gbk.txt")))


def test_unmatchable_user_words_are_listed_in_one_warning(tmp_path, caplog):
    dictionary_path = tmp_path / "words.txt"
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
    dictionary_path.write_text("\n".join(lines), encoding="utf-8")
    Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(dictionary_path)))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "words.txt: 7 words can never match" in record.getMessage()
    expected_lines = (
        "2 (machine learning), 3 (【北京】 3), 4 (😀), 5 (𠀀𠀁 2), 6 (词,100,n), 9 (今天 -5)"
    )
    assert f"Lines {expected_lines}, 12 (卡拉 ok)." in record.getMessage()


def test_valid_user_words_cause_no_warning(tmp_path, caplog):
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text(
        "\ufeff烤鸭店 5\n不要 0\nｗｉｆｉ密码 100 n\n阿莫西林 5 drug\n词 1000000000000000\n",
        encoding="utf-8",
    )
    Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(dictionary_path)))
    assert not caplog.records
    dictionary_path.write_text("烤鸭店 5\n烤鸭 99999999999999999999\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"words\.txt, line 2: a count of 20 digits; expected at"):
        Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(dictionary_path)))


def test_an_unused_user_dictionary_is_reported(tmp_path, caplog):
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text("烤鸭店 5\n", encoding="utf-8")
    Seq2SeqTokenizer.build(
        PAIRS, TextConfig("characters", "whitespace", user_dictionary=str(dictionary_path))
    )
    assert "has no effect: neither prompts nor replies are segmented by jieba" in caplog.text


def test_user_dictionaries_of_two_models_are_independent(tmp_path):
    """Both in Python and in the graph."""
    dictionary_path = tmp_path / "words.txt"
    dictionary_path.write_text("杭研 0\n", encoding="utf-8")
    text = "他来到了网易杭研大厦"
    unrestricted = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    expected = unrestricted.source.tokenize(text)
    forbidding = Seq2SeqTokenizer.build(PAIRS, TextConfig(user_dictionary=str(dictionary_path)))
    assert "杭研" not in forbidding.source.tokenize(text)
    assert unrestricted.source.tokenize(text) == expected
    assert Seq2SeqTokenizer.build(PAIRS, TextConfig()).source.tokenize(text) == expected
    for tokenizer in (unrestricted, forbidding):
        prompts = InGraphTokenizer(tokenizer, tmp_path).encode_prompts(tf.constant([text]), 60)
        tokens = [token.decode() for token in prompts.tokens.numpy()[0]]
        assert tokens == tokenizer.source.tokenize(text)


def test_words_of_the_user_dictionary_are_spelled_as_one_word(tmp_path):
    dictionary_path, word = tmp_path / "words.txt", "魑魅火锅"
    dictionary_path.write_text(f"{word}\n", encoding="utf-8")
    config = TextConfig(user_dictionary=str(dictionary_path), oov="spell")
    tokenizer = Seq2SeqTokenizer.build([("吃什么", "吃火锅")] * 2, config)
    tokens = tokenizer.source.tokenize(f"吃{word}")
    groups = tokenizer.source.group_words(tokens)
    assert groups.texts == ["吃", word] and len(tokens) > 4
    assert all(spelling == tokens[1:] for spelling in tokenizer.target.spellings(word))
