"""Docstrings, comments, messages, documents and notebooks follow the rules for prose."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import attention_seq2seq

ROOT = Path(attention_seq2seq.__file__).parents[1]
MAX_SUMMARY_LENGTH = 88
BANNED_PHRASES = re.compile(
    r"""
    \b(?:
        what\ is\ (?:said|found|asked|read|told|known|kept|given|written|measured|left)
      | whoever | (?:is|are|was|were)\ told | (?:goes|going|went)\ on\b(?!ly)
      | of\ (?:one's|its|their)\ own | by\ heart | in\ a\ sentence | as\ it\ (?:stands|is\b)
      | so\ many | see\ there | anew | knobs? | lamp | to\ spare | learnt | licence | none\ better
      | (?<!there\ )is\ no\ (?:word|list|number|pair|model|string|text|terminal|flag|option|command)
      | asked\ for | what\ it\ is\b
    )\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    ROOT / "experiments" / "README.md",
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Phrases that are banned in notebooks only: common words elsewhere.
BANNED_IN_NOTEBOOKS = re.compile(
    r"\b(?:set aside|nats a word|forgotten|what that comes to|of the one in the other)\b",
    re.IGNORECASE,
)


def python_files() -> list[Path]:
    folders = ("attention_seq2seq", "experiments", "tests")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yields the line number and the text of each comment and string line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield from enumerate(token.string.split("\n"), token.start[0])


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield getattr(node, "lineno", 1), docstring


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_code_has_no_banned_phrases(path):
    # These lists are the only places for such phrases.
    if path.name in ("test_prose.py", "test_names.py"):
        return
    source = path.read_text(encoding="utf-8")
    banned = [f"{path}:{n}: {text}" for n, text in texts(source) if BANNED_PHRASES.search(text)]
    assert not banned, "\n".join(banned)
    long = [f"{path}:{n}" for n, text in docstrings(source) if is_summary_too_long(text)]
    assert not long, "\n".join(long)


def is_summary_too_long(docstring: str) -> bool:
    return len(docstring.split("\n\n")[0]) > MAX_SUMMARY_LENGTH * 2 or (
        len(docstring.split("\n")[0]) > MAX_SUMMARY_LENGTH
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_have_no_banned_phrases(path):
    lines = enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
    banned = [f"{path}:{n}: {line}" for n, line in lines if BANNED_PHRASES.search(line)]
    assert not banned, "\n".join(banned)


def notebook_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the cell index and each text line of Markdown cells, comments and strings.

    Fenced code in Markdown is quoted data. Outputs are checked by the tests of the printing code.
    """
    for index, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            lines = [text for _, text in texts(source)]
        else:
            lines = re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE).split("\n")
        yield from ((index, line) for line in lines)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_have_no_banned_phrases(path):
    banned = [
        f"{path}: cell {index}: {text}"
        for index, text in notebook_texts(path)
        if BANNED_PHRASES.search(text) or BANNED_IN_NOTEBOOKS.search(text)
    ]
    assert not banned, "\n".join(banned)


def test_notebook_texts_are_those_of_prose(tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "```\n", "goes on\n", "```\n", "text"]},
        {"cell_type": "code", "source": ['print("label")  # why\n', "goes = on"]},
    ]
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert [text for _, text in notebook_texts(path) if text] == [
        *("# Title", "text"),
        *('"label"', "# why"),
    ]


@pytest.mark.parametrize("text", ["It goes on.", "see there", "so many words", "a lamp"])
def test_banned_phrases_match(text):
    assert BANNED_PHRASES.search(text)
