"""How a text is written: in which script, and whether a wrong encoding has damaged it."""

import enum
import re

from zhon import cedict

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_TRADITIONAL = frozenset(cedict.traditional) - frozenset(cedict.simplified)
_SIMPLIFIED = frozenset(cedict.simplified) - frozenset(cedict.traditional)

# What was read as Windows' Latin letters, as the bytes that it was; the five bytes that mean
# nothing there are read as control characters.
_LATIN = {ord(bytes([byte]).decode("cp1252", "replace")): byte for byte in range(0x80, 0x100)}
_LATIN |= {byte: byte for byte in range(0x80, 0x100)}
del _LATIN[0xFFFD]
_LATIN_LETTERS = re.compile("[\u00c0-\u00ff]")


class Mark(enum.IntFlag):
    """What is to be said of how a text is written.

    Attributes:
        TRADITIONAL: more of its characters are written so in traditional Chinese only than in
            simplified Chinese only.
        SIMPLIFIED: the other way round.
        NOT_CHINESE: no Chinese character is in it.
        MOJIBAKE: read in another encoding than it was written in, it would be Chinese; or a
            replacement character stands where something could not be read.
    """

    TRADITIONAL = 1
    SIMPLIFIED = 2
    NOT_CHINESE = 4
    MOJIBAKE = 8


def marks_of(text: str) -> Mark:
    """The marks of a text; which characters are written so in one script only, CC-CEDICT tells.

    Example:
        >>> marks_of("今天晚上吃什麼"), marks_of("ok!")
        (<Mark.TRADITIONAL: 1>, <Mark.NOT_CHINESE: 4>)
        >>> marks_of("你好".encode().decode("gbk")).name
        'MOJIBAKE'
    """
    if text.isascii():
        return Mark.NOT_CHINESE
    if _is_mojibake(text):
        return Mark.MOJIBAKE
    if not _CHINESE.search(text):
        return Mark.NOT_CHINESE
    difference = sum(map(_TRADITIONAL.__contains__, text)) - sum(
        map(_SIMPLIFIED.__contains__, text)
    )
    if not difference:
        return Mark(0)
    return Mark.TRADITIONAL if difference > 0 else Mark.SIMPLIFIED


def _is_mojibake(text: str) -> bool:
    if "\ufffd" in text:
        return True
    # UTF-8 that was read as GBK; and what read the replacement character so.
    if "锟斤拷" in text or _turns_chinese(text.encode("gbk", "replace"), "utf-8"):
        return True
    if _CHINESE.search(text) or not _LATIN_LETTERS.search(text):
        return False
    raw = text.translate(_LATIN).encode("latin-1", "replace")
    # GB2312, not its extension: there a letter with an accent and one without are a character.
    return _turns_chinese(raw, "utf-8") or _turns_chinese(raw, "gb2312")


def _turns_chinese(raw: bytes, encoding: str) -> bool:
    """Whether most of what is not ASCII turns into Chinese; texts with losses do so as well."""
    text = raw.decode(encoding, "replace")
    num_chinese = len(_CHINESE.findall(text))
    return num_chinese >= 2 and 4 * text.count("\ufffd") <= num_chinese
