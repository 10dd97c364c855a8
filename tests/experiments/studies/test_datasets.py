"""Corpora from package data, on fake packages."""

import json
import zipfile

import pytest

from experiments.studies import datasets


@pytest.fixture
def packages_dir(tmp_path, monkeypatch):
    """A folder of packages that precedes all others on the import path."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_definitions_are_first_meanings_without_the_word_itself(packages_dir):
    lines = {
        "晨风": "清晨的风。",
        "分母": "1.数学上除数的意思 2.见〖分数〗",
        "望月": "每月15.2.的月亮很圆",
        "晨光": "见〖曙光〗的意思",
        "老": "年岁很大的人",
        "曙光": "曙光就是晨光",
        "近": "不远",
        "不远千里": "1.不近",
    }
    (packages_dir / "jionlp" / "dictionary").mkdir(parents=True)
    (packages_dir / "jionlp" / "__init__.py").touch()
    path = packages_dir / "jionlp" / "dictionary" / "chinese_word_dictionary.zip"
    with zipfile.ZipFile(path, "w") as archive:
        text = "".join(f"{word}\t{meaning}\n" for word, meaning in lines.items())
        archive.writestr("chinese_word_dictionary.txt", text)
    assert list(datasets.definitions()) == [
        ("清晨的风。", "晨风"),
        ("数学上除数的意思", "分母"),
        ("每月15.2.的月亮很圆", "望月"),
    ]


def test_sentences_have_no_tabs_and_newlines(packages_dir):
    folder = packages_dir / "hsk_sentences_audio" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    sentences = [{"chinese": "你好，\t老师", "translation": {"en": "Hello,\nteacher "}}]
    (folder / "sentences.json").write_text(json.dumps(sentences), encoding="utf-8")
    assert list(datasets.translation()) == [("Hello, teacher", "你好， 老师")]


def test_summaries_are_split_by_the_names_of_packages():
    entry = "Package: p{0}\nDescription-md5: 1\nDescription-en: a {0}\n One\n two.\n .\n  * {0}\n"
    content = "\n".join(entry.format(i) for i in range(400)) + "\nPackage: empty\n"
    rows = list(datasets.parse_descriptions(content))
    assert rows[7] == ("p7", "One two. * 7", "a 7") and len(rows) == 400
    training, test = datasets.split_by_name(rows)
    assert len(training) + len(test) == 400 and 10 < len(test) < 30
    assert ("One two. * 7", "a 7") in training
    # The split of a package does not depend on the others.
    assert datasets.split_by_name(rows[::2])[1] == [
        pair for pair in test if int(pair[1][2:]) % 2 == 0
    ]


def test_missing_lists_of_apt_raise(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "_APT_LISTS", tmp_path)
    with pytest.raises(ValueError, match=r"has no English descriptions\. On Debian, run apt-get"):
        list(datasets.summaries())


def test_missing_packages_raise():
    with pytest.raises(ValueError, match="not_to_be_found is not installed: pip install it"):
        datasets.package_dir("not_to_be_found", "it")
