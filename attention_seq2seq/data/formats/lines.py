"""Reads TSV and JSONL, which have a pair or a conversation per line."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

from attention_seq2seq.data.corpus_file import CorpusFile, decode_line
from attention_seq2seq.data.turns import (
    Exchange,
    remove_blank_separators,
    require_text,
    to_exchanges,
)


def read_lines(file: CorpusFile, parse: Callable[[str], list[Exchange]]) -> Iterator[Exchange]:
    """Yields the exchanges of all lines.

    Args:
        file: the file.
        parse: converts a line to exchanges; `parse_tsv` or `parse_jsonl`.
    """
    last_reply = None
    for raw_line in file.lines():
        try:
            line = decode_line(raw_line)
            exchanges = parse(line) if line.strip() else []
        except ValueError as error:
            file.report_error(str(error))
            exchanges = []
        # Blank lines and skipped lines end a conversation.
        last_reply = last_reply if exchanges else None
        for exchange in exchanges:
            is_continuation = exchange.is_continuation or exchange.prompt == last_reply
            last_reply = exchange.reply
            yield exchange._replace(is_continuation=is_continuation)


def parse_tsv(line: str) -> list[Exchange]:
    """Parses a line of prompt<TAB>reply.

    Raises:
        ValueError: the line has another format.
    """
    columns = line.split("\t")
    if len(columns) == 1:
        raise ValueError("no tab; expected prompt<TAB>reply")
    if len(columns) > 2:
        raise ValueError(
            f"more than one tab; expected prompt<TAB>reply, got {len(columns)} columns"
        )
    return [Exchange(require_text(columns[0], "prompt"), require_text(columns[1], "reply"), False)]


def parse_jsonl(line: str, separation: str = "") -> list[Exchange]:
    """Parses a line with a pair or a conversation in JSON.

    Args:
        line: the line.
        separation: "characters", "words" or "", as returned by `detect_separation`.

    Raises:
        ValueError: the line has another format.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"invalid JSON; {error}") from None
    if isinstance(record, list):
        return to_exchanges(remove_blank_separators(record, separation))
    if isinstance(record, dict) and "messages" in record:
        return _parse_messages(record["messages"])
    if not isinstance(record, dict) or not {"prompt", "reply"} <= record.keys():
        raise ValueError(
            "missing keys; expected an object with 'prompt' and 'reply', or with 'messages'"
        )
    prompt, reply = (require_text(record[side], side) for side in ("prompt", "reply"))
    return [Exchange(prompt, reply, False)]


def _parse_messages(messages) -> list[Exchange]:
    if not isinstance(messages, list) or not all(
        isinstance(message, dict) and {"role", "content"} <= message.keys() for message in messages
    ):
        raise ValueError("invalid 'messages'; expected a list of objects with 'role' and 'content'")
    pairs = [
        (require_text(prompt["content"], "prompt"), require_text(reply["content"], "reply"))
        for prompt, reply in pairwise(messages)
        if prompt["role"] == "user" and reply["role"] == "assistant"
    ]
    if not pairs:
        raise ValueError(
            "no user message with a reply; expected a 'user' message followed by an 'assistant' "
            "message"
        )
    return [Exchange(*pair, index > 0) for index, pair in enumerate(pairs)]
