"""Reads a JSON document with an array or object of conversations as a stream."""

from collections.abc import Iterator

import ijson
from ijson.common import ObjectBuilder

from attention_seq2seq.data.corpus_file import (
    MAX_CONVERSATION_LENGTH,
    CorpusFile,
    CorpusFormatError,
)
from attention_seq2seq.data.turns import Exchange, remove_blank_separators, to_exchanges

_CHUNK_SIZE = 1 << 16


class _ChunkStream:
    """Input stream of the JSON parser that counts lines for error messages.

    Attributes:
        num_bytes: number of bytes read of the current conversation.
    """

    def __init__(self, file: CorpusFile):
        self._chunks = file.chunks(_CHUNK_SIZE)
        self.num_bytes = 0

    def read(self, size: int) -> bytes:
        """Returns the next chunk; an empty chunk if `size` is 0."""
        chunk = next(self._chunks, b"") if size else b""
        self.num_bytes += len(chunk)
        if self.num_bytes > MAX_CONVERSATION_LENGTH:
            raise ijson.JSONError(
                f"conversation of over {MAX_CONVERSATION_LENGTH >> 20} MB; expected a shorter one"
            )
        return chunk


def read_json_document(file: CorpusFile, separation: str) -> Iterator[Exchange]:
    """Yields the exchanges of a document of LCCC, KdConv or CrossWOZ.

    The rest of a document is skipped after a syntax error.

    Args:
        file: the file.
        separation: "characters", "words" or "", as returned by `detect_separation`.
    """
    stream = _ChunkStream(file)
    try:
        for conversation in _conversations(ijson.basic_parse(stream, buf_size=_CHUNK_SIZE)):
            stream.num_bytes = 0
            try:
                exchanges = to_exchanges(_turns(conversation, separation))
            except ValueError as error:
                file.report_error(str(error))
                continue
            yield from exchanges
    except CorpusFormatError:
        raise
    except (ijson.JSONError, ValueError, SystemError) as error:
        # ijson raises SystemError for numbers with thousands of digits.
        file.report_error(f"invalid JSON, rest of the file skipped; {_summarize(error)}")


def _summarize(error: Exception) -> str:
    """Returns the first line of a parser error, whose message may be bytes."""
    message = error.args[0] if error.args else ""
    message = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    if "invalid bytes in UTF8" in message:
        return "not UTF-8; convert the file to UTF-8"
    return message.partition("\n")[0].strip() or "not readable"


def _conversations(events) -> Iterator:
    """Yields the elements of the document's array or object, or of the arrays in its object."""
    root_event, _ = next(events)
    for event, value in events:
        if event == "start_array" and root_event == "start_map":
            for inner_event, value in events:
                if inner_event == "end_array":
                    break
                yield _build_value(inner_event, value, events)
        elif event not in ("map_key", "end_map", "end_array"):
            yield _build_value(event, value, events)


def _build_value(event: str, value, events):
    """Builds the JSON value that starts at an event, and consumes its events."""
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
        return remove_blank_separators(conversation, separation)
    messages = conversation.get("messages") if isinstance(conversation, dict) else None
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise ValueError(
            "not a conversation; expected a list of turns or an object with 'messages'"
        )
    return [
        message.get("message", message.get("content"))
        for message in messages
        # A system prompt is not part of the conversation.
        if message.get("role") != "system"
    ]
