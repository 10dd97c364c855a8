"""In which script a text is, and whether a wrong encoding has damaged it."""

import pytest

from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.data.preprocessing.scripts import Mark, marks_of

SENTENCES = [
    "今天晚上吃什么",
    "你好，请问北京有什么好玩的地方？",
    "我喜欢TensorFlow 2",
    "嗯嗯，好的",
]


def read_wrongly(text: str, written: str, read: str) -> str:
    return text.encode(written).decode(read, "replace")


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize(
    ("written", "read"),
    [("utf-8", "gbk"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("gb18030", "latin-1")],
)
def test_what_was_read_in_another_encoding_is_mojibake(text, written, read):
    assert marks_of(read_wrongly(text, written, read)) == Mark.MOJIBAKE


def test_what_was_read_wrongly_with_losses_is_mojibake_too():
    for text in SENTENCES[:2]:
        assert marks_of(text.encode().decode("gbk", "ignore")) == Mark.MOJIBAKE
    assert marks_of("好�") == Mark.MOJIBAKE
    assert marks_of("锟斤拷锟斤拷") == Mark.MOJIBAKE


def test_sound_texts_are_no_mojibake():
    corpus = default_corpus()
    texts = [text for pair in corpus.training + corpus.validation for text in pair[:2]]
    texts += ["café résumé déjà vu", "Größe über Maß", "¿Qué será, señor?", "·····", "5个·····"]
    texts += ["お元気ですか", "Привет", "😀😀", "", " ", "１２３", "«»", "€ 5", "Ââ"]
    assert not [text for text in texts if marks_of(text) & Mark.MOJIBAKE]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("我们今天晚上吃什么", Mark.SIMPLIFIED),
        ("今天晚上吃什麼", Mark.TRADITIONAL),
        ("皇后在台灣", Mark.TRADITIONAL),
        ("著名的乾隆", Mark(0)),
        ("你好", Mark(0)),
        ("囧", Mark(0)),
        ("ok!", Mark.NOT_CHINESE),
        ("Größe", Mark.NOT_CHINESE),
        ("哈ha", Mark(0)),
        ("𠀀", Mark(0)),
        ("", Mark.NOT_CHINESE),
    ],
)
def test_script(text, marks):
    assert marks_of(text) == marks
