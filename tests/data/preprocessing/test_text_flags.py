"""Detection of scripts and of mojibake."""

import pytest

from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.data.preprocessing.text_flags import TextFlags, detect_text_flags

SENTENCES = [
    "今天晚上吃什么",
    "你好，请问北京有什么好玩的地方？",
    "我喜欢TensorFlow 2",
    "嗯嗯，好的",
]


def garble(text: str, encoding: str, wrong_encoding: str) -> str:
    return text.encode(encoding).decode(wrong_encoding, "replace")


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize(
    ("encoding", "wrong_encoding"),
    [("utf-8", "gbk"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("gb18030", "latin-1")],
)
def test_a_text_decoded_in_another_encoding_is_mojibake(text, encoding, wrong_encoding):
    assert detect_text_flags(garble(text, encoding, wrong_encoding)) == TextFlags.MOJIBAKE


def test_a_text_decoded_in_another_encoding_with_losses_is_mojibake():
    for text in SENTENCES[:2]:
        assert detect_text_flags(text.encode().decode("gbk", "ignore")) == TextFlags.MOJIBAKE
    assert detect_text_flags("好�") == TextFlags.MOJIBAKE
    assert detect_text_flags("锟斤拷锟斤拷") == TextFlags.MOJIBAKE


def test_intact_texts_are_no_mojibake():
    corpus = default_corpus()
    texts = [text for pair in corpus.training + corpus.validation for text in pair[:2]]
    texts += ["café résumé déjà vu", "Größe über Maß", "¿Qué será, señor?", "·····", "5个·····"]
    texts += ["お元気ですか", "Привет", "😀😀", "", " ", "１２３", "«»", "€ 5", "Ââ"]
    assert not [text for text in texts if detect_text_flags(text) & TextFlags.MOJIBAKE]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("我们今天晚上吃什么", TextFlags.SIMPLIFIED),
        ("今天晚上吃什麼", TextFlags.TRADITIONAL),
        ("皇后在台灣", TextFlags.TRADITIONAL),
        ("著名的乾隆", TextFlags(0)),
        ("你好", TextFlags(0)),
        ("囧", TextFlags(0)),
        ("ok!", TextFlags.NOT_CHINESE),
        ("Größe", TextFlags.NOT_CHINESE),
        ("哈ha", TextFlags(0)),
        ("𠀀", TextFlags(0)),
        ("", TextFlags.NOT_CHINESE),
    ],
)
def test_script(text, flags):
    assert detect_text_flags(text) == flags
