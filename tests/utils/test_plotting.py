"""Pictures show what they should, Chinese included."""

import importlib.util
import sys

import numpy as np
import pytest

from attention_seq2seq.utils import plotting
from attention_seq2seq.utils.plotting import save_picture

SHARES = [[0.25, 0.75], [0.0, 0.0]]


def pixels(path):
    from matplotlib.image import imread

    return imread(path)


def draw(path, rows=("晚上", "吃"), columns=("今天", "晚上")):
    save_picture(path, rows, columns, {"contribution": SHARES})
    return pixels(path)


def test_chinese_words_are_drawn_with_glyphs_of_their_own(tmp_path):
    """A font without Chinese draws the same box for every character."""
    one = draw(tmp_path / "one.png", columns=("晚", "上"))
    other = draw(tmp_path / "other.png", columns=("吃", "喝"))
    assert one.shape == other.shape
    assert np.any(one != other)


def test_no_glyph_is_missing_for_the_default_corpus():
    from matplotlib.ft2font import FT2Font

    from attention_seq2seq.data.default_corpus import default_corpus

    known = FT2Font(plotting.chinese_font().get_file()).get_charmap()
    corpus = default_corpus()
    characters = {c for pair in corpus.training for c in pair.prompt + pair.reply}
    assert not {c for c in characters if c.isprintable() and ord(c) not in known}


def test_two_tables_make_a_wider_picture(tmp_path):
    one = draw(tmp_path / "one.png")
    save_picture(tmp_path / "two.png", ["晚上", "吃"], ["今天", "晚上"], {"a": SHARES, "b": SHARES})
    assert pixels(tmp_path / "two.png").shape[1] > 1.8 * one.shape[1]


def test_an_odd_word_is_no_reason_to_fail(tmp_path):
    draw(tmp_path / "odd.png", rows=("$x_1", "\U0001fae8"))


def test_text_that_looks_like_markup_is_drawn_as_it_stands(tmp_path):
    formula = draw(tmp_path / "formula.png", rows=("$x$", "$\\bad{$"), columns=("^_$", "100$-200$"))
    plain = draw(tmp_path / "plain.png", rows=("x", "$\\bad{$"), columns=("^_$", "100$-200$"))
    # Read as a formula, $x$ would be an italic x without dollars, about as wide as the plain one.
    assert formula.shape == plain.shape
    assert np.any(formula != plain)


def test_an_unknown_ending_is_explained(tmp_path):
    with pytest.raises(ValueError, match="not supported"):
        draw(tmp_path / "picture.xyz")


def test_missing_packages_are_named(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(plotting, "find_spec", lambda n: None if n == "mplfonts" else find(n))
    with pytest.raises(ValueError, match=r"need mplfonts: pip install 'attention_seq2seq\[plots\]"):
        draw(tmp_path / "picture.png")


def test_no_window_system_is_touched():
    assert "matplotlib.pyplot" not in sys.modules


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "one.png"
    draw(path)
    before = path.read_bytes()

    def full(_):
        raise OSError("No space left on device")

    monkeypatch.setattr("attention_seq2seq.utils.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        draw(path, rows=("吃", "喝"))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["one.png"]
