"""Corpus files to pairs; plain or gzip, and the format, are told by the content.

| format     | looks like                                                                       |
|------------|----------------------------------------------------------------------------------|
| TSV        | `prompt<TAB>reply`; a prompt equal to the reply before it continues the           |
|            | conversation, a blank line ends it                                                |
| JSONL      | `{"prompt": ..., "reply": ...}`, or `{"messages": [{"role": "user",               |
|            | "content": ...}, {"role": "assistant", "content": ...}, ...]}`, or `["turn", ...]` |
| .conv      | a line `E` begins a conversation, each line `M turn` goes on with it; with or     |
|            | without `/` between the characters (小黄鸡, subtitles)                            |
| LCCC       | JSON: `[["turn", ...], ...]`, or `{"train": [["turn", ...], ...], ...}`; the      |
|            | blanks between Chinese characters go                                              |
| KdConv     | JSON: `[{"messages": [{"message": ...}, ...]}, ...]`                              |
| CrossWOZ   | JSON: `{"id": {"messages": [{"content": ...}, ...]}, ...}`                        |
| chatterbot | YAML: `conversations:`, a list of lists of turns; up to 16 MB                     |

A conversation of many turns gives consecutive exchanges. All but YAML are read as streams: a file
of any size needs the memory of its longest conversation.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from attention_seq2seq.data.corpus_file import BadLine, CorpusFile
from attention_seq2seq.data.formats.chatterbot import yaml_exchanges
from attention_seq2seq.data.formats.conv import conv_exchanges
from attention_seq2seq.data.formats.json_documents import document_exchanges
from attention_seq2seq.data.formats.lines import line_exchanges, parse_json, parse_tsv
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.turns import separation_of

FORMATS = "prompt<TAB>reply, JSONL, .conv, the JSON of LCCC, KdConv or CrossWOZ, or chatterbot YAML"

# So much of a file tells its format.
_HEAD = 1 << 16
# A bracket may begin a line of text as well; what JSON has behind it is told apart here.
_ARRAY_OR_OBJECT = r'(\[\s*["\]]|\{\s*["}])'
_OF_ARRAYS_OR_OBJECTS = re.compile(
    rf"\s*(\[\s*{_ARRAY_OR_OBJECT}"
    rf'|\{{\s*"(?!(prompt|reply|messages)")[^"]*"\s*:\s*(\[\s*[\[\]]|{_ARRAY_OR_OBJECT}))'
)

# A character that JSON names by its number.
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


class PairReader:
    """The pairs of one corpus file; iterate over it.

    Args:
        path: the file; UTF-8, plain or gzip.
        skip_bad_lines: leave out what cannot be read, and count it in `skipped`.

    Attributes:
        skipped: reason to count, filled while iterating.
        position: how many bytes of the file, as it lies on the disk, have been read.

    Raises:
        FileNotFoundError: at construction, when there is no such file.
        ValueError: at construction, when it is a folder.
        BadLine: while iterating, with file, line and what was expected.
    """

    def __init__(self, path: str | Path, skip_bad_lines: bool = False):
        self.path = Path(path)
        self.skip_bad_lines = skip_bad_lines
        self.skipped: Counter[str] = Counter()
        self.position = 0
        if self.path.is_dir():
            raise ValueError(f"{path} is a folder. Give a file of {FORMATS}.")
        if not self.path.exists():
            raise FileNotFoundError(f"{path}: no such corpus file. Give a file of {FORMATS}.")

    def __iter__(self) -> Iterator[Pair]:
        self.skipped.clear()
        with CorpusFile(self.path, self._bad) as file:
            exchanges = _reader_of(file.head(_HEAD))
            conversation = -1
            for prompt, reply, continues in exchanges(file):
                conversation += not continues
                self.position = file.position
                yield Pair(prompt, reply, conversation)

    def _bad(self, line: int, reason: str) -> None:
        if not self.skip_bad_lines:
            raise BadLine(
                self.path, line, f"{reason}. Mend the line, or leave it out with skip_bad_lines"
            )
        self.skipped[reason.split(";")[0]] += 1


def _reader_of(head: bytes):
    """What reads a file that begins so: a function of the file that gives its exchanges."""
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    if any(
        line.startswith((b"conversations:", b"categories:")) and b"\t" not in line
        for line in lines[:20]
    ):
        return yaml_exchanges
    lines = [line for line in lines if not line.startswith((b"#", b"---", b"%YAML"))]
    first = lines[0] if lines else b""
    if first == b"E":
        separation = separation_of(head.decode("utf-8", "replace"), "/")
        return partial(conv_exchanges, separation=separation)
    if first.startswith((b"{", b"[")):
        return _json_reader(first, head.decode("utf-8", "replace"))
    # Whatever else it is, a TSV error names the line and what was expected.
    return partial(line_exchanges, parse=parse_tsv)


def _json_reader(first: bytes, head: str):
    record = _as_json(first)
    is_record = isinstance(record, dict) and not record.keys().isdisjoint(("reply", "messages"))
    is_turns = isinstance(record, list) and bool(record) and isinstance(record[0], str)
    separation = separation_of(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), head), " ")
    if not is_record and not is_turns and _OF_ARRAYS_OR_OBJECTS.match(head):
        return partial(document_exchanges, separation=separation)
    # A brace or a bracket may begin a prompt, too; a long line of JSON is not seen whole.
    is_tsv = record is None and (b"\t" in first or re.match(rb'\[\s*[^"\s]', first))
    as_json = partial(parse_json, separation=separation)
    return partial(line_exchanges, parse=parse_tsv if is_tsv else as_json)


def _as_json(line: bytes):
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


class CorpusReader:
    """The pairs of several corpus files, one after the other; iterate over it.

    Args:
        paths: the files; their conversations are numbered on from one file to the next.
        skip_bad_lines: see `PairReader`.

    Attributes:
        skipped: how often which kind of bad line was left out, filled while iterating.
        position: how many bytes of the files, as they lie on the disk, have been read.

    Raises:
        FileNotFoundError: at construction, when a file is missing.
        ValueError: while iterating, a bad line, or a file without any pair.
    """

    def __init__(self, paths: Iterable[str | Path], skip_bad_lines: bool = False):
        self._readers = [PairReader(path, skip_bad_lines) for path in paths]
        self.skipped: Counter[str] = Counter()
        self.position = 0

    def __iter__(self) -> Iterator[Pair]:
        self.skipped.clear()
        first = before = 0
        for reader in self._readers:
            pair = None
            for pair in reader:
                pair = pair._replace(conversation=first + pair.conversation)
                self.position = before + reader.position
                yield pair
            self.skipped += reader.skipped
            if pair is None:
                raise ValueError(
                    f"{reader.path}: no pair in it ({reader.skipped.total()} bad lines left out). "
                    f"Expected {FORMATS}."
                )
            first = pair.conversation + 1
            before += reader.path.stat().st_size
        self.position = before


def read_pairs(
    paths: Iterable[str | Path], skip_bad_lines: bool = False
) -> tuple[list[Pair], Counter]:
    """Reads corpus files into memory.

    Args:
        paths: the files, see `CorpusReader`.
        skip_bad_lines: see `PairReader`.

    Returns:
        The pairs, and how often which kind of bad line was left out.

    Raises:
        ValueError: a bad line, or no pair at all.
    """
    reader = CorpusReader(paths, skip_bad_lines)
    return list(reader), reader.skipped
