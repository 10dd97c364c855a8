"""Text normalization: a short list of rules over code points.

Python executes the rules here. `in_graph.normalization` looks up the result of each code point in
TensorFlow. The two are equal on every code point. The rules list code points because the
character classes of libraries (whitespace, lowercase) differ from version to version.

1. Bytes that are not UTF-8, and the 66 noncharacters, become U+FFFD.
2. Fullwidth ASCII (U+FF01 to U+FF5E) becomes ASCII.
3. Each run of whitespace becomes one space; whitespace at both ends is removed.
4. Control characters and invisible format characters are removed.
5. A to Z become a to z, if `lowercase` is set.
"""

import re
from typing import NamedTuple

REPLACEMENT_CHARACTER = 0xFFFD
SPACE = 0x20


class Rule(NamedTuple):
    """Shifts code points `first` to `last`, or replaces all by `replacement`; -1 removes them."""

    first: int
    last: int
    shift: int = 0
    replacement: int | None = None


REMOVE = -1
_NONCHARACTERS = (
    Rule(0xFDD0, 0xFDEF, replacement=REPLACEMENT_CHARACTER),
    *(
        Rule(plane + 0xFFFE, plane + 0xFFFF, replacement=REPLACEMENT_CHARACTER)
        for plane in range(0, 0x110000, 0x10000)
    ),
)
_FULLWIDTH = (Rule(0xFF01, 0xFF5E, shift=-0xFEE0),)
_WHITESPACE = tuple(
    Rule(first, last, replacement=SPACE)
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
_CONTROL_CHARACTERS = tuple(
    Rule(first, last, replacement=REMOVE)
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
_LOWERCASE = (Rule(0x41, 0x5A, shift=0x20),)


def normalization_rules(lowercase: bool) -> tuple[Rule, ...]:
    """The rules in the order in which they apply to each code point."""
    return (
        _NONCHARACTERS
        + _FULLWIDTH
        + _WHITESPACE
        + _CONTROL_CHARACTERS
        + (_LOWERCASE if lowercase else ())
    )


class Normalizer:
    r"""Normalizes strings and bytes.

    Args:
        lowercase: whether A to Z become a to z.

    Example:
        >>> Normalizer(lowercase=True)("  Ｈｅｌｌｏ，\u3000 世界！ ")
        'hello, 世界!'
    """

    def __init__(self, lowercase: bool):
        # The code points that change, and their replacements; None removes one.
        self.table: dict[int, int | None] = {}
        for rule in normalization_rules(lowercase):
            self._extend(rule)

    def _extend(self, rule: Rule) -> None:
        # Later rules also apply to the results of earlier ones: Ａ becomes A becomes a.
        for code_point in range(rule.first, rule.last + 1):
            self.table.setdefault(code_point, code_point)
        for code_point, current in self.table.items():
            if current is not None and rule.first <= current <= rule.last:
                new = current + rule.shift if rule.replacement is None else rule.replacement
                self.table[code_point] = None if new == REMOVE else new

    def __call__(self, text: str | bytes) -> str:
        """Normalizes one text; never fails."""
        if isinstance(text, str):
            # A string may hold half of a surrogate pair, which UTF-8 cannot encode.
            text = text.encode("utf-8", "surrogatepass")
        characters = text.decode("utf-8", "replace").translate(self.table)
        return re.sub(" +", " ", characters).strip(" ")
