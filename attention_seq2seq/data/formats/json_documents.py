"""Corpora that are one JSON document: conversations in an array or an object, read as a stream."""

from collections.abc import Iterator

import ijson
from ijson.common import ObjectBuilder

from attention_seq2seq.data.corpus_file import LONGEST_CONVERSATION, BadLine, CorpusFile
from attention_seq2seq.data.turns import Exchange, exchanges_of, listed_turns

_PIECE = 1 << 16


class _Pieces:
    """What the JSON parser reads from: a line at a time, so that the file knows where it is."""

    def __init__(self, file: CorpusFile):
        self._pieces = file.pieces(_PIECE)
        self.num_bytes = 0

    def read(self, size: int) -> bytes:
        """The next piece; the parser asks with 0 for an empty one."""
        piece = next(self._pieces, b"") if size else b""
        self.num_bytes += len(piece)
        if self.num_bytes > LONGEST_CONVERSATION:
            raise ijson.JSONError(f"a conversation of over {LONGEST_CONVERSATION >> 20} MB")
        return piece


def document_exchanges(file: CorpusFile, separation: str) -> Iterator[Exchange]:
    """The exchanges of LCCC, KdConv and CrossWOZ, see `readers`.

    Where the document is broken there is no telling what follows: the rest is left out.

    Args:
        file: the file.
        separation: what has a blank between in lists of turns, see `separation_of`.
    """
    pieces = _Pieces(file)
    try:
        for conversation in _conversations(ijson.basic_parse(pieces, buf_size=_PIECE)):
            pieces.num_bytes = 0
            try:
                exchanges = exchanges_of(_turns(conversation, separation))
            except ValueError as error:
                file.bad(str(error))
                continue
            yield from exchanges
    except BadLine:
        raise
    except (ijson.JSONError, ValueError, SystemError) as error:
        # The parser fails so at a number of thousands of digits.
        file.bad(f"broken JSON from here on; {_problem(error)}")


def _problem(error: Exception) -> str:
    """The first line of what the parser says, which says it in bytes."""
    said = error.args[0] if error.args else ""
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "invalid bytes in UTF8" in said:
        return "not UTF-8, convert the file to UTF-8"
    return said.partition("\n")[0].strip() or "not readable"


def _conversations(events) -> Iterator:
    """What stands in the document's array or object, or in the arrays of its object."""
    outermost, _ = next(events)
    for event, value in events:
        if event == "start_array" and outermost == "start_map":
            for inner, value in events:
                if inner == "end_array":
                    break
                yield _built(inner, value, events)
        elif event not in ("map_key", "end_map", "end_array"):
            yield _built(event, value, events)


def _built(event: str, value, events):
    """The value that begins with an event."""
    builder, depth = ObjectBuilder(), 0
    while True:
        builder.event(event, value)
        depth += event.startswith("start_")
        depth -= event.startswith("end_")
        if not depth:
            return builder.value
        event, value = next(events)


def _turns(conversation, separation: str) -> list[str]:
    if isinstance(conversation, list):
        return listed_turns(conversation, separation)
    messages = conversation.get("messages") if isinstance(conversation, dict) else None
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise ValueError("no conversation; expected a list of turns, or an object with 'messages'")
    return [
        message.get("message", message.get("content"))
        for message in messages
        # What a system is told to be is no turn.
        if message.get("role") != "system"
    ]
