import json
import tracemalloc

import pytest

from attention_seq2seq.data.pairs import Pair, as_pairs
from attention_seq2seq.data.readers import CorpusFormatError, PairReader, read_pairs

TSV = "你好\t你好！\n吃什么\t吃饭\n吃饭\t好的\n"
YAML = """categories:
- AI
conversations:
- - 你好
  - 你好！
  - yes
- - 1 + 1 等于几
  - 2
"""


def write_corpus(tmp_path, content, name="corpus"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def to_jsonl(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_a_tsv_prompt_equal_to_the_previous_reply_continues_the_conversation(tmp_path):
    assert list(PairReader(write_corpus(tmp_path, TSV))) == [
        Pair("你好", "你好！", 0),
        Pair("吃什么", "吃饭", 1),
        Pair("吃饭", "好的", 1),
    ]


def test_a_blank_line_ends_a_conversation(tmp_path):
    pairs = list(PairReader(write_corpus(tmp_path, "a\tb\n\nb\tc\n")))
    assert [pair.conversation for pair in pairs] == [0, 1]


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_newlines_and_byte_order_marks_are_removed(tmp_path, prefix, newline):
    path = write_corpus(tmp_path, prefix + TSV.replace("\n", newline).encode())
    pairs = list(PairReader(path))
    assert (pairs[0].prompt, pairs[-1].reply) == ("你好", "好的")


def test_jsonl_prompt_and_reply(tmp_path):
    path = write_corpus(
        tmp_path, to_jsonl({"prompt": "你\t好", "reply": "嗯"}, {"prompt": "嗯", "reply": "?"})
    )
    assert list(PairReader(path)) == [Pair("你\t好", "嗯", 0), Pair("嗯", "?", 0)]


def test_jsonl_messages(tmp_path):
    roles = ["system", "user", "assistant", "user", "assistant"]
    messages = [{"role": role, "content": f"{role}{i}"} for i, role in enumerate(roles)]
    path = write_corpus(tmp_path, to_jsonl({"messages": messages}, {"messages": messages[1:3]}))
    assert [pair[:2] for pair in PairReader(path)] == [
        ("user1", "assistant2"),
        ("user3", "assistant4"),
        ("user1", "assistant2"),
    ]


def test_yaml_turns_are_strings(tmp_path):
    assert list(PairReader(write_corpus(tmp_path, YAML))) == [
        Pair("你好", "你好！", 0),
        Pair("你好！", "yes", 0),
        Pair("1 + 1 等于几", "2", 1),
    ]


def test_the_content_decides_the_format_not_the_name(tmp_path):
    for name, content in [
        ("a.json", TSV),
        ("b.tsv", YAML),
        ("c.yml", to_jsonl({"prompt": "a", "reply": "b"})),
    ]:
        assert list(PairReader(write_corpus(tmp_path, content, name)))


def test_a_tsv_prompt_may_start_with_a_brace(tmp_path):
    assert list(PairReader(write_corpus(tmp_path, "{笑}\t哈哈\n"))) == [Pair("{笑}", "哈哈", 0)]


UNREADABLE = [
    ("a\tb\nc\n", 2, "no tab; expected prompt<TAB>reply"),
    ("a\tb\tc\n", 1, "more than one tab.*got 3 columns"),
    ("a\tb\n \tc\n", 2, "an empty prompt"),
    ("a\tb\nc\t\n", 2, "an empty reply"),
    (b"a\tb\nc\t\xff\xfe\n", 2, "not UTF-8; byte 0xff at position 3"),
    (to_jsonl({"prompt": "a", "reply": "b"}) + '{"prompt": "a"\n', 2, "invalid JSON"),
    (to_jsonl({"prompt": "a", "reply": "b"}) + "{}\n", 2, "missing keys; expected an object"),
    (to_jsonl({"prompt": "a", "reply": 3}), 1, "a reply that is not text; got int"),
    (to_jsonl({"prompt": "a", "reply": " "}), 1, "an empty reply"),
    (to_jsonl({"messages": [{"role": "user", "content": "a"}]}), 1, "no user message with a reply"),
    (to_jsonl({"messages": "a"}), 1, "invalid 'messages'"),
    (to_jsonl({"messages": [{"role": "user"}]}), 1, "invalid 'messages'"),
    ("{" * 100_000 + "\n", 1, "invalid JSON"),
    ('{"prompt": ' + "[" * 100_000 + "\n", 1, "invalid JSON"),
    ("conversations:\n- - a\n  - b\n- - c\n", 4, "a conversation of one turn"),
    ("conversations:\n- - a\n  - ''\n", 3, "an empty turn"),
    ("conversations:\n- - a\n  - - b\n", 2, "expected a conversation"),
    ("conversations:\n- 你好\n", 2, "expected a conversation"),
]


@pytest.mark.parametrize(("content", "line", "reason"), UNREADABLE)
def test_unreadable_lines_raise_with_file_line_and_reason(tmp_path, content, line, reason):
    path = write_corpus(tmp_path, content)
    with pytest.raises(CorpusFormatError, match=rf"{path.name}, line {line}: .*{reason}"):
        list(PairReader(path))


@pytest.mark.parametrize(("content", "line", "reason"), UNREADABLE)
def test_unreadable_lines_are_skipped_and_counted(tmp_path, content, line, reason):
    reader = PairReader(write_corpus(tmp_path, content), skip_bad_lines=True)
    assert len(list(reader)) <= 1
    assert reader.skipped_lines.total() == 1
    list(reader)
    assert reader.skipped_lines.total() == 1, "a second reading resets the count"


@pytest.mark.parametrize(
    "content",
    [
        "conversations:\n- - a\n  - b\n - c\n",
        "conversations: 你好\n",
        b"conversations:\n- - \xff\n",
    ],
    ids=["syntax", "no list", "encoding"],
)
def test_invalid_yaml_raises_even_when_skipping(tmp_path, content):
    with pytest.raises(CorpusFormatError, match="line"):
        list(PairReader(write_corpus(tmp_path, content), skip_bad_lines=True))


def test_a_bad_line_breaks_the_conversation(tmp_path):
    reader = PairReader(write_corpus(tmp_path, "a\tb\nbad\nb\tc\n"), skip_bad_lines=True)
    assert [pair.conversation for pair in reader] == [0, 1]


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such corpus file"):
        PairReader(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match=r"is a directory\. Give a file of"):
        PairReader(tmp_path)
    with pytest.raises(ValueError, match="no pairs found"):
        read_pairs([write_corpus(tmp_path, "")])
    with pytest.raises(ValueError, match=r"no pairs found \(1 malformed lines skipped\)"):
        read_pairs([write_corpus(tmp_path, "没有\n")], skip_bad_lines=True)


def test_conversations_are_numbered_across_files(tmp_path):
    paths = [write_corpus(tmp_path, TSV, "first"), write_corpus(tmp_path, YAML, "second")]
    pairs, skipped_lines = read_pairs(paths)
    assert [pair.conversation for pair in pairs] == [0, 1, 1, 2, 2, 3]
    assert not skipped_lines


def test_tsv_files_are_streamed(tmp_path):
    path = write_corpus(tmp_path, "一个问题\t一个回答\n" * 100_000)
    tracemalloc.start()
    assert sum(1 for _ in PairReader(path)) == 100_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 4


def test_as_pairs_numbers_conversations():
    assert as_pairs([("a", "b"), ["b", "c"], ("d", "e")]) == [
        Pair("a", "b", 0),
        Pair("b", "c", 0),
        Pair("d", "e", 1),
    ]


@pytest.mark.parametrize(
    "value",
    [
        "你好",
        "你好吗",
        b"ab",
        ("a", 3),
        ("a",),
        ("a", "b", "c"),
        {"a": 1, "b": 2},
        {"a"},
        None,
        7,
        Pair("a", None, 0),
        Pair("a", "b", "0"),
    ],
    ids=repr,
)
def test_invalid_pairs_raise_with_their_position(value):
    with pytest.raises(ValueError, match=r"pairs\[1\] is .*; expected \(prompt, reply\)"):
        as_pairs([("a", "b"), value])
