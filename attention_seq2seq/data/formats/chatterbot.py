"""Chatterbot's YAML: `conversations:`, a list of lists of turns."""

from collections.abc import Iterator

import yaml

from attention_seq2seq.data.corpus_file import BadLine, CorpusFile
from attention_seq2seq.data.turns import Exchange, exchanges_of

# The parser holds the whole document, many times its size.
LARGEST_DOCUMENT = 1 << 24


def yaml_exchanges(file: CorpusFile) -> Iterator[Exchange]:
    """The exchanges of a document."""
    for node in _conversations(file):
        file.line = node.start_mark.line + 1
        turns = node.value if isinstance(node, yaml.SequenceNode) else None
        if turns is None or not all(isinstance(turn, yaml.ScalarNode) for turn in turns):
            file.bad("expected a conversation: a list of at least two turns, each a text")
            continue
        empty = next((turn for turn in turns if not turn.value.strip()), None)
        if empty is not None:
            file.line = empty.start_mark.line + 1
        try:
            exchanges = exchanges_of([turn.value for turn in turns])
        except ValueError as error:
            file.bad(str(error))
            continue
        yield from exchanges


def _conversations(file: CorpusFile) -> list[yaml.Node]:
    document = b"".join(file.pieces(LARGEST_DOCUMENT + 1))
    if len(document) > LARGEST_DOCUMENT:
        raise BadLine(
            file.path,
            1,
            f"YAML of over {LARGEST_DOCUMENT >> 20} MB, which is read as a whole; convert it to "
            "lines of prompt<TAB>reply",
        )
    try:
        # Nodes instead of values: `yes`, `1` and `null` stay the text they are.
        root = yaml.compose(document.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = document[: error.start].count(b"\n") + 1
        raise BadLine(file.path, line, "not UTF-8. Convert the file to UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable"
        raise BadLine(file.path, line, f"broken YAML: {problem}") from None
    conversations = _value_of(root, "conversations")
    if not isinstance(conversations, yaml.SequenceNode):
        line = (conversations or root).start_mark.line + 1
        raise BadLine(file.path, line, "expected 'conversations:' with a list of lists")
    return conversations.value


def _value_of(node: yaml.Node, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    return None
