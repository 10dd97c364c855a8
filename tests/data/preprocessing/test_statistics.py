"""Corpus statistics, and the issues found in faulty corpora."""

import random
from itertools import product

import pytest

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.preprocessing.prepare import analyze_corpus
from attention_seq2seq.data.preprocessing.report import format_statistics
from attention_seq2seq.utils.text_tables import display_width

PEOPLE = ["我们", "他们", "老师", "同学", "妈妈", "爸爸", "朋友", "邻居"]
TIMES = ["今天", "明天", "昨天", "周末", "早上", "晚上", "中午", "后来"]
FOODS = ["苹果", "面条", "米饭", "鸡汤", "豆浆", "烤鸭", "包子", "牛肉"]
CLEAN = [
    (f"{person}{time}喜欢{food}吗", f"{person}{time}对{food}很满意")
    for person, time, food in product(PEOPLE, TIMES, FOODS)
]
# Simplified to traditional characters.
TRADITIONAL = str.maketrans("们师妈爸邻后欢吗对满鸡汤鸭", "們師媽爸鄰後歡嗎對滿雞湯鴨")


def analyze_pairs(pairs, tmp_path, **text) -> dict:
    path = tmp_path / "pairs.tsv"
    lines = "".join(f"{prompt}\t{reply}\n\n" for prompt, reply in pairs)
    path.write_text(lines, encoding="utf-8")
    return analyze_corpus(
        tmp_path / "prepared",
        DataConfig(data=(str(path),)),
        TextConfig(**text),
        PreprocessingConfig(num_workers=1),
        progress=False,
    )


def issue_names(statistics: dict) -> set[str]:
    return {issue["name"] for issue in statistics["issues"]}


def modify_pairs(fraction: float, modify) -> list[tuple[str, str]]:
    """Returns the clean corpus with a random fraction of the pairs modified."""
    rng = random.Random(5)
    modified = set(rng.sample(range(len(CLEAN)), round(fraction * len(CLEAN))))
    return [modify(*pair) if i in modified else pair for i, pair in enumerate(CLEAN)]


def mojibake(text: str) -> str:
    return text.encode().decode("gbk", "replace")


FAULTS = {
    "common reply": (
        modify_pairs(1 / 3, lambda prompt, _: (prompt, "哈哈")),
        "'哈哈' is the reply to 33",
    ),
    "duplicates": (CLEAN + CLEAN[:30], "5.5% of the pairs are repeated"),
    "several replies": (
        [(prompt, reply) for prompt, reply in CLEAN for reply in (reply, f"不，{reply}")],
        "100.0% of the pairs have a prompt with several",
    ),
    "echoes": (
        modify_pairs(0.05, lambda prompt, _: (prompt, prompt)),
        "5.1% of the replies repeat",
    ),
    "too long": (
        modify_pairs(0.1, lambda p, r: (p, "，".join([r] * 30))),
        "10.0% of the pairs are longer",
    ),
    "two scripts": (
        modify_pairs(0.1, lambda *pair: tuple(text.translate(TRADITIONAL) for text in pair)),
        "of the texts are in traditional characters, 90.0% in simplified characters",
    ),
    "not Chinese": (
        modify_pairs(0.1, lambda prompt, _: (prompt, "ok")),
        "10.0% of the replies have no",
    ),
    "mojibake": (
        modify_pairs(0.1, lambda *pair: tuple(map(mojibake, pair))),
        "10.0% of the texts seem",
    ),
}


def test_a_clean_corpus_has_no_issue(tmp_path):
    statistics = analyze_pairs(CLEAN, tmp_path)
    assert statistics["issues"] == []
    assert statistics["num_pairs"] == len(CLEAN)
    assert "no issues found" in format_statistics(statistics)


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_reported_as_single_issues(tmp_path, name):
    pairs, message = FAULTS[name]
    statistics = analyze_pairs(pairs, tmp_path)
    side_effects = {"not Chinese": {"common reply"}}
    assert issue_names(statistics) == {name} | side_effects.get(name, set())
    assert message in next(i["message"] for i in statistics["issues"] if i["name"] == name)
    report = format_statistics(statistics, 80)
    assert max(map(display_width, report.splitlines())) <= 80


def test_out_of_vocabulary_tokens_are_an_issue(tmp_path):
    statistics = analyze_pairs(CLEAN, tmp_path, vocabulary_size=20)
    assert issue_names(statistics) == {"unknown words"}
    oov_rate = statistics["vocabulary"]["20"]["oov_rate"]
    # The 15 most frequent of 29 words: 喜欢 吗 对 很 满意, and ten of the 24 slot fillers.
    assert oov_rate["prompts"] == pytest.approx(14 / 24 * 3 / 5, abs=0.01)
    assert oov_rate["replies"] == pytest.approx(14 / 24 * 3 / 6, abs=0.01)
    assert statistics["vocabulary"]["2000"]["oov_rate"]["replies"] == 0


def test_spelled_words_are_not_an_issue(tmp_path):
    pairs = [(f"{chr(0x4E00 + i)}{chr(0x5000 + i)}", f"{i}") for i in range(400)]
    words = {"source_tokenizer": "words", "target_tokenizer": "words", "vocabulary_size": 300}
    assert "unknown words" in issue_names(analyze_pairs(pairs, tmp_path, **words))
    (tmp_path / "spelled").mkdir()
    spelled = analyze_pairs(pairs, tmp_path / "spelled", **words, oov="spell")
    assert "unknown words" not in issue_names(spelled)


def test_lengths_and_repetitions_are_counted(tmp_path):
    pairs = [("a b", "c"), ("a b", "c"), ("a b", "d e f"), ("g", "g"), ("h", "c")]
    statistics = analyze_pairs(
        pairs, tmp_path, source_tokenizer="whitespace", target_tokenizer="whitespace"
    )
    assert statistics["duplicates"] == {"count": 1, "fraction": 0.2}
    assert statistics["echoes"] == {"count": 1, "fraction": 0.2}
    assert statistics["prompts"] == {
        "distinct": 3,
        "ambiguous": 1,
        "ambiguous_pairs": {"count": 3, "fraction": 0.6},
    }
    assert statistics["replies"]["distinct"] == 3
    assert statistics["replies"]["most_common"][0] == {"reply": "c", "count": 3, "fraction": 0.6}
    assert statistics["lengths"] == {
        "prompts": {"mean": 1.6, "median": 2, "p95": 2, "p99": 2, "max": 2},
        "replies": {"mean": 1.4, "median": 1, "p95": 3, "p99": 3, "max": 3},
    }


def test_overlong_texts_are_counted_and_not_tokenized(tmp_path):
    clean_statistics = analyze_pairs(CLEAN, tmp_path)
    statistics = analyze_pairs([*CLEAN, ("长" * 3_000_000, "我们对苹果很满意")], tmp_path)
    assert statistics["too_long"]["count"] == 1
    assert statistics["not_tokenized"]["prompts"]["count"] == 1
    assert statistics["lengths"]["prompts"] == clean_statistics["lengths"]["prompts"]
    assert "prompts of over 65,536 characters, not tokenized" in format_statistics(statistics)


def test_empty_replies_are_an_issue(tmp_path):
    statistics = analyze_pairs(modify_pairs(0.01, lambda prompt, _: (prompt, "\u200b")), tmp_path)
    assert issue_names(statistics) == {"no words"}
    assert statistics["counts"]["removed"]["empty_replies"] == round(0.01 * len(CLEAN))
