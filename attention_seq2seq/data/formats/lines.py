"""Corpora of lines that hold one pair, or one conversation, each: TSV and JSONL."""

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

from attention_seq2seq.data.corpus_file import CorpusFile, decode
from attention_seq2seq.data.turns import Exchange, exchanges_of, filled, listed_turns


def line_exchanges(file: CorpusFile, parse: Callable[[str], list[Exchange]]) -> Iterator[Exchange]:
    """The exchanges of all lines.

    Args:
        file: the file.
        parse: what makes exchanges of a line; `parse_tsv` or `parse_json`.
    """
    last_reply = None
    for raw in file.lines():
        try:
            line = decode(raw)
            exchanges = parse(line) if line.strip() else []
        except ValueError as error:
            file.bad(str(error))
            exchanges = []
        # A blank line ends a conversation, and so does one that is left out.
        last_reply = last_reply if exchanges else None
        for exchange in exchanges:
            continues = exchange.continues or exchange.prompt == last_reply
            last_reply = exchange.reply
            yield exchange._replace(continues=continues)


def parse_tsv(line: str) -> list[Exchange]:
    """A line of prompt<TAB>reply.

    Raises:
        ValueError: it is none.
    """
    columns = line.split("\t")
    if len(columns) == 1:
        raise ValueError("no tab; expected prompt<TAB>reply")
    if len(columns) > 2:
        raise ValueError(f"more than one tab; expected prompt<TAB>reply, got {len(columns)} parts")
    return [Exchange(filled(columns[0], "prompt"), filled(columns[1], "reply"), False)]


def parse_json(line: str, separation: str = "") -> list[Exchange]:
    """A line that is a pair or a conversation in JSON.

    Args:
        line: the line.
        separation: what has a blank between in lists of turns, see `separation_of`.

    Raises:
        ValueError: it is none.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"broken JSON; {error}") from None
    if isinstance(record, list):
        return exchanges_of(listed_turns(record, separation))
    if isinstance(record, dict) and "messages" in record:
        return _parse_messages(record["messages"])
    if not isinstance(record, dict) or not {"prompt", "reply"} <= record.keys():
        raise ValueError("no 'prompt' and 'reply', nor 'messages'; expected a JSON object of them")
    return [Exchange(filled(record["prompt"], "prompt"), filled(record["reply"], "reply"), False)]


def _parse_messages(messages) -> list[Exchange]:
    if not isinstance(messages, list) or not all(
        isinstance(message, dict) and {"role", "content"} <= message.keys() for message in messages
    ):
        raise ValueError("bad 'messages'; expected a list of objects with 'role' and 'content'")
    pairs = [
        (filled(prompt["content"], "prompt"), filled(reply["content"], "reply"))
        for prompt, reply in pairwise(messages)
        if prompt["role"] == "user" and reply["role"] == "assistant"
    ]
    if not pairs:
        raise ValueError("no exchange; expected a 'user' message followed by an 'assistant' one")
    return [Exchange(*pair, number > 0) for number, pair in enumerate(pairs)]
