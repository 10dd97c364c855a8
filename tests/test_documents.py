"""Commands, links and code in documents work, and the READMEs agree in both languages."""

import ast
import builtins
import contextlib
import dataclasses
import importlib
import inspect
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
import yaml
from absl import flags

import attention_seq2seq
from attention_seq2seq import seq2seq
from attention_seq2seq.cli.flag_files import CONFIGS_DIR
from attention_seq2seq.cli.main import COMMANDS
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.serving.saved_model.export import export_saved_model

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "experiments" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in DOCUMENTS}
# Programs of other packages, whose flags are not checked.
EXTERNAL_PROGRAMS = ("pip", "pytest", "ruff", "saved_model_cli", "tensorboard", "mkdocs")
# Names of TensorFlow 1, of Kubernetes and of file formats.
EXTERNAL_NAMES = re.compile("[A-Z]\\w+Helper|ReadWriteMany|SavedModel|StackedRNN|MultiRNN")

README_REPLY = "\n晚上吃烤鸭吧 ['晚上', '吃', '烤鸭', '吧'] -"

each_document = pytest.mark.parametrize("name", TEXTS)


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def remove_code_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def unique_commands() -> list[str]:
    lines = (
        line
        for text in TEXTS.values()
        for block in code_blocks(text, "bash")
        for line in block.splitlines()
    )
    return list(dict.fromkeys(line for line in lines if line.strip()))


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_readmes_are_short(text):
    assert len(text.splitlines()) <= 150


def test_commands_and_code_are_equal_in_both_languages():
    for language in ("bash", "python"):
        assert code_blocks(ENGLISH, language) == code_blocks(CHINESE, language)
        assert code_blocks(ENGLISH, language)


def test_numbers_are_equal_in_both_languages():
    def table_numbers(text):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        return [sorted(re.findall(r"\d[\d,]*(?:\.\d+)? ?%?", row)) for row in rows]

    assert table_numbers(ENGLISH) == table_numbers(CHINESE)
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")


def run_block(block: str) -> str:
    """Runs a block of code in the working folder. Returns what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, {})
    return printed.getvalue()


def test_the_training_block_of_the_readme_runs(tmp_path, monkeypatch):
    """Runs that of the English README; the Chinese README has the same one."""
    monkeypatch.chdir(tmp_path)
    # A progress bar may precede the reply.
    assert README_REPLY in f"\n{run_block(code_blocks(ENGLISH, 'python')[0])}"


@pytest.mark.xdist_group("export")
def test_the_export_block_of_the_readme_runs_with_an_exported_model(
    tmp_path, monkeypatch, export_dir
):
    """Another export takes the place of that of the block, so the reply is another one, too."""

    def link_export(*arguments, **options):
        paths = inspect.signature(export_saved_model).bind(*arguments, **options).arguments
        assert paths["model_dir"] == "models/meals"
        link = tmp_path / paths["export_dir"]
        link.parent.mkdir(parents=True)
        link.symlink_to(export_dir)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(attention_seq2seq, "export_saved_model", link_export)
    printed = run_block(code_blocks(ENGLISH, "python")[1])
    reply, tokens, log_prob = re.fullmatch(r"(\S+) (\[.+\]) (-\S+)\n", printed).groups()
    assert reply == "".join(ast.literal_eval(tokens))
    assert float(log_prob) < 0


@pytest.mark.slow
def test_all_python_blocks_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in code_blocks(ENGLISH, "python"):
        assert README_REPLY in f"\n{run_block(block)}"


@each_document
def test_python_blocks_are_valid(name):
    """Checks the syntax, and that names imported from the package exist."""
    for block in code_blocks(TEXTS[name], "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("attention_seq2seq"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), node.module


@pytest.mark.parametrize("line", unique_commands())
def test_commands_exist(line):
    command = shlex.split(line, comments=True)
    match command:
        case []:
            pass
        case ["make", *arguments]:
            makefile = (ROOT / "Makefile").read_text("utf-8")
            targets = [argument for argument in arguments if "=" not in argument]
            assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
        case ["attention-seq2seq", name, *arguments] if name in COMMANDS:
            assert_flags_exist(arguments, command_flags(name))
        case ["python", "-m", "attention_seq2seq", name, *arguments]:
            assert_flags_exist(arguments, command_flags(name))
        case ["python", "-m", module, *arguments]:
            path = ROOT / module.replace(".", "/")
            assert_script_has_flags(
                path / "__main__.py" if path.is_dir() else path.with_suffix(".py"), arguments
            )
        case ["python", path, *arguments]:
            assert_script_has_flags(ROOT / path, arguments)
        case [program, *_]:
            assert program in EXTERNAL_PROGRAMS or "=" in program


def assert_script_has_flags(path: Path, arguments: list[str]):
    script = path.read_text("utf-8")
    names = option_names() | set(re.findall(r'"(\w+)"', script))
    # A study may have the flags of a command.
    for command in re.findall(r"^(\w+)\.define_flags\(flags\.FLAGS\)", script, re.MULTILINE):
        names |= command_flags(command)
    assert_flags_exist(arguments, names)


def assert_flags_exist(arguments: list[str], names: set[str]):
    for argument in arguments:
        if not argument.startswith("--"):
            continue
        name, _, value = argument.removeprefix("--").partition("=")
        if name in ("help", "helpfull", "flagfile"):
            continue
        if name == "config":
            assert (CONFIGS_DIR / f"{value}.flags").is_file(), value
        else:
            assert name in names or name.removeprefix("no") in names, name


def command_flags(name: str) -> set[str]:
    """Returns the names of the flags of a command."""
    flag_values = flags.FlagValues()
    importlib.import_module(f"attention_seq2seq.cli.{name}").define_flags(flag_values)
    return set(flag_values)


def option_names() -> set[str]:
    groups = [group.type for group in dataclasses.fields(Config)] + [
        DecodingConfig,
        ServingLimits,
        PreprocessingConfig,
    ]
    return {field.name for group in groups for field in dataclasses.fields(group)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for options in (ModelConfig, TrainingConfig)
        for field in dataclasses.fields(options)
        for value in [c for c in field.metadata["choices"] if c != field.default] or [""]
    ],
    ids=lambda parameter: parameter if isinstance(parameter, str) else parameter.name,
)
def test_options_are_covered_by_configs_or_documents(field, value):
    configs = [path.read_text("utf-8") for path in CONFIGS_DIR.glob("*.flags")]
    text = "".join([*TEXTS.values(), *configs])
    assert re.search(rf"--{field.name}" + (f"={value}" if value else "") + r"\b", text)


@each_document
def test_mentioned_classes_exist(name):
    sources = [*(ROOT / "attention_seq2seq").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
    class_names = {
        class_name
        for path in sources
        for class_name in re.findall(r"^class (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    modules = (builtins, tf, tf.keras.layers, tf.distribute, seq2seq)
    code = " ".join(re.findall(r"`([^`]+)`", remove_code_blocks(TEXTS[name])))
    for class_name in re.findall(r"(?<![\w-])(?:[A-Z][a-z]+){2,}\b|[A-Z]\w+RNN\b", code):
        assert (
            class_name in class_names
            or any(hasattr(module, class_name) for module in modules)
            or EXTERNAL_NAMES.fullmatch(class_name)
        ), class_name


@each_document
def test_links_resolve(name):
    folder = (ROOT / name).parent
    text = remove_code_blocks(TEXTS[name])
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^]]+\]: (\S+)", text, re.M)
    for target in targets:
        if target.startswith(("http://", "https://")):
            continue
        path_text, _, anchor = target.partition("#")
        path = (folder / path_text).resolve() if path_text else ROOT / name
        assert path.is_file() or (path.is_dir() and not anchor), target
        if anchor:
            assert anchor in heading_anchors(path.read_text("utf-8")), target


def heading_anchors(text: str) -> set[str]:
    """Returns the anchors of the headings, as forges and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", remove_code_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_mentioned_files_exist(name):
    pattern = r"`((?:attention_seq2seq|notebooks|experiments|tests|docs)/[\w./]+\.\w+)`"
    for path in re.findall(pattern, remove_code_blocks(TEXTS[name])):
        assert (ROOT / path).is_file(), path


def test_navigation_has_all_pages():
    def pages(entry) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        children = entry.values() if isinstance(entry, dict) else entry
        return [page for child in children for page in pages(child)]

    navigation = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    folder = ROOT / "docs"
    assert sorted(navigation) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.md")
    )


def test_site_builds_without_warnings(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_config_flags_exist():
    names = option_names()
    paths = sorted(CONFIGS_DIR.glob("*.flags"))
    assert paths
    for path in paths:
        lines = path.read_text("utf-8").splitlines()
        config_flags = [line for line in lines if line.startswith("--")]
        assert {flag[2:].split("=")[0] for flag in config_flags} <= names
