"""Plots heat maps with a Chinese font."""

import io
import re
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from attention_seq2seq.utils.files import atomic_write
from attention_seq2seq.utils.text_tables import display_width

# Selectors of a character's style, and joiners of emojis; fonts would draw them as boxes.
_INVISIBLE = re.compile("[\ufe00-\ufe0f\u200d]")


def save_heatmaps(
    path: str | Path | BinaryIO,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    tables: dict[str, Sequence],
) -> None:
    """Plots heat maps side by side into one image.

    Args:
        path: .png, .svg or .pdf file; or an open file, which receives a PNG image.
        row_labels: tokens of a reply.
        column_labels: tokens of a prompt.
        tables: fractions float[row, column] by title; a row of zeros is shown as –.

    Raises:
        ValueError: the packages for plots are not installed, or the suffix of the file is unknown.
    """
    font = cjk_font()
    from matplotlib.figure import Figure

    row_labels, column_labels = (
        [_INVISIBLE.sub("", label) for label in labels] for labels in (row_labels, column_labels)
    )
    column_width = max([0.62, *(0.1 * display_width(label) + 0.1 for label in column_labels)])
    width = max(2.2, column_width * len(column_labels) + 1.0)
    height = max(1.8, 0.42 * len(row_labels) + 1.2)
    figure = Figure(figsize=(width * len(tables), height), layout="constrained")
    for axes, (title, fractions) in zip(
        figure.subplots(1, len(tables), squeeze=False)[0], tables.items()
    ):
        axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_title(title, fontproperties=font, fontsize=11)
        # Otherwise text between two dollar signs would be a formula.
        label_style = {"fontproperties": font, "fontsize": 12, "parse_math": False}
        axes.set_xticks(range(len(column_labels)), column_labels, **label_style)
        axes.set_yticks(range(len(row_labels)), row_labels, **label_style)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for row_index, row in enumerate(fractions):
            for column_index, fraction in enumerate(row):
                axes.text(
                    column_index,
                    row_index,
                    f"{fraction:.0%}" if any(row) else "–",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if fraction > 0.6 else "0.25",
                )
    with warnings.catch_warnings():
        # Missing characters, such as new emojis, are drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        save_figure(figure, path)


def save_figure(figure, path: str | Path | BinaryIO) -> None:
    """Writes a Matplotlib figure, atomically.

    Raises:
        ValueError: the suffix of the file is not an image format.
    """
    if not isinstance(path, str | Path):
        figure.savefig(path, dpi=160)
        return
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=160, format=Path(path).suffix.lower()[1:] or "png")
    with atomic_write(Path(path)) as file:
        file.write(buffer.getbuffer())


def cjk_font():
    """Returns Noto Sans CJK SC (SIL Open Font License) from the package mplfonts.

    Characters that it does not have, such as many emojis, are drawn with DejaVu Sans.

    Raises:
        ValueError: the packages for plots are not installed.
    """
    require_packages("matplotlib", "mplfonts")
    from matplotlib.font_manager import FontProperties, fontManager

    package_dir = Path(find_spec("mplfonts").submodule_search_locations[0])
    path = str(package_dir / "fonts" / "NotoSansCJKsc-Regular.otf")
    if all(entry.fname != path for entry in fontManager.ttflist):
        fontManager.addfont(path)
    return FontProperties(family=["Noto Sans CJK SC", "DejaVu Sans"])


def require_packages(*names: str) -> None:
    """Checks that packages of the extra `plots` are installed.

    Raises:
        ValueError: some are not installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"plots need {' and '.join(missing)}: pip install 'attention_seq2seq[plots]'"
        )
