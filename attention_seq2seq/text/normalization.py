"""One normalisation, written as a short list of rules over code points.

Python executes the rules here, TensorFlow looks up what they make of each code point in
`normalization_graph`; the two are equal on every code point. The rules name code points because the
libraries disagree on the classes (what is a blank, what is lower case) from version to version.

1. Bytes that are not UTF-8, and the 66 code points that are no characters, become U+FFFD.
2. Full-width ASCII (U+FF01 to U+FF5E) becomes ASCII.
3. Runs of blanks become one space; blanks at the ends go.
4. Control characters and invisible format characters go.
5. A to Z become a to z, where asked.
"""

import re
from typing import NamedTuple

REPLACEMENT = 0xFFFD
SPACE = 0x20


class Rule(NamedTuple):
    """Code points `first` to `last` are shifted, or all become `becomes`; -1 drops them."""

    first: int
    last: int
    shift: int = 0
    becomes: int | None = None


DROPPED = -1
_NO_CHARACTERS = (
    Rule(0xFDD0, 0xFDEF, becomes=REPLACEMENT),
    *(
        Rule(plane + 0xFFFE, plane + 0xFFFF, becomes=REPLACEMENT)
        for plane in range(0, 0x110000, 0x10000)
    ),
)
_FULL_WIDTH = (Rule(0xFF01, 0xFF5E, shift=-0xFEE0),)
_BLANKS = tuple(
    Rule(first, last, becomes=SPACE)
    for first, last in [
        (0x09, 0x0D),
        (0x85, 0x85),
        (0xA0, 0xA0),
        (0x1680, 0x1680),
        (0x2000, 0x200A),
        (0x2028, 0x2029),
        (0x202F, 0x202F),
        (0x205F, 0x205F),
        (0x3000, 0x3000),
    ]
)
_CONTROLS = tuple(
    Rule(first, last, becomes=DROPPED)
    for first, last in [
        (0x00, 0x08),
        (0x0E, 0x1F),
        (0x7F, 0x84),
        (0x86, 0x9F),
        (0xAD, 0xAD),  # soft hyphen
        (0x200B, 0x200B),  # zero width space
        (0x200E, 0x200F),  # direction marks
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0xFEFF, 0xFEFF),  # byte order mark
    ]
)
_LOWER_CASE = (Rule(0x41, 0x5A, shift=0x20),)


def rules(lower_case: bool) -> tuple[Rule, ...]:
    """The rules in the order in which they apply to each code point."""
    return _NO_CHARACTERS + _FULL_WIDTH + _BLANKS + _CONTROLS + (_LOWER_CASE if lower_case else ())


class Normalizer:
    r"""Strings or bytes to normalised strings.

    Args:
        lower_case: whether A to Z become a to z.

    Example:
        >>> Normalizer(lower_case=True)("  Ｈｅｌｌｏ，\u3000 世界！ ")
        'hello, 世界!'
    """

    def __init__(self, lower_case: bool):
        # Of each code point that changes, what it becomes; None: nothing.
        self.table: dict[int, int | None] = {}
        for rule in rules(lower_case):
            self._extend(rule)

    def _extend(self, rule: Rule) -> None:
        # Later rules also apply to what earlier ones made: Ａ becomes A becomes a.
        for code_point in range(rule.first, rule.last + 1):
            self.table.setdefault(code_point, code_point)
        for code_point, current in self.table.items():
            if current is not None and rule.first <= current <= rule.last:
                became = current + rule.shift if rule.becomes is None else rule.becomes
                self.table[code_point] = None if became == DROPPED else became

    def __call__(self, text: str | bytes) -> str:
        """Normalises one text; never fails."""
        if isinstance(text, str):
            # A string may hold half of a surrogate pair, which no UTF-8 can say.
            text = text.encode("utf-8", "surrogatepass")
        characters = text.decode("utf-8", "replace").translate(self.table)
        return re.sub(" +", " ", characters).strip(" ")
