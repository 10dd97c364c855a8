"""The .conv format: a line E begins a conversation, a line M holds a turn of it."""

from collections.abc import Iterator

from attention_seq2seq.data.corpus_file import LONGEST_CONVERSATION, CorpusFile, decode
from attention_seq2seq.data.turns import Exchange, exchanges_of, filled, unseparated


def conv_exchanges(file: CorpusFile, separation: str) -> Iterator[Exchange]:
    """The exchanges of a file of conversations.

    Args:
        file: the file.
        separation: what has a / between, see `separation_of`.
    """
    conversation = _Conversation()
    for raw in file.lines():
        try:
            line = decode(raw).strip()
            if line and line != "E" and line[0] != "M":
                raise ValueError("neither E, which begins a conversation, nor M and a turn")
            if line == "E":
                yield from conversation.exchanges(file)
                conversation = _Conversation(file.line)
            elif line:
                turn = line[1:].strip()
                conversation.add(unseparated(turn, "/", separation) if separation else turn)
        except ValueError as error:
            # What surrounds a turn that is left out is no exchange.
            was_readable, conversation.readable = conversation.readable, False
            if was_readable or not conversation.too_long:
                file.bad(str(error))
    yield from conversation.exchanges(file)


class _Conversation:
    """Turns being read, from the line of their E on."""

    def __init__(self, line: int = 1):
        self._line = line
        self._turns: list[str] = []
        self._num_characters = 0
        self.readable = True

    @property
    def too_long(self) -> bool:
        """Whether it is longer than anybody talks: the E that should have ended it are lost."""
        return self._num_characters > LONGEST_CONVERSATION

    def add(self, turn: str) -> None:
        """Adds a turn.

        Raises:
            ValueError: it says nothing, or the conversation has no end.
        """
        self._num_characters += len(turn)
        if self.too_long:
            self._turns.clear()
            raise ValueError(
                f"a conversation of over {LONGEST_CONVERSATION >> 20} million characters; expected "
                "a line E before each"
            )
        self._turns.append(filled(turn, "turn"))

    def exchanges(self, file: CorpusFile) -> list[Exchange]:
        """Its exchanges, none if a line of it could not be read."""
        if not self._turns or not self.readable:
            return []
        try:
            return exchanges_of(self._turns)
        except ValueError as error:
            file.bad(str(error), self._line)
            return []
