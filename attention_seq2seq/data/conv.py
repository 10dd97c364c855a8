"""The .conv format: a line E begins a conversation, a line M holds a turn of it."""

from collections.abc import Iterator

from attention_seq2seq.data.corpus_file import CorpusFile, decode
from attention_seq2seq.data.turns import Exchange, exchanges_of, unseparated


def conv_exchanges(file: CorpusFile, separated: bool) -> Iterator[Exchange]:
    """The exchanges of a file of conversations.

    Args:
        file: the file.
        separated: whether its characters have a / between them.
    """
    turns, readable = [], True
    for raw in file.lines():
        try:
            line = decode(raw).strip()
            if line and line != "E" and line[0] != "M":
                raise ValueError("neither E, which begins a conversation, nor M and a turn")
        except ValueError as error:
            # What surrounds a turn that is left out is no exchange.
            line, readable = "", False
            file.bad(str(error))
        if line == "E":
            yield from _exchanges(file, turns, readable)
            turns, readable = [], True
        elif line:
            turn = line[1:].strip()
            turns.append(unseparated(turn, "/") if separated else turn)
    yield from _exchanges(file, turns, readable)


def is_separated(head: str) -> bool:
    """Whether the beginning of a file shows a / after most characters of its turns."""
    turns = "".join(line[1:].strip() for line in head.splitlines() if line.startswith("M"))
    return 3 * turns.count("/") >= len(turns) > 0


def _exchanges(file: CorpusFile, turns: list[str], readable: bool) -> list[Exchange]:
    if not turns or not readable:
        return []
    try:
        return exchanges_of(turns)
    except ValueError as error:
        file.bad(str(error))
        return []
