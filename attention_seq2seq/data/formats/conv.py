"""Reads .conv files: a line `E` starts a conversation, and each line `M` has a turn."""

from collections.abc import Iterator

from attention_seq2seq.data.corpus_file import MAX_CONVERSATION_LENGTH, CorpusFile, decode_line
from attention_seq2seq.data.turns import Exchange, remove_separators, require_text, to_exchanges


def read_conv(file: CorpusFile, separation: str) -> Iterator[Exchange]:
    """Yields the exchanges of a .conv file.

    Args:
        file: the file.
        separation: "characters", "words" or "", as returned by `detect_separation`.
    """
    conversation = _Conversation()
    for raw_line in file.lines():
        try:
            line = decode_line(raw_line).strip()
            if line and line != "E" and line[0] != "M":
                raise ValueError(
                    "unknown line type; expected 'E' (start of a conversation) or 'M' and a turn"
                )
            if line == "E":
                yield from conversation.exchanges(file)
                conversation = _Conversation(file.line_number)
            elif line:
                turn = line[1:].strip()
                conversation.add(remove_separators(turn, "/", separation) if separation else turn)
        except ValueError as error:
            # Turns before and after a skipped turn do not form an exchange.
            was_readable, conversation.is_readable = conversation.is_readable, False
            if was_readable or not conversation.is_too_long:
                file.report_error(str(error))
    yield from conversation.exchanges(file)


class _Conversation:
    """Turns of a conversation that is being read.

    Args:
        first_line: number of the `E` line of the conversation.
    """

    def __init__(self, first_line: int = 1):
        self._first_line = first_line
        self._turns: list[str] = []
        self._num_characters = 0
        self.is_readable = True

    @property
    def is_too_long(self) -> bool:
        """Whether the conversation is so long that the file must lack `E` lines."""
        return self._num_characters > MAX_CONVERSATION_LENGTH

    def add(self, turn: str) -> None:
        """Adds a turn.

        Raises:
            ValueError: the turn is empty, or the conversation is too long.
        """
        self._num_characters += len(turn)
        if self.is_too_long:
            self._turns.clear()
            raise ValueError(
                f"conversation of over {MAX_CONVERSATION_LENGTH >> 20} million characters; "
                "expected an 'E' line before each conversation"
            )
        self._turns.append(require_text(turn, "turn"))

    def exchanges(self, file: CorpusFile) -> list[Exchange]:
        """Returns the exchanges; an empty list if a line of the conversation is unreadable."""
        if not self._turns or not self.is_readable:
            return []
        try:
            return to_exchanges(self._turns)
        except ValueError as error:
            file.report_error(str(error), self._first_line)
            return []
