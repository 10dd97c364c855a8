"""Each finding is provoked by a corpus that has the fault, and by none that has not."""

import random
from itertools import product

import pytest

from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.config.preprocessing import PreparationConfig
from attention_seq2seq.data.preprocessing.prepare import examine
from attention_seq2seq.data.preprocessing.report import examination_report
from attention_seq2seq.utils.text_tables import display_width

WHO = ["我们", "他们", "老师", "同学", "妈妈", "爸爸", "朋友", "邻居"]
WHEN = ["今天", "明天", "昨天", "周末", "早上", "晚上", "中午", "后来"]
WHAT = ["苹果", "面条", "米饭", "鸡汤", "豆浆", "烤鸭", "包子", "牛肉"]
CLEAN = [
    (f"{who}{when}喜欢{what}吗", f"{who}{when}对{what}很满意")
    for who, when, what in product(WHO, WHEN, WHAT)
]
# The same in traditional characters.
TRADITIONAL = str.maketrans("们师妈爸邻后欢吗对满鸡汤鸭", "們師媽爸鄰後歡嗎對滿雞湯鴨")


def found_in(pairs, tmp_path, **text) -> dict:
    path = tmp_path / "pairs.tsv"
    lines = "".join(f"{prompt}\t{reply}\n\n" for prompt, reply in pairs)
    path.write_text(lines, encoding="utf-8")
    return examine(
        tmp_path / "prepared",
        DataConfig(data=(str(path),)),
        TextConfig(**text),
        PreparationConfig(processes=1),
        progress=False,
    )


def names(examination: dict) -> set[str]:
    return {finding["name"] for finding in examination["findings"]}


def some(share: float, change) -> list[tuple[str, str]]:
    """The clean corpus, of which a share, drawn with a seed, is changed."""
    draw = random.Random(5)
    changed = set(draw.sample(range(len(CLEAN)), round(share * len(CLEAN))))
    return [change(*pair) if i in changed else pair for i, pair in enumerate(CLEAN)]


def mojibake(text: str) -> str:
    return text.encode().decode("gbk", "replace")


FAULTS = {
    "common reply": (some(1 / 3, lambda prompt, _: (prompt, "哈哈")), "'哈哈' is the reply to 33"),
    "duplicates": (CLEAN + CLEAN[:30], "5.5% of the pairs occurred before"),
    "several replies": (
        [(prompt, reply) for prompt, reply in CLEAN for reply in (reply, f"不，{reply}")],
        "100.0% of the pairs have a prompt with several",
    ),
    "echoes": (some(0.05, lambda prompt, _: (prompt, prompt)), "5.1% of the replies repeat"),
    "too long": (some(0.1, lambda p, r: (p, "，".join([r] * 30))), "10.0% of the pairs are longer"),
    "two scripts": (
        some(0.1, lambda *pair: tuple(text.translate(TRADITIONAL) for text in pair)),
        "of the texts are in traditional characters, 90.0% in simplified ones",
    ),
    "not Chinese": (some(0.1, lambda prompt, _: (prompt, "ok")), "10.0% of the replies have no"),
    "mojibake": (some(0.1, lambda *pair: tuple(map(mojibake, pair))), "10.0% of the texts seem"),
}


def test_nothing_is_found_in_a_clean_corpus(tmp_path):
    examination = found_in(CLEAN, tmp_path)
    assert examination["findings"] == []
    assert examination["pairs"] == len(CLEAN)
    assert "nothing unusual found" in examination_report(examination)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(tmp_path, name):
    pairs, sentence = FAULTS[name]
    examination = found_in(pairs, tmp_path)
    also = {"not Chinese": {"common reply"}}
    assert names(examination) == {name} | also.get(name, set())
    assert sentence in next(f["sentence"] for f in examination["findings"] if f["name"] == name)
    report = examination_report(examination, 80)
    assert max(map(display_width, report.splitlines())) <= 80


def test_words_unknown_to_the_vocabulary_are_found(tmp_path):
    examination = found_in(CLEAN, tmp_path, vocabulary_size=20)
    assert names(examination) == {"unknown words"}
    losses = examination["vocabulary"]["20"]
    # Of 29 words the 15 most frequent: 喜欢 吗 对 很 满意, and ten of the 24 that fill the gaps.
    assert losses["unknown words of prompts"] == pytest.approx(14 / 24 * 3 / 5, abs=0.01)
    assert losses["unknown words of replies"] == pytest.approx(14 / 24 * 3 / 6, abs=0.01)
    assert examination["vocabulary"]["2000"]["unknown words of replies"] == 0


def test_lengths_and_repetitions_are_counted(tmp_path):
    pairs = [("a b", "c"), ("a b", "c"), ("a b", "d e f"), ("g", "g"), ("h", "c")]
    examination = found_in(
        pairs, tmp_path, source_segmentation="blanks", target_segmentation="blanks"
    )
    assert examination["duplicates"] == {"count": 1, "share": 0.2}
    assert examination["echoes"] == {"count": 1, "share": 0.2}
    assert examination["prompts"] == {
        "different": 3,
        "with several replies": 1,
        "pairs of these": {"count": 3, "share": 0.6},
    }
    assert examination["replies"]["different"] == 3
    assert examination["replies"]["commonest"][0] == {"reply": "c", "count": 3, "share": 0.6}
    assert examination["lengths in words"] == {
        "prompts": {"mean": 1.6, "median": 2, "p95": 2, "p99": 2, "longest": 2},
        "replies": {"mean": 1.4, "median": 1, "p95": 3, "p99": 3, "longest": 3},
    }


def test_a_text_without_end_is_counted_and_not_cut(tmp_path):
    clean = found_in(CLEAN, tmp_path)
    examination = found_in([*CLEAN, ("长" * 3_000_000, "我们对苹果很满意")], tmp_path)
    assert examination["too long"]["count"] == 1
    assert examination["too long to be cut"]["prompts"]["count"] == 1
    assert examination["lengths in words"]["prompts"] == clean["lengths in words"]["prompts"]
    assert "prompts of over 65,536 characters, not cut" in examination_report(examination)


def test_replies_without_words_are_found(tmp_path):
    examination = found_in(some(0.01, lambda prompt, _: (prompt, "\u200b")), tmp_path)
    assert names(examination) == {"no words"}
    assert examination["counts"]["removed"]["wordless"] == round(0.01 * len(CLEAN))
