"""Segmenters, and `join_words`."""

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.segmentation import (
    join_words,
    make_joiner,
    make_segmenter,
    segment_by_jieba,
)


@pytest.mark.parametrize("hmm", [True, False])
def test_segmentation_by_jieba_returns_the_words_of_jieba_without_whitespace(hmm):
    dictionary = JiebaDictionary()
    for pair in default_corpus().training:
        expected = [word for word in jieba.lcut(pair.prompt, HMM=hmm) if word.strip()]
        assert segment_by_jieba(pair.prompt, dictionary, hmm) == expected


def test_hmm_finds_words_that_the_dictionary_lacks():
    text = "他来到了网易杭研大厦"
    assert "杭研" in segment_by_jieba(text, hmm=True)
    assert "杭研" not in segment_by_jieba(text, hmm=False)


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
def test_join_words(words, text):
    assert join_words(words) == text


@given(st.lists(st.text(st.characters(exclude_categories=("Z", "C")), min_size=1)))
def test_join_words_keeps_all_characters(words):
    assert join_words(words).replace(" ", "") == "".join(words)


@given(st.text())
def test_characters_round_trip(text):
    assert make_joiner("characters")(make_segmenter("characters")(text)) == text


def test_whitespace_segmentation():
    assert make_segmenter("whitespace")(" 今天 晚上  吃 ") == ["今天", "晚上", "吃"]
