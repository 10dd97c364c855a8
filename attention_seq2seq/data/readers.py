"""Reads pairs from corpus files, whose format is detected by content.

| format     | looks like                                                                       |
|------------|----------------------------------------------------------------------------------|
| TSV        | `prompt<TAB>reply`; a prompt equal to the reply before it continues the           |
|            | conversation, a blank line ends it                                                |
| JSONL      | `{"prompt": ..., "reply": ...}`, or `{"messages": [{"role": "user",               |
|            | "content": ...}, {"role": "assistant", "content": ...}, ...]}`, or `["turn", ...]` |
| .conv      | a line `E` begins a conversation, each line `M turn` continues it; with or        |
|            | without `/` between the characters (小黄鸡, subtitles)                            |
| LCCC       | JSON: `[["turn", ...], ...]`, or `{"train": [["turn", ...], ...], ...}`; the      |
|            | blanks between Chinese characters go                                              |
| KdConv     | JSON: `[{"messages": [{"message": ...}, ...]}, ...]`                              |
| CrossWOZ   | JSON: `{"id": {"messages": [{"content": ...}, ...]}, ...}`                        |
| chatterbot | YAML: `conversations:`, a list of lists of turns; up to 16 MB                     |

A conversation of several turns becomes consecutive exchanges. All formats except YAML are read as
streams, which need the memory of the longest conversation.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from attention_seq2seq.data.corpus_file import CorpusFile, CorpusFormatError
from attention_seq2seq.data.formats.chatterbot import read_chatterbot
from attention_seq2seq.data.formats.conv import read_conv
from attention_seq2seq.data.formats.json_documents import read_json_document
from attention_seq2seq.data.formats.lines import parse_jsonl, parse_tsv, read_lines
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.turns import detect_separation

FORMAT_NAMES = (
    "prompt<TAB>reply, JSONL, .conv, the JSON of LCCC, KdConv or CrossWOZ, or chatterbot YAML"
)

# Number of bytes from which the format of a file is detected.
_PEEK_SIZE = 1 << 16
# A line of text may also start with a bracket, so the next characters are matched, too.
_ARRAY_OR_OBJECT = r'(\[\s*["\]]|\{\s*["}])'
_NESTED_DOCUMENT = re.compile(
    rf"\s*(\[\s*{_ARRAY_OR_OBJECT}"
    rf'|\{{\s*"(?!(prompt|reply|messages)")[^"]*"\s*:\s*(\[\s*[\[\]]|{_ARRAY_OR_OBJECT}))'
)

# A character that JSON represents by its code point.
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


class PairReader:
    """Iterates over the pairs of a corpus file.

    Args:
        path: the file; UTF-8, plain or gzip.
        skip_bad_lines: whether to skip unreadable lines, and count them in `skipped_lines`.

    Attributes:
        skipped_lines: number of skipped lines by reason, updated during iteration.
        position: number of bytes read from the file on disk.

    Raises:
        FileNotFoundError: at construction, if there is no such file.
        ValueError: at construction, if the path is a directory.
        CorpusFormatError: during iteration, if a line is unreadable.
    """

    def __init__(self, path: str | Path, skip_bad_lines: bool = False):
        self.path = Path(path)
        self.skip_bad_lines = skip_bad_lines
        self.skipped_lines: Counter[str] = Counter()
        self.position = 0
        if self.path.is_dir():
            raise ValueError(f"{path} is a directory. Give a file of {FORMAT_NAMES}.")
        if not self.path.exists():
            raise FileNotFoundError(f"{path}: no such corpus file. Give a file of {FORMAT_NAMES}.")

    def __iter__(self) -> Iterator[Pair]:
        self.skipped_lines.clear()
        with CorpusFile(self.path, self._on_error) as file:
            read_exchanges = _detect_format(file.peek(_PEEK_SIZE))
            conversation = -1
            for prompt, reply, is_continuation in read_exchanges(file):
                conversation += not is_continuation
                self.position = file.position
                yield Pair(prompt, reply, conversation)

    def _on_error(self, line_number: int, reason: str) -> None:
        if not self.skip_bad_lines:
            raise CorpusFormatError(
                self.path,
                line_number,
                f"{reason}. Fix the line, or set skip_bad_lines to skip it",
            )
        self.skipped_lines[reason.split(";")[0]] += 1


def _detect_format(head: bytes):
    """Returns the reader of a format, a function from a `CorpusFile` to its exchanges.

    Args:
        head: the first bytes of the file.
    """
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    if any(
        line.startswith((b"conversations:", b"categories:")) and b"\t" not in line
        for line in lines[:20]
    ):
        return read_chatterbot
    lines = [line for line in lines if not line.startswith((b"#", b"---", b"%YAML"))]
    first_line = lines[0] if lines else b""
    if first_line == b"E":
        separation = detect_separation(head.decode("utf-8", "replace"), "/")
        return partial(read_conv, separation=separation)
    if first_line.startswith((b"{", b"[")):
        return _detect_json_format(first_line, head.decode("utf-8", "replace"))
    # Files of unknown formats raise a helpful error as TSV.
    return partial(read_lines, parse=parse_tsv)


def _detect_json_format(first_line: bytes, head: str):
    record = _parse_json_or_none(first_line)
    is_record = isinstance(record, dict) and not record.keys().isdisjoint(("reply", "messages"))
    is_turns = isinstance(record, list) and bool(record) and isinstance(record[0], str)
    separation = detect_separation(
        _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), head), " "
    )
    if not is_record and not is_turns and _NESTED_DOCUMENT.match(head):
        return partial(read_json_document, separation=separation)
    # A prompt may also start with a brace or bracket, and `head` may end within a JSON line.
    is_tsv = record is None and (b"\t" in first_line or re.match(rb'\[\s*[^"\s]', first_line))
    parse_json_line = partial(parse_jsonl, separation=separation)
    return partial(read_lines, parse=parse_tsv if is_tsv else parse_json_line)


def _parse_json_or_none(line: bytes):
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


class CorpusReader:
    """Iterates over the pairs of several corpus files in order.

    Args:
        paths: the files; conversations are numbered across all files.
        skip_bad_lines: whether to skip unreadable lines, and count them in `skipped_lines`.

    Attributes:
        skipped_lines: number of skipped lines by reason, updated during iteration.
        position: number of bytes read from the files on disk.

    Raises:
        FileNotFoundError: at construction, if a file is missing.
        ValueError: during iteration, if a line is unreadable or a file has no pair.
    """

    def __init__(self, paths: Iterable[str | Path], skip_bad_lines: bool = False):
        self._readers = [PairReader(path, skip_bad_lines) for path in paths]
        self.skipped_lines: Counter[str] = Counter()
        self.position = 0

    def __iter__(self) -> Iterator[Pair]:
        self.skipped_lines.clear()
        first_conversation = start_position = 0
        for reader in self._readers:
            pair = None
            for pair in reader:
                pair = pair._replace(conversation=first_conversation + pair.conversation)
                self.position = start_position + reader.position
                yield pair
            self.skipped_lines += reader.skipped_lines
            if pair is None:
                num_skipped = reader.skipped_lines.total()
                raise ValueError(
                    f"{reader.path}: no pairs found ({num_skipped} malformed lines skipped). "
                    f"Expected {FORMAT_NAMES}."
                )
            first_conversation = pair.conversation + 1
            start_position += reader.path.stat().st_size
        self.position = start_position


def read_pairs(
    paths: Iterable[str | Path], skip_bad_lines: bool = False
) -> tuple[list[Pair], Counter]:
    """Reads corpus files into memory.

    Args:
        paths: the files; conversations are numbered across all files.
        skip_bad_lines: whether to skip and count unreadable lines.

    Returns:
        The pairs, and the number of skipped lines by reason.

    Raises:
        ValueError: a line is unreadable, or a file has no pair.
    """
    reader = CorpusReader(paths, skip_bad_lines)
    return list(reader), reader.skipped_lines
