"""Formats of public corpora: examples, real samples where available, and damaged files."""

import gzip
import json
import re
import tracemalloc
from itertools import cycle, pairwise
from pathlib import Path

import pytest

from attention_seq2seq.data.corpus_file import CorpusFormatError
from attention_seq2seq.data.formats import conv
from attention_seq2seq.data.pairs import Pair, prepend_context
from attention_seq2seq.data.readers import PairReader, read_pairs
from helpers.large_files import FORMATS, measure_reading, write_large_corpus

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "formats"

LONG_TEXT = "c" * (100 << 20)
INVALID_JSON = "invalid JSON, rest of the file skipped"

CONV = "E\nM 呵呵\nM 是王若猫的。\nE\nM 不是\nM 那是什么？\nM 1/2\n"
SEPARATED = "E\nM 呵/呵\nM 是/王/若/猫/的/。\nE\nM 不/是/\nM 那/是/什/么/？\nM 1/////2\n"
CONV_PAIRS = [
    Pair("呵呵", "是王若猫的。", 0),
    Pair("不是", "那是什么？", 1),
    Pair("那是什么？", "1/2", 1),
]
LCCC = {"train": [["你 好", "嗨 ！"], ["a b c", "用 T F"]], "test": [["一", "二", "三"]]}
LCCC_PAIRS = [
    Pair("你好", "嗨！", 0),
    Pair("abc", "用TF", 1),
    Pair("一", "二", 2),
    Pair("二", "三", 2),
]
KDCONV = [{"messages": [{"message": "知道吗"}, {"message": "知道", "attrs": []}], "name": "名"}]
CROSSWOZ = {
    "7": {"messages": [{"content": "你好", "role": "usr"}, {"content": "你好呀", "role": "sys"}]}
}
CONTENTS = {
    "conv": (CONV, CONV_PAIRS),
    "conv with slashes": (SEPARATED.replace("/////", "///"), CONV_PAIRS),
    "LCCC": (json.dumps(LCCC, ensure_ascii=False, indent=0), LCCC_PAIRS),
    "LCCC in one line": (json.dumps(LCCC), LCCC_PAIRS),
    "LCCC without parts": (json.dumps(LCCC["train"], indent=1), LCCC_PAIRS[:2]),
    "LCCC in lines": ("".join(json.dumps(turns) + "\n" for turns in LCCC["train"]), LCCC_PAIRS[:2]),
    "KdConv": (json.dumps(KDCONV, indent=1), [Pair("知道吗", "知道", 0)]),
    "CrossWOZ": (json.dumps(CROSSWOZ, indent=1), [Pair("你好", "你好呀", 0)]),
    "LCCC of an empty part": ('{"train": [], "test": [["你 好", "嗨"]]}', [Pair("你好", "嗨", 0)]),
    "JSONL of a long line": (
        json.dumps(["长" * 70_000, "好"]) + "\n",
        [Pair("长" * 70_000, "好", 0)],
    ),
    "messages of a system": (
        '[{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, '
        '{"role": "assistant", "content": "b"}]}]',
        [Pair("a", "b", 0)],
    ),
    "TSV": ("你好\t嗨\n", [Pair("你好", "嗨", 0)]),
    "TSV with brackets": ("[[微笑]]\t{哈}\n", [Pair("[[微笑]]", "{哈}", 0)]),
}


@pytest.mark.parametrize("is_gzip", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("name", CONTENTS)
def test_the_content_decides_the_format(tmp_path, name, mark, is_gzip):
    content, expected = CONTENTS[name]
    raw = (mark + content).encode()
    path = tmp_path / "corpus"
    path.write_bytes(gzip.compress(raw) if is_gzip else raw)
    assert list(PairReader(path)) == expected


NATURAL = ["会议在2024/12/25", "24/7营业，见http://a.com/b/c", "今天 吃什么", "привет мир", "A B"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(NATURAL, ensure_ascii=False) + "\n",
        json.dumps(NATURAL) + "\n",
        json.dumps([NATURAL], indent=1),
        json.dumps({"train": [NATURAL]}, ensure_ascii=False),
        "E\n" + "".join(f"M {turn}\n" for turn in NATURAL),
    ],
    ids=["lines", "escaped lines", "array", "object", "conv"],
)
def test_texts_without_separators_are_unchanged(tmp_path, content):
    path = tmp_path / "corpus"
    path.write_text(content, encoding="utf-8")
    assert [pair[:2] for pair in PairReader(path)] == list(pairwise(NATURAL))


@pytest.mark.parametrize(
    ("content", "turns"),
    [
        # Words, as the larger LCCC corpora have them.
        (
            [["火锅 我 在 重庆 吃 了 七八 顿", "哈哈 ! 用 python 3 吗", "привет мир", "a\n b"]],
            ["火锅我在重庆吃了七八顿", "哈哈!用python 3吗", "привет мир", "a\n b"],
        ),
        ([["你 们 好 吗", "我 用 T F   2", "１ ０ 点"]], ["你们好吗", "我用TF 2", "１０点"]),
        ([["我们 今天 吃", "и я", "A B", "1 0"]], ["我们今天吃", "и я", "A B", "1 0"]),
        ([["你 好", "1 0", "O K"]], ["你好", "10", "OK"]),
        (
            "E\nM 我们/今天/吃/什么\nM 会议在2024/12/25\nM 1/////2\nM I/am/吃\nM 读///写\n",
            ["我们今天吃什么", "会议在2024/12/25", "1//2", "I am吃", "读/写"],
        ),
    ],
    ids=["words", "characters", "other scripts", "digits", "conv"],
)
def test_only_the_separators_of_the_format_are_removed(tmp_path, content, turns):
    path = tmp_path / "corpus"
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    assert [pair[:2] for pair in PairReader(path)] == list(pairwise(turns))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"needs the samples of {SAMPLES.name}")
@pytest.mark.parametrize("name", ["lccc", "kdconv", "crosswoz"])
def test_real_samples_are_read_completely(name):
    document = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    if name == "lccc":
        turns = [[re.sub(" ", "", t) for t in c] for part in document.values() for c in part]
    elif name == "kdconv":
        turns = [[m["message"] for m in c["messages"]] for c in document]
    else:
        turns = [[m["content"] for m in c["messages"]] for c in document.values()]
    pairs = list(PairReader(SAMPLES / f"{name}.json"))
    assert [pair[:2] for pair in pairs] == [pair for c in turns for pair in pairwise(c)]
    assert pairs[-1].conversation == sum(len(c) > 1 for c in turns) - 1


@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_gzip_file_of_any_format_is_named(tmp_path, name):
    path = tmp_path / "corpus.gz"
    write_large_corpus(path, name, 3_000_000)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CorpusFormatError, match="the file is damaged and ends here"):
        list(PairReader(path))


def test_a_truncated_gzip_file_yields_its_readable_pairs(tmp_path):
    path = tmp_path / "corpus.gz"
    content = "".join(f"第{i}问\t第{i}答\n" for i in range(20_000))
    path.write_bytes(gzip.compress(content.encode())[:-30_000])
    with pytest.raises(
        CorpusFormatError, match=r"line \d+: the file is damaged and ends here; .*end-of-st"
    ):
        list(PairReader(path))
    reader = PairReader(path, skip_bad_lines=True)
    pairs = list(reader)
    assert 1000 < len(pairs) < 20_000
    assert pairs[999] == Pair("第999问", "第999答", 999)
    assert reader.skipped_lines == {"the file is damaged and ends here": 1}


@pytest.mark.parametrize(
    ("content", "line", "reason", "num_pairs"),
    [
        ('[\n["a", "b"],\n["c" "d"],\n["e", "f"]\n]', 3, INVALID_JSON, 1),
        ('[\n["a", "b"],\n["c", "d"', 3, f"{INVALID_JSON}; .*premature EOF", 1),
        (b'[\n["a", "b"],\n["\xff", "d"]\n]', 3, f"{INVALID_JSON}; not UTF-8; convert", 1),
        ('[\n["a", "b"],\n["c"],\n["e", "f"]\n]', 3, "a conversation of one turn", 2),
        ('[\n["a", "b"],\n["c", ""],\n["e", "f"]\n]', 3, "an empty turn", 2),
        ('[\n["a", "b"],\n["c", 3],\n["e", "f"]\n]', 3, "a turn that is not text; got int", 2),
        ('[\n["a", "b"],\n[' + "9" * 5000 + "]\n]", 3, INVALID_JSON, 1),
        ('[\n["a", "b"],\n5,\n["e", "f"]\n]', 3, "not a conversation; expected a list of turns", 2),
        ("E\nM a\nM b\nX\nM c\nE\nM d\nM e\n", 4, "unknown line type; expected 'E'", 1),
        ("E\nM a\nM b\nE\nM c\nE\nM d\nM e\n", 4, "a conversation of one turn", 2),
        ("E\nM a\nM \nE\nM d\nM e\n", 3, "an empty turn", 1),
        (f"a\tb\n{LONG_TEXT}\nd\te\n", 2, "a line of over 16 MB", 2),
        (f'["a", "b"]\n["{LONG_TEXT}"]\n["d", "e"]\n', 2, "a line of over 16 MB", 2),
        (f"E\nM a\nM b\nE\nM {LONG_TEXT}\nE\nM d\nM e\n", 5, "a line of over 16 MB", 2),
        (f'[["a", "b"],\n["{LONG_TEXT}"]]', 2, "conversation of over 16 MB", 1),
        (f'conversations:\n- - a\n  - "{LONG_TEXT}"\n', 1, "YAML of over 16 MB", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_damaged_conversations_raise_or_are_skipped(tmp_path, content, line, reason, num_pairs):
    assert_damaged(tmp_path, content, line, reason, num_pairs)


def assert_damaged(tmp_path, content, line, reason, num_pairs):
    path = tmp_path / "corpus"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CorpusFormatError, match=f"corpus, line {line}: .*{reason}"):
        list(PairReader(path))
    if num_pairs is None:
        return
    reader = PairReader(path, skip_bad_lines=True)
    assert len(list(reader)) == num_pairs
    assert reader.skipped_lines.total() == 1


def test_unbounded_conversations_raise(tmp_path, monkeypatch):
    monkeypatch.setattr(conv, "MAX_CONVERSATION_LENGTH", 2 << 20)
    content = "E\nM a\nM b\nE\n" + "M 长长长\n" * 1_000_000
    # Each line has three characters, and at most two million characters are allowed.
    assert_damaged(tmp_path, content, 4 + (2 << 20) // 3 + 1, "over 2 million", 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello\thi\n你好\t嗨\n", "line 2: not UTF-8; byte 0xc4 at position 1"),
        ("E\nM hello\nM 你好\n", "line 3: not UTF-8; byte 0xc4 at position 3"),
        ('{"prompt": "a", "reply": "b"}\n{"prompt": "你", "reply": "好"}\n', "line 2: not UTF-8"),
        ('[\n["a", "b"],\n["你", "好"]]', f"line 3: {INVALID_JSON}; not UTF-8; convert"),
        ("conversations:\n- - a\n  - 你好\n", "line 3: not UTF-8"),
    ],
    ids=["TSV", "conv", "JSONL", "LCCC", "chatterbot"],
)
def test_wrong_encodings_raise_at_the_first_invalid_line(tmp_path, content, message):
    path = tmp_path / "corpus"
    path.write_bytes(content.encode("gbk"))
    with pytest.raises(CorpusFormatError, match=message):
        read_pairs([path])


@pytest.mark.parametrize("name", [name for name in CONTENTS if "one line" not in name])
def test_line_ends_may_be_mixed(tmp_path, name):
    content, expected = CONTENTS[name]
    newlines = cycle(["\r\n", "\n", "\r", "\n"])
    path = tmp_path / "corpus"
    path.write_bytes("".join(line + next(newlines) for line in content.splitlines()).encode())
    assert list(PairReader(path)) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_files_are_streamed(tmp_path, name):
    path = tmp_path / "corpus"
    write_large_corpus(path, name, 4_000_000)
    tracemalloc.start()
    assert sum(1 for _ in PairReader(path)) > 8_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_large_compressed_files_are_streamed(tmp_path):
    """`make test-slow` reads a gigabyte of each format."""
    path = tmp_path / "corpus.gz"
    write_large_corpus(path, "JSONL", 100_000_000)
    num_pairs, megabytes = measure_reading(path)
    assert num_pairs > 200_000
    assert megabytes < 100


def test_context_has_the_reply_between_two_prompts():
    exchanges = [("一问", "一答"), ("二问", "二答")]
    pairs = [Pair(*exchange, 5) for exchange in exchanges]
    assert list(prepend_context(pairs, 2))[1] == Pair("一问\n一答\n二问", "二答", 5)
