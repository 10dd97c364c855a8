"""Tables of shares as a picture, with a Chinese font on every machine."""

import io
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from attention_seq2seq.utils.files import atomic_write


def save_picture(
    path: str | Path | BinaryIO,
    rows: Sequence[str],
    columns: Sequence[str],
    tables: dict[str, Sequence],
) -> None:
    """Writes tables of shares as heat maps side by side.

    Args:
        path: a .png, .svg or .pdf file; or an open one, for PNG.
        rows: the labels of the rows, words of a reply.
        columns: the labels of the columns, words of a prompt.
        tables: title to shares float[row, column]; a row of zeros is shown as –.

    Raises:
        ValueError: the packages for plots are not installed, or the file's ending is unknown.
    """
    font = chinese_font()
    from matplotlib.figure import Figure

    width = max(2.2, 0.62 * len(columns) + 1.0)
    height = max(1.8, 0.42 * len(rows) + 1.2)
    figure = Figure(figsize=(width * len(tables), height), layout="constrained")
    for axes, (title, shares) in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables.items()
    ):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(title, fontproperties=font, fontsize=11)
        # Two dollar signs are no formula.
        plain = {"fontproperties": font, "fontsize": 12, "parse_math": False}
        axes.set_xticks(range(len(columns)), columns, **plain)
        axes.set_yticks(range(len(rows)), rows, **plain)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for r, row in enumerate(shares):
            for c, share in enumerate(row):
                axes.text(
                    c,
                    r,
                    f"{share:.0%}" if any(row) else "–",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if share > 0.6 else "0.25",
                )
    with warnings.catch_warnings():
        # A word may hold a character that no font has, such as a new emoji: a box is drawn.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        save_figure(figure, path)


def save_figure(figure, path: str | Path | BinaryIO) -> None:
    """Writes a Matplotlib figure, as a file whole or not at all.

    Raises:
        ValueError: the file's ending names no format.
    """
    if not isinstance(path, str | Path):
        figure.savefig(path, dpi=160)
        return
    picture = io.BytesIO()
    figure.savefig(picture, dpi=160, format=Path(path).suffix.lower()[1:] or "png")
    with atomic_write(Path(path)) as file:
        file.write(picture.getbuffer())


def chinese_font():
    """Noto Sans CJK SC (SIL Open Font License) from the package mplfonts, loaded by its path.

    Raises:
        ValueError: the packages for plots are not installed.
    """
    missing = [name for name in ("matplotlib", "mplfonts") if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"pictures need {' and '.join(missing)}: pip install 'attention_seq2seq[plots]'"
        )
    from matplotlib.font_manager import FontProperties

    folder = Path(find_spec("mplfonts").submodule_search_locations[0])
    return FontProperties(fname=folder / "fonts" / "NotoSansCJKsc-Regular.otf")
