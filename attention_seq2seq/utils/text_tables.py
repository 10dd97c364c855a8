"""Tables of shares for a terminal, Chinese words aligned."""

import unicodedata
from collections.abc import Sequence

_GAP = "    "


def display_width(text: str) -> int:
    """The number of terminal cells a text takes: two for a Chinese character, none for accents.

    Example:
        >>> display_width("晚上"), display_width("abc")
        (4, 3)
    """
    return sum(
        0 if unicodedata.combining(character) else 1 + (_east_asian(character) in "WF")
        for character in text
    )


def share_tables(
    rows: Sequence[str], columns: Sequence[str], tables: dict[str, Sequence], width: int = 80
) -> str:
    """Draws tables of shares, side by side where they fit and below each other where not.

    Args:
        rows: the labels of the rows, words of a reply.
        columns: the labels of the columns, words of a prompt.
        tables: title to shares float[row, column]; a row of zeros is shown as –.
        width: cells of the terminal. A table wider than that is continued below.

    Returns:
        Lines of text.

    Example:
        >>> print(share_tables(["晚上", "吃"], ["晚上", "吃"], {"shares": [[1, 0], [0, 0]]}))
        shares
              晚上    吃
        晚上  100%    0%
        吃       –     –
    """
    label_width = max(map(display_width, rows), default=0)
    column_widths = [2 + max(4, display_width(column)) for column in columns]
    blocks = _blocks(column_widths, width - label_width)
    pieces = [
        _table(title, rows, columns, shares, label_width, column_widths, block)
        for block in blocks
        for title, shares in tables.items()
    ]
    cells = [max(map(display_width, piece)) for piece in pieces]
    if len(blocks) == 1 and sum(cells) + len(_GAP) * (len(pieces) - 1) <= width:
        return "\n".join(_GAP.join(map(_padded, lines, cells)).rstrip() for lines in zip(*pieces))
    return "\n\n".join("\n".join(piece) for piece in pieces)


def _table(title, rows, columns, shares, label_width, column_widths, block) -> list[str]:
    """The lines of one table, of the columns in `block`."""
    heads = "".join(_right(columns[i], column_widths[i]) for i in block)
    lines = [title, " " * label_width + heads]
    for label, row in zip(rows, shares):
        # A row of zeros is a row about which nothing could be measured.
        shown = [f"{share:.0%}" if any(row) else "–" for share in row]
        cells = "".join(_right(shown[i], column_widths[i]) for i in block)
        lines.append(_padded(label, label_width) + cells)
    return lines


def _blocks(column_widths: Sequence[int], width: int) -> list[list[int]]:
    """The columns, cut into blocks that fit into `width`; a block has at least one."""
    blocks, used = [[]], 0
    for number, cells in enumerate(column_widths):
        if blocks[-1] and used + cells > width:
            blocks.append([])
            used = 0
        blocks[-1].append(number)
        used += cells
    return blocks


def _east_asian(character: str) -> str:
    return unicodedata.east_asian_width(character)


def _right(text: str, cells: int) -> str:
    return " " * (cells - display_width(text)) + text


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - display_width(text))
