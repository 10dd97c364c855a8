"""Names in the package, the experiments and the tests have no banned words.

Names are those of directories, modules, classes, functions, arguments, variables, constants, enum
members, fields, attributes and flags, and string keys, such as the inputs and outputs of exported
signatures.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import attention_seq2seq

ROOT = Path(attention_seq2seq.__file__).parents[1]

# Whole words of a name, in lower case.
BANNED_WORDS = {
    # Participles in place of nouns.
    *("found", "said", "asked", "told", "known", "heard", "meant", "emptied", "rung", "learnt"),
    # Vague words.
    *("anew", "together", "apart", "place", "places", "nothing", "somebody", "nobody", "whoever"),
    *("mine", "ours", "theirs", "here", "below", "later", "mostly", "commonest", "alone"),
    *("stands", "spare", "oneself"),
    # Metaphors.
    *("knob", "knobs", "alarm", "alarms", "door", "doors", "room", "rooms", "house", "lamp"),
    *("heart", "ring", "dullness", "world", "worlds", "oracle", "oracles", "peer", "peers"),
    # British spelling.
    *("licence", "licences", "penalised", "normalise", "tokenise", "behaviour", "colour"),
}
# Banned except in names of tests, which are sentences.
BANNED_WORDS_OF_NOUNS = {
    *("kept", "drawn", "given", "taken", "followed", "compared", "reached"),
    *("other", "others", "own", "before", "earlier", "there"),
}
# Words that are allowed as a part of a name, but are too vague alone.
BANNED_NAMES = {
    *("one", "two", "number", "share", "made", "usual", "always", "possible", "follows", "draw"),
    *("fewer", "more", "extremes", "identity"),
}
# Names of TensorFlow Addons.
EXTERNAL_NAMES = {"tracks_own_finished"}
# Functions that define the flag named by their first argument.
FLAG_FUNCTIONS = re.compile(r"DEFINE_\w+|define_paths?")


def split_words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def defined_names(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    # Python's data model names the arguments of `__eq__(self, other)`.
    exempt = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "__eq__"
        for argument in node.args.args
    }
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) if node not in exempt:
                yield name
            # Variables, constants, enum members, fields and attributes.
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Dict(keys=keys):
                yield from constant_names(keys)
            case ast.Subscript(slice=key, ctx=ast.Store()):
                yield from constant_names([key])
            case ast.Call(func=function, args=arguments):
                function_name = ast.unparse(function).rpartition(".")[2]
                if FLAG_FUNCTIONS.fullmatch(function_name):
                    yield from constant_names(arguments[:1])
                elif function_name == "TensorSpec":
                    yield from constant_names(arguments[2:])


def constant_names(nodes: Iterable[ast.expr | None]) -> Iterator[str]:
    """Yields the string constants that are identifiers."""
    for node in nodes:
        if isinstance(node, ast.Constant) and str(node.value).isidentifier():
            yield node.value


def is_banned(name: str) -> bool:
    words = split_words(name)
    return (
        bool(words & BANNED_WORDS)
        or (not name.startswith("test_") and bool(words & BANNED_WORDS_OF_NOUNS))
        or name.strip("_").lower() in BANNED_NAMES
    )


def banned_names(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if is_banned(name)} - EXTERNAL_NAMES)


@pytest.mark.parametrize("folder", ["attention_seq2seq", "experiments", "tests"])
def test_no_name_has_a_banned_word(folder):
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    banned = {}
    for path in paths:
        module = path.relative_to(ROOT).with_suffix("")
        names = banned_names([*module.parts, *defined_names(path.read_text(encoding="utf-8"))])
        if names:
            banned[str(module)] = names
    assert not banned


def test_names_of_all_kinds_are_checked():
    source = """
import numpy as knob
class FoundThing(Enum):
    was_said: int
    MINE = 1
    def f(self, others, asked=1):
        self.knobs = told = 1
        outputs["lamp"] = {"here": 1, "a lamp": 2, **told}
flags.DEFINE_bool("alarm", True, "the alarm")
define_path("door", None, "")
SPEC = tf.TensorSpec([None], tf.string, "ring")
def __eq__(self, other): pass
def test_others_are_kept(): pass
"""
    assert banned_names(defined_names(source)) == [
        *("FoundThing", "MINE", "alarm", "asked", "door", "here", "knob", "knobs", "lamp"),
        *("others", "ring", "told", "was_said"),
    ]


def test_inputs_and_outputs_of_signatures_are_checked():
    folder = ROOT / "attention_seq2seq" / "serving" / "saved_model"
    names = {
        name
        for path in folder.glob("*.py")
        for name in defined_names(path.read_text(encoding="utf-8"))
    }
    assert {
        *("prompt", "reply", "ids", "score", "finished", "reply_tokens", "token_log_probs"),
        *("num_replies", "prompt_tokens", "prompt_truncated_tokens", "attention_weights"),
        *("contributions", "perplexity", "log_probs", "tokens"),
    } <= names
