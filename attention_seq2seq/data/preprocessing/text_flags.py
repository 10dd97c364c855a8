"""Detects the script of a text, and whether a wrong encoding has damaged it."""

import enum
import re

from zhon import cedict

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_TRADITIONAL = frozenset(cedict.traditional) - frozenset(cedict.simplified)
_SIMPLIFIED = frozenset(cedict.simplified) - frozenset(cedict.traditional)

# Maps the letters of Windows-1252 to their bytes. The five undefined bytes decode to control
# characters.
_BYTE_OF_LETTER = {
    ord(bytes([byte]).decode("cp1252", "replace")): byte for byte in range(0x80, 0x100)
}
_BYTE_OF_LETTER |= {byte: byte for byte in range(0x80, 0x100)}
del _BYTE_OF_LETTER[0xFFFD]
_LATIN_LETTERS = re.compile("[\u00c0-\u00ff]")


class TextFlags(enum.IntFlag):
    """The script of a text, and whether a wrong encoding has damaged it.

    Attributes:
        TRADITIONAL: the text has more traditional-only than simplified-only characters.
        SIMPLIFIED: the text has more simplified-only than traditional-only characters.
        NOT_CHINESE: the text has no Chinese character.
        MOJIBAKE: the text would be Chinese in another encoding, or has a replacement character.
    """

    TRADITIONAL = 1
    SIMPLIFIED = 2
    NOT_CHINESE = 4
    MOJIBAKE = 8


def detect_text_flags(text: str) -> TextFlags:
    """Returns the flags of a text. CC-CEDICT defines the characters of each script.

    Example:
        >>> detect_text_flags("今天晚上吃什麼"), detect_text_flags("ok!")
        (<TextFlags.TRADITIONAL: 1>, <TextFlags.NOT_CHINESE: 4>)
        >>> detect_text_flags("你好".encode().decode("gbk")).name
        'MOJIBAKE'
    """
    if text.isascii():
        return TextFlags.NOT_CHINESE
    if _is_mojibake(text):
        return TextFlags.MOJIBAKE
    if not _CHINESE.search(text):
        return TextFlags.NOT_CHINESE
    difference = sum(map(_TRADITIONAL.__contains__, text)) - sum(
        map(_SIMPLIFIED.__contains__, text)
    )
    if not difference:
        return TextFlags(0)
    return TextFlags.TRADITIONAL if difference > 0 else TextFlags.SIMPLIFIED


def _is_mojibake(text: str) -> bool:
    if "\ufffd" in text:
        return True
    # UTF-8 decoded as GBK, in which replacement characters become 锟斤拷.
    if "锟斤拷" in text or _decodes_to_chinese(text.encode("gbk", "replace"), "utf-8"):
        return True
    if _CHINESE.search(text) or not _LATIN_LETTERS.search(text):
        return False
    raw = text.translate(_BYTE_OF_LETTER).encode("latin-1", "replace")
    # Not GBK, because in GBK an accented letter and a plain one form a Chinese character.
    return _decodes_to_chinese(raw, "utf-8") or _decodes_to_chinese(raw, "gb2312")


def _decodes_to_chinese(raw: bytes, encoding: str) -> bool:
    """Returns whether most of the bytes decode to Chinese."""
    text = raw.decode(encoding, "replace")
    num_chinese = len(_CHINESE.findall(text))
    return num_chinese >= 2 and 4 * text.count("\ufffd") <= num_chinese
