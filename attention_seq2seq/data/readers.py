"""Corpus files to pairs, one reader a format; the format is told by the content.

| format  | looks like                                                                  |
|---------|-----------------------------------------------------------------------------|
| TSV     | `prompt<TAB>reply`; a prompt equal to the reply before it continues the      |
|         | conversation, a blank line ends it                                           |
| JSONL   | `{"prompt": ..., "reply": ...}`, or `{"messages": [{"role": "user",          |
|         | "content": ...}, {"role": "assistant", "content": ...}, ...]}`              |
| YAML    | chatterbot's `conversations:`, a list of lists of turns                      |
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import yaml

from attention_seq2seq.data.pairs import Pair, in_conversations

Exchange = tuple[str, str]


class BadLine(ValueError):
    """A place in a corpus file that cannot be read: file, line, what was got and expected."""

    def __init__(self, path: Path, line: int, reason: str):
        super().__init__(f"{path}, line {line}: {reason}")
        self.reason = reason


class PairReader:
    """The pairs of one corpus file; iterate over it.

    Line formats are streamed: a file of any size needs the memory of one line.

    Args:
        path: the file; UTF-8.
        skip_bad_lines: leave out what cannot be read, and count it in `skipped`.

    Attributes:
        skipped: reason to count, filled while iterating.

    Raises:
        FileNotFoundError: at construction, when there is no such file.
        BadLine: while iterating, with file, line and what was expected.
    """

    def __init__(self, path: str | Path, skip_bad_lines: bool = False):
        self.path = Path(path)
        self.skip_bad_lines = skip_bad_lines
        self.skipped: Counter[str] = Counter()
        if not self.path.is_file():
            raise FileNotFoundError(
                f"{path}: no such corpus file. Give a file of TSV pairs, JSONL or chatterbot YAML."
            )

    def __iter__(self) -> Iterator[Pair]:
        self.skipped.clear()
        detected = self._detect()
        if detected is None:
            return
        if detected == "yaml":
            yield from self._pairs_of_conversations()
            return
        parse = {"tsv": _parse_tsv, "jsonl": _parse_json}[detected]
        yield from in_conversations(self._exchanges_of_lines(parse))

    def _detect(self) -> str | None:
        """Tells the format by the first lines; None for an empty file."""
        first_line = None
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
                if line.startswith((b"conversations:", b"categories:")) and b"\t" not in line:
                    return "yaml"
                if not line.strip() or line.startswith((b"#", b"---", b"%YAML")):
                    continue
                if first_line is None:
                    first_line = (number, line)
                if number > 20 or b"\t" in line or line.lstrip().startswith(b"{"):
                    break
        if first_line is None:
            return None
        number, line = first_line
        if line.lstrip().startswith(b"{") and b"\t" not in line:
            return "jsonl"
        if line.lstrip().startswith(b"{") and _is_json(line):
            return "jsonl"
        # Whatever else it is, a TSV error names the line and what was expected.
        return "tsv"

    def _exchanges_of_lines(self, parse) -> Iterator[Exchange | None]:
        """The exchanges of all lines; None where a conversation is broken off."""
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    line = _decode(raw)
                    exchanges = parse(line) if line.strip() else [None]
                except ValueError as error:
                    self._bad(number, str(error))
                    exchanges = [None]
                yield from exchanges

    def _pairs_of_conversations(self) -> Iterator[Pair]:
        number = 0
        for turns in self._yaml_conversations():
            exchanges = 0
            for prompt, reply in pairwise(turns):
                empty = next((turn for turn in (prompt, reply) if not turn.value.strip()), None)
                if empty is not None:
                    self._bad(empty.start_mark.line + 1, "an empty turn; expected text")
                    continue
                exchanges += 1
                yield Pair(prompt.value, reply.value, number)
            number += exchanges > 0

    def _yaml_conversations(self) -> Iterator[list[yaml.ScalarNode]]:
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
            # Nodes instead of values: `yes`, `1` and `null` stay the text they are.
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except UnicodeDecodeError as error:
            line = self.path.read_bytes()[: error.start].count(b"\n") + 1
            raise BadLine(self.path, line, "not UTF-8. Convert the file to UTF-8") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            problem = getattr(error, "problem", None) or "not readable"
            raise BadLine(self.path, line, f"broken YAML: {problem}") from None
        conversations = _value_of(root, "conversations")
        if not isinstance(conversations, yaml.SequenceNode):
            line = (conversations or root).start_mark.line + 1
            raise BadLine(self.path, line, "expected 'conversations:' with a list of lists")
        for node in conversations.value:
            turns = node.value if isinstance(node, yaml.SequenceNode) else None
            if turns is None or not all(isinstance(turn, yaml.ScalarNode) for turn in turns):
                reason = "expected a conversation: a list of at least two turns, each a text"
                self._bad(node.start_mark.line + 1, reason)
            elif len(turns) < 2:
                self._bad(node.start_mark.line + 1, "a conversation of one turn; expected two")
            else:
                yield turns

    def _bad(self, line: int, reason: str) -> None:
        if not self.skip_bad_lines:
            raise BadLine(
                self.path, line, f"{reason}. Mend the line, or leave it out with skip_bad_lines"
            )
        self.skipped[reason.split(";")[0]] += 1


def read_pairs(
    paths: Iterable[str | Path], skip_bad_lines: bool = False
) -> tuple[list[Pair], Counter]:
    """Reads corpus files into memory.

    Args:
        paths: the files; their conversations are numbered on from one file to the next.
        skip_bad_lines: see `PairReader`.

    Returns:
        The pairs, and how often which kind of bad line was left out.

    Raises:
        ValueError: a bad line, or no pair at all.
    """
    pairs, skipped = [], Counter()
    for path in paths:
        reader = PairReader(path, skip_bad_lines)
        first = pairs[-1].conversation + 1 if pairs else 0
        before = len(pairs)
        pairs.extend(pair._replace(conversation=first + pair.conversation) for pair in reader)
        skipped += reader.skipped
        if len(pairs) == before:
            raise ValueError(
                f"{path}: no pair in it ({reader.skipped.total()} bad lines left out). Expected "
                "lines of prompt<TAB>reply, JSONL with 'prompt' and 'reply', or chatterbot YAML."
            )
    return pairs, skipped


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not UTF-8; byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        ) from None


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _parse_tsv(line: str) -> list[Exchange]:
    columns = line.split("\t")
    if len(columns) == 1:
        raise ValueError("no tab; expected prompt<TAB>reply")
    if len(columns) > 2:
        raise ValueError(f"more than one tab; expected prompt<TAB>reply, got {len(columns)} parts")
    return [_filled(*columns)]


def _parse_json(line: str) -> list[Exchange]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"broken JSON; {error}") from None
    if isinstance(record, dict) and "messages" in record:
        return _parse_messages(record["messages"])
    if not isinstance(record, dict) or not {"prompt", "reply"} <= record.keys():
        raise ValueError("no 'prompt' and 'reply', nor 'messages'; expected a JSON object of them")
    return [_filled(record["prompt"], record["reply"])]


def _parse_messages(messages) -> list[Exchange]:
    if not isinstance(messages, list) or not all(
        isinstance(message, dict) and {"role", "content"} <= message.keys() for message in messages
    ):
        raise ValueError("bad 'messages'; expected a list of objects with 'role' and 'content'")
    exchanges = [
        _filled(prompt["content"], reply["content"])
        for prompt, reply in pairwise(messages)
        if prompt["role"] == "user" and reply["role"] == "assistant"
    ]
    if not exchanges:
        raise ValueError("no exchange; expected a 'user' message followed by an 'assistant' one")
    return exchanges


def _filled(prompt, reply) -> Exchange:
    for side, text in (("prompt", prompt), ("reply", reply)):
        if not isinstance(text, str):
            raise ValueError(f"a {side} that is no text; got {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"an empty {side}; expected text on both sides")
    return prompt, reply


def _value_of(node, key: str):
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    return None
