"""Heat maps with Chinese labels."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from attention_seq2seq.utils import plotting
from attention_seq2seq.utils.plotting import save_heatmaps

FRACTIONS = [[0.25, 0.75], [0.0, 0.0]]


def read_pixels(path):
    from matplotlib.image import imread

    return imread(path)


def plot_and_read(path, row_labels=("晚上", "吃"), column_labels=("今天", "晚上")):
    save_heatmaps(path, row_labels, column_labels, {"contribution": FRACTIONS})
    return read_pixels(path)


def test_chinese_characters_have_distinct_glyphs(tmp_path):
    """A font without Chinese glyphs draws the same box for every character."""
    a = plot_and_read(tmp_path / "a.png", column_labels=("晚", "上"))
    b = plot_and_read(tmp_path / "b.png", column_labels=("吃", "喝"))
    assert a.shape == b.shape
    assert np.any(a != b)


def test_no_glyph_is_missing_for_the_default_corpus():
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    from attention_seq2seq.data.default_corpus import default_corpus

    charmap = FT2Font(findfont(plotting.cjk_font())).get_charmap()
    corpus = default_corpus()
    characters = {c for pair in corpus.training for c in pair.prompt + pair.reply}
    assert not {c for c in characters if c.isprintable() and ord(c) not in charmap}


def test_two_tables_make_a_wider_picture(tmp_path):
    single = plot_and_read(tmp_path / "one.png")
    save_heatmaps(
        tmp_path / "two.png", ["晚上", "吃"], ["今天", "晚上"], {"a": FRACTIONS, "b": FRACTIONS}
    )
    assert read_pixels(tmp_path / "two.png").shape[1] > 1.8 * single.shape[1]


def test_labels_without_glyphs_are_drawn(tmp_path):
    plot_and_read(tmp_path / "odd.png", row_labels=("$x_1", "\U0001fae8"))


def test_emojis_have_distinct_glyphs_without_their_selectors(tmp_path):
    a = plot_and_read(tmp_path / "a.png", row_labels=("❤\ufe0f", "😀"))
    b = plot_and_read(tmp_path / "b.png", row_labels=("❤", "😃"))
    c = plot_and_read(tmp_path / "c.png", row_labels=("❤", "😀"))
    assert a.shape == b.shape
    assert np.any(a != b)
    assert np.array_equal(a, c)


def test_long_labels_have_wider_columns(tmp_path):
    labels = ["where", "does", "hiwuzajuqwer", "kolumbobobobo", "live"]
    table = np.eye(5)
    sizes = [5, 5, 12, 13, 4]
    for name, columns in (("short", [label[:2] for label in labels]), ("long", labels)):
        save_heatmaps(tmp_path / f"{name}.png", ["a"] * 5, columns, {"a": table})
    # At this resolution, a letter of the labels has about 14 pixels.
    assert read_pixels(tmp_path / "long.png").shape[1] > 5 * 14 * max(sizes)
    assert read_pixels(tmp_path / "short.png").shape[1] < 800


def test_markup_in_labels_is_drawn_literally(tmp_path):
    markup = plot_and_read(
        tmp_path / "formula.png", row_labels=("$x$", "$\\bad{$"), column_labels=("^_$", "100$-200$")
    )
    text = plot_and_read(
        tmp_path / "plain.png", row_labels=("x", "$\\bad{$"), column_labels=("^_$", "100$-200$")
    )
    # As a formula, $x$ would be an italic x, about as wide as the plain x.
    assert markup.shape == text.shape
    assert np.any(markup != text)


def test_unsupported_suffixes_raise(tmp_path):
    with pytest.raises(ValueError, match="not supported"):
        plot_and_read(tmp_path / "picture.xyz")


def test_missing_packages_raise(tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        plotting, "find_spec", lambda name: None if name == "mplfonts" else find_spec(name)
    )
    with pytest.raises(ValueError, match=r"need mplfonts: pip install 'attention_seq2seq\[plots\]"):
        plot_and_read(tmp_path / "picture.png")


def test_pyplot_is_not_imported(tmp_path):
    """pyplot would keep figures, and choose a backend with windows."""
    code = (
        "import sys; from attention_seq2seq.utils.plotting import save_heatmaps;"
        f"save_heatmaps({str(tmp_path / 'one.png')!r}, ['a'], ['b'], dict(c=[[1.0]]));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_failed_write_keeps_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "one.png"
    plot_and_read(path)
    old_content = path.read_bytes()

    def raise_disk_full(_):
        raise OSError("No space left on device")

    monkeypatch.setattr("attention_seq2seq.utils.files.os.fsync", raise_disk_full)
    with pytest.raises(OSError, match="No space left"):
        plot_and_read(path, row_labels=("吃", "喝"))
    assert path.read_bytes() == old_content
    assert [p.name for p in tmp_path.iterdir()] == ["one.png"]
