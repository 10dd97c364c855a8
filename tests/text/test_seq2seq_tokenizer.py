"""Encoding and decoding of prompts and replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK

PAIRS = [("今天晚上吃什么", "晚上吃烤鸭"), ("Hello World", "I love 北京烤鸭 v2")]


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("source", ["jieba", "characters", "whitespace"])
def test_save_and_load(tmp_path, is_shared, source):
    config = TextConfig(source_tokenizer=source, share_vocabulary=is_shared)
    tokenizer = Seq2SeqTokenizer.build(PAIRS, config)
    tokenizer.save(tmp_path)
    loaded = Seq2SeqTokenizer.load(tmp_path, config)
    for prompt, reply in PAIRS:
        assert loaded.source.encode(prompt) == tokenizer.source.encode(prompt)
        assert loaded.target.encode(reply) == tokenizer.target.encode(reply)
        assert UNK not in loaded.source.encode(prompt)
    assert (loaded.source.vocabulary is loaded.target.vocabulary) == is_shared


def test_each_side_has_its_own_segmentation():
    config = TextConfig(source_tokenizer="characters", target_tokenizer="whitespace")
    tokenizer = Seq2SeqTokenizer.build([("abc 今天", "AA R D")], config)
    assert tokenizer.source.tokenize("abc 今天") == ["a", "b", "c", " ", "今", "天"]
    assert tokenizer.target.tokenize("AA R D") == ["aa", "r", "d"]


def test_replies_round_trip_in_lower_case():
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.target.decode(tokenizer.target.encode(PAIRS[1][1])) == "i love北京烤鸭v2"
    assert tokenizer.target.encode("烤鸭")[-1] == EOS
    assert tokenizer.target.decode([*tokenizer.target.encode("烤鸭"), 5, 6]) == "烤鸭"


@pytest.mark.parametrize("text", ["", "   ", "\0", b"", b"\x00\x01"])
def test_an_empty_prompt_is_an_oov_token(text):
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.source.encode(text) == [UNK]
    assert tokenizer.source.tokenize(text) == ["<unk>"]


@given(st.binary())
def test_any_bytes_are_encoded(text):
    tokenizer = Seq2SeqTokenizer.build(PAIRS, TextConfig())
    assert tokenizer.source.encode(text)
