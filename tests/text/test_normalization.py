import random

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.text.in_graph.normalization import normalize
from attention_seq2seq.text.normalization import Normalizer


def normalize_in_graph(texts, lowercase):
    return [text.decode() for text in normalize(tf.constant(texts), lowercase).numpy()]


@pytest.mark.parametrize("lowercase", [True, False])
def test_python_and_tensorflow_agree_on_every_code_point(lowercase):
    # Includes lone surrogates, whose bytes are invalid UTF-8.
    texts = [f"a{chr(i)}b".encode("utf-8", "surrogatepass") for i in range(0x110000)]
    normalizer = Normalizer(lowercase)
    expected = [normalizer(text) for text in texts]
    actual = normalize_in_graph(texts, lowercase)
    assert [hex(i) for i, (a, b) in enumerate(zip(expected, actual)) if a != b] == []


def test_python_and_tensorflow_agree_on_random_bytes():
    rng = random.Random(1)
    common = "今😀\u3000 Ａa\0".encode() + b"\xed\xa0\xc0\xff\xf8\xf0"
    texts = [
        bytes(rng.choice([rng.randrange(256), rng.choice(common)]) for _ in range(length))
        for length in range(16)
        for _ in range(3000)
    ]
    normalizer = Normalizer(True)
    assert normalize_in_graph(texts, True) == [normalizer(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\xe4\xbb", "\ufffd"),
        ("ＡＢＣ！？", "abc!?"),
        ("\u3000 今天\t\r\n晚上 ", "今天 晚上"),
        ("a\u200bb\ufeffc\0d", "abcd"),
        ("ÀÉ İ", "ÀÉ İ"),
        ("\ud800", "\ufffd\ufffd\ufffd"),
        ("a \0 b", "a b"),
        ("", ""),
    ],
)
def test_normalization_rules(text, expected):
    assert Normalizer(lowercase=True)(text) == expected


def test_lowercasing_is_optional():
    assert Normalizer(lowercase=False)("Ａbc") == "Abc"


@given(st.text())
def test_normalization_is_idempotent(text):
    normalizer = Normalizer(True)
    assert normalizer(normalizer(text)) == normalizer(text)
