"""Renders tables of percentages for a terminal, with aligned Chinese labels."""

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

_COLUMN_GAP = "    "


def display_width(text: str) -> int:
    """Returns the width of a text in terminal cells. A Chinese character is two cells wide.

    Example:
        >>> display_width("晚上"), display_width("abc")
        (4, 3)
    """
    return sum(
        0 if combining(character) else 1 + (east_asian_width(character) in "WF")
        for character in text
    )


def render_tables(
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    tables: dict[str, Sequence],
    width: int = 80,
) -> str:
    """Renders tables of percentages side by side, or below each other if they do not fit.

    Args:
        row_labels: tokens of a reply.
        column_labels: tokens of a prompt.
        tables: fractions float[row, column] by title; a row of zeros is shown as –.
        width: width of the terminal [cells]; wider tables are continued below.

    Returns:
        Lines of text.

    Example:
        >>> print(render_tables(["晚上", "吃"], ["晚上", "吃"], {"weights": [[1, 0], [0, 0]]}))
        weights
              晚上    吃
        晚上  100%    0%
        吃       –     –
    """
    label_width = max(map(display_width, row_labels), default=0)
    column_widths = [2 + max(4, display_width(label)) for label in column_labels]
    blocks = _column_blocks(column_widths, width - label_width)
    rendered = []
    for block in blocks:
        for title, fractions in tables.items():
            rows = [("", column_labels), *zip(row_labels, map(_percentages, fractions))]
            rendered.append([title])
            for label, cells in rows:
                aligned = [_align_right(cells[i], column_widths[i]) for i in block]
                rendered[-1].append(_pad(label, label_width) + "".join(aligned))
    widths = [max(map(display_width, lines)) for lines in rendered]
    if len(blocks) == 1 and sum(widths) + len(_COLUMN_GAP) * (len(rendered) - 1) <= width:
        return "\n".join(
            _COLUMN_GAP.join(map(_pad, row, widths)).rstrip() for row in zip(*rendered)
        )
    return "\n\n".join("\n".join(lines) for lines in rendered)


def _percentages(fractions: Sequence[float]) -> list[str]:
    # A row of zeros means that nothing could be measured.
    return [f"{fraction:.0%}" if any(fractions) else "–" for fraction in fractions]


def _column_blocks(column_widths: Sequence[int], width: int) -> list[list[int]]:
    """Splits column indices into blocks that fit into `width`, at least one column in each."""
    blocks, block_width = [[]], 0
    for index, column_width in enumerate(column_widths):
        if blocks[-1] and block_width + column_width > width:
            blocks.append([])
            block_width = 0
        blocks[-1].append(index)
        block_width += column_width
    return blocks


def _align_right(text: str, width: int) -> str:
    return " " * (width - display_width(text)) + text


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))
