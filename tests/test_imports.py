"""Import rules between packages, imports of TensorFlow, and the public API."""

import ast
import inspect
import os
import pydoc
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import attention_seq2seq

PACKAGE = Path(attention_seq2seq.__file__).parent

# Packages of this project that a package may import.
ALLOWED = {
    "utils": set(),
    "config": {"utils"},
    "text": {"config", "utils"},
    "data": {"config", "utils"},
    "data/preprocessing": {"config", "utils", "text"},
    "seq2seq": set(),
    "models": {"config", "utils", "seq2seq"},
    "decoding": {"config", "utils"},
    "decoding/text_params": {"text"},
    "reply": {"text"},
    "chat": {"config", "text", "models", "decoding", "utils", "reply"},
    "evaluation": {"chat", "data", "text", "config", "utils"},
    "training": {"data", "text", "models", "decoding", "evaluation", "config", "utils"},
    "training/callbacks/sample_replies": {"chat"},
    "serving": {"chat", "decoding", "models", "text", "config", "utils"},
    "cli": {"chat", "config", "data", "evaluation", "serving", "text", "training", "utils"},
    "__main__": {"cli"},
}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def all_imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.append(node.module)
    return names


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_import_only_allowed_packages(path):
    package = package_of(path)
    is_preprocessing = path.parent == PACKAGE / "data" / "preprocessing"
    allowed = ALLOWED["data/preprocessing" if is_preprocessing else package] | {package}
    # An entry may also be for a single module.
    allowed |= ALLOWED.get(path.relative_to(PACKAGE).with_suffix("").as_posix(), set())
    assert {name.split(".")[1] for name in local_imports(path)} <= allowed
    roots = {name.split(".")[0] for name in all_imports(path)}
    assert not roots & {"experiments", "notebooks", "tests"}


def local_imports(path: Path) -> list[str]:
    return [name for name in all_imports(path) if name.startswith("attention_seq2seq.")]


def test_training_imports_only_metrics_and_evaluation_only_pairs():
    training_imports = {n for p in (PACKAGE / "training").rglob("*.py") for n in local_imports(p)}
    evaluation = {n for n in training_imports if n.startswith("attention_seq2seq.evaluation")}
    assert evaluation == {"attention_seq2seq.evaluation.metrics"}
    evaluation_imports = {
        n for p in (PACKAGE / "evaluation").rglob("*.py") for n in local_imports(p)
    }
    data = {n for n in evaluation_imports if n.startswith("attention_seq2seq.data")}
    assert data == {"attention_seq2seq.data.pairs"}


def test_all_packages_are_listed():
    packages = {name for name in ALLOWED if "/" not in name}
    assert {package_of(path) for path in modules()} == packages


def test_the_root_of_the_package_is_small():
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries - {"__init__.py", "__main__.py", "py.typed"}) <= 13


def test_one_module_imports_tensorflow_addons():
    importers = [p for p in modules() if any("tensorflow_addons" in n for n in all_imports(p))]
    assert [path.relative_to(PACKAGE).as_posix() for path in importers] == [
        "models/attention/backend.py"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "data.default_corpus",
        "config.config",
        "text.seq2seq_tokenizer",
        "evaluation.metrics",
        "utils.text_tables",
        "utils.plotting",
        "data.preprocessing.prepare",
    ],
)
def test_text_modules_do_not_import_tensorflow(name):
    code = f"import sys, attention_seq2seq.{name}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_imports_do_not_initialize_tensorflow():
    """The number of threads can be set only before the first tensor exists."""
    names = ", ".join(
        f"attention_seq2seq.{name}" for name in ("serving.saved_model.export", "serving.tflite")
    )
    code = f"""
import tensorflow as tf, attention_seq2seq.training.api, {names}
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
@pytest.mark.xdist_group("one_process")
def test_a_group_runs_in_one_process(request):
    """Otherwise each process would build the shared fixtures, and timed tests would overlap."""
    assert request.node.nodeid.endswith("@one_process")


def test_modules_are_small():
    lengths = {str(p): len(p.read_text(encoding="utf-8").splitlines()) for p in modules()}
    assert not {name: length for name, length in lengths.items() if length > 300}
    assert statistics.median(lengths.values()) <= 120
