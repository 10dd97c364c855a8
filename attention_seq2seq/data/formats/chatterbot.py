"""Reads chatterbot YAML: `conversations:` with a list of lists of turns."""

from collections.abc import Iterator

import yaml

from attention_seq2seq.data.corpus_file import CorpusFile, CorpusFormatError
from attention_seq2seq.data.turns import Exchange, to_exchanges

# Maximum size [bytes]. The YAML parser needs many times the memory of the document.
MAX_DOCUMENT_LENGTH = 1 << 24


def read_chatterbot(file: CorpusFile) -> Iterator[Exchange]:
    """Yields the exchanges of a chatterbot document."""
    for node in _conversation_nodes(file):
        file.line_number = node.start_mark.line + 1
        turns = node.value if isinstance(node, yaml.SequenceNode) else None
        if turns is None or not all(isinstance(turn, yaml.ScalarNode) for turn in turns):
            file.report_error("expected a conversation: a list of at least two turns, each a text")
            continue
        empty_turn = next((turn for turn in turns if not turn.value.strip()), None)
        if empty_turn is not None:
            file.line_number = empty_turn.start_mark.line + 1
        try:
            exchanges = to_exchanges([turn.value for turn in turns])
        except ValueError as error:
            file.report_error(str(error))
            continue
        yield from exchanges


def _conversation_nodes(file: CorpusFile) -> list[yaml.Node]:
    document = b"".join(file.chunks(MAX_DOCUMENT_LENGTH + 1))
    if len(document) > MAX_DOCUMENT_LENGTH:
        raise CorpusFormatError(
            file.path,
            1,
            f"YAML of over {MAX_DOCUMENT_LENGTH >> 20} MB, which is read as a whole; convert it to "
            "lines of prompt<TAB>reply",
        )
    try:
        # Nodes instead of values, so that `yes`, `1` and `null` remain texts.
        root = yaml.compose(document.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line_number = document[: error.start].count(b"\n") + 1
        raise CorpusFormatError(
            file.path, line_number, "not UTF-8; convert the file to UTF-8"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line_number = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable"
        raise CorpusFormatError(file.path, line_number, f"invalid YAML; {problem}") from None
    conversations = _mapping_value(root, "conversations")
    if not isinstance(conversations, yaml.SequenceNode):
        line_number = (conversations or root).start_mark.line + 1
        raise CorpusFormatError(
            file.path, line_number, "expected 'conversations:' with a list of lists"
        )
    return conversations.value


def _mapping_value(node: yaml.Node, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    return None
