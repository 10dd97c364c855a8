"""The rooms: who may import whom, who may import TensorFlow, what is public."""

import ast
import inspect
import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import pytest

import attention_seq2seq

PACKAGE = Path(attention_seq2seq.__file__).parent

ALLOWED = {
    "options": set(),
    "files": set(),
    "training_config": {"options"},
    "config": {"options", "training_config", "files"},
    "decoding_config": {"options"},
    "card": {"config"},
    "data": set(),
    "decoding": set(),
    "metrics": set(),
    "tables": set(),
    "pictures": {"files"},
    "text": {"config", "tracing", "files"},
    "model": {"config", "files"},
    "preparation_config": {"options"},
    "preparation": {"config", "preparation_config", "data", "text", "files"},
    "training": {
        *("config", "training_config", "data", "text", "preparation", "model", "metrics"),
        *("files", "pictures", "card", "decoding", "tracing"),
    },
    "knobs": {"decoding_config"},
    "tracing": set(),
    "search": {"tracing", "knobs", "model", "decoding"},
    "contributions": {"search"},
    "reply": {"text"},
    "chat": {
        *("config", "decoding_config", "text", "model", "decoding", "knobs", "search"),
        *("contributions", "reply"),
    },
    "export": {
        *("options", "decoding_config", "text", "model", "decoding", "tracing", "knobs"),
        *("search", "contributions", "chat", "card", "files"),
    },
    "resampling": set(),
    "counting": {"decoding_config", "text", "chat", "metrics", "resampling"},
    "comparisons": {"resampling", "counting"},
    "evaluation": {
        *("decoding_config", "data", "chat", "metrics", "resampling", "counting"),
        "comparisons",
    },
}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.append(node.module)
    return names


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_the_table_allows(path):
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("attention_seq2seq.")}
    assert ours <= ALLOWED[room(path)] | {room(path)}
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"experiments", "notebooks", "tests"}


def test_every_room_stands_in_the_table():
    assert {room(path) for path in modules()} == set(ALLOWED)


def test_one_module_imports_tensorflow_addons():
    importers = [p for p in modules() if any("tensorflow_addons" in n for n in imported(p))]
    assert [path.relative_to(PACKAGE).as_posix() for path in importers] == ["model/attention.py"]


@pytest.mark.parametrize(
    "name",
    [
        "data.corpora",
        "config",
        "text.codec",
        "metrics",
        "tables",
        "pictures",
        "preparation.prepare",
    ],
)
def test_strings_need_no_tensorflow(name):
    code = f"import sys, attention_seq2seq.{name}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_importing_leaves_tensorflow_to_be_set_up():
    """How many threads it has can be said only before it makes its first tensor."""
    names = ", ".join(f"attention_seq2seq.{name}" for name in ("export.saved_model", "export.lite"))
    code = f"""
import tensorflow as tf, attention_seq2seq.training.trainer, {names}
tf.config.threading.set_intra_op_parallelism_threads(1)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_public_names_exist_and_are_few():
    assert len(attention_seq2seq.__all__) <= 20
    for name in attention_seq2seq.__all__:
        assert getattr(attention_seq2seq, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Chta'"):
        attention_seq2seq.Chta  # noqa: B018


def test_pydoc_reads_as_a_reference():
    text = pydoc.plain(pydoc.render_doc(attention_seq2seq))
    for name in attention_seq2seq.__all__:
        assert re.search(rf"^    (?:class )?{name}\(", text, re.MULTILINE), name
        public = getattr(attention_seq2seq, name)
        if inspect.isfunction(public) and inspect.signature(public).parameters:
            assert "Args:" in public.__doc__, name


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there is one process")
@pytest.mark.xdist_group("together")
def test_the_tests_of_a_group_run_in_one_process(request):
    """Else each process makes what they share, and what is timed is not alone."""
    assert request.node.nodeid.endswith("@together")


def test_modules_are_small():
    long = {p.name: n for p in modules() if (n := len(p.read_text().splitlines())) > 300}
    assert not long
