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

REPLACEMENT_CHARACTER = 0xFFFD
SPACE = 0x20
# Distance of fullwidth ASCII from ASCII.
_FULLWIDTH = 0xFEE0

# First and last code points of ranges.
_NONCHARACTERS = [
    (0xFDD0, 0xFDEF),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)),
]
_WHITESPACE = [
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
_CONTROL_CHARACTERS = [
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


def normalization_table(lowercase: bool) -> dict[int, int | None]:
    """Returns the replacements of code points; None removes a code point."""
    table = {}
    for ranges, replacement in (
        (_NONCHARACTERS, REPLACEMENT_CHARACTER),
        (_WHITESPACE, SPACE),
        (_CONTROL_CHARACTERS, None),
    ):
        for first, last in ranges:
            table |= dict.fromkeys(range(first, last + 1), replacement)
    table |= {_FULLWIDTH + code_point: code_point for code_point in range(0x21, 0x7F)}
    if lowercase:
        for code_point in range(ord("A"), ord("Z") + 1):
            table[code_point] = table[_FULLWIDTH + code_point] = code_point + 0x20
    return table


class Normalizer:
    r"""Normalizes strings and bytes.

    Args:
        lowercase: whether A to Z become a to z.

    Example:
        >>> Normalizer(lowercase=True)("  Ｈｅｌｌｏ，\u3000 世界！ ")
        'hello, 世界!'
    """

    def __init__(self, lowercase: bool):
        self._table = normalization_table(lowercase)

    def __call__(self, text: str | bytes) -> str:
        """Normalizes a text. Invalid bytes are replaced."""
        if isinstance(text, str):
            # A string may contain a lone surrogate, which UTF-8 cannot encode.
            text = text.encode("utf-8", "surrogatepass")
        characters = self.map_characters(text.decode("utf-8", "replace"))
        return re.sub(" +", " ", characters).strip(" ")

    def map_characters(self, text: str) -> str:
        """Applies the rules of single characters, all except the third."""
        return text.translate(self._table)
