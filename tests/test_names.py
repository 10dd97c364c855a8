"""No module, class, function, argument or field has a banned word in its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import attention_seq2seq

PACKAGE = Path(attention_seq2seq.__file__).parent

# Participles in place of nouns, metaphors, and vague words.
BANNED_WORDS = {
    *("found", "said", "asked", "told", "known", "kept", "heard", "meant", "drawn", "given"),
    *("knob", "knobs", "alarm", "alarms", "door", "doors", "room", "rooms", "house", "lamp"),
    *("emptied", "rung", "ring", "mine", "ours", "theirs", "whoever", "anew", "together"),
    *("place", "places", "nothing", "somebody", "nobody"),
}
# Words that are allowed as a part of a name, but are too vague alone.
BANNED_NAMES = {"one", "others", "number", "share", "taken", "made"}


def split_words(name: str) -> set[str]:
    return {w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def defined_names(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def banned_names(names: Iterator[str]) -> list[str]:
    return sorted(
        {n for n in names if split_words(n) & BANNED_WORDS or n.strip("_") in BANNED_NAMES}
    )


@pytest.mark.parametrize("folder", ["attention_seq2seq", "experiments", "tests/helpers"])
def test_no_name_has_a_banned_word(folder):
    paths = sorted((PACKAGE.parent / folder).rglob("*.py"))
    assert paths
    banned = {
        str(path.relative_to(PACKAGE.parent)): names
        for path in paths
        if (names := banned_names([path.stem, *defined_names(path.read_text(encoding="utf-8"))]))
    }
    assert not banned


def test_banned_words_are_recognized():
    source = "class FoundThing:\n    was_said: int\n    def f(self, others): self.knobs = 1"
    assert banned_names(defined_names(source)) == ["FoundThing", "knobs", "others", "was_said"]
