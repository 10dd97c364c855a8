"""Python blocks of the READMEs run, commands and links exist, and numbers agree."""

import contextlib
import dataclasses
import io
import re
import shlex
from pathlib import Path

import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.config.training import TrainingConfig

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE, EXPERIMENTS = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "README.zh.md", "experiments/README.md")
)
# Names of TensorFlow 1 and of Kubernetes.
EXTERNAL_NAMES = re.compile("[A-Z]\\w+Helper|ReadWriteMany")


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in code_blocks(text, "bash") for line in block.splitlines()]


def unique_lines(*texts: str) -> list[str]:
    return list(dict.fromkeys(shlex.join(line) for text in texts for line in commands(text)))


def test_commands_and_code_are_equal_in_both_languages():
    for language in ("bash", "python"):
        assert code_blocks(ENGLISH, language) == code_blocks(CHINESE, language)
        assert code_blocks(ENGLISH, language)


def test_numbers_are_equal_in_both_languages():
    def table_numbers(text):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        return [re.findall(r"\d+(?:\.\d+)? ?%?", row) for row in rows]

    assert table_numbers(ENGLISH) == table_numbers(CHINESE)
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")


def test_python_blocks_run(tmp_path, monkeypatch):
    """Runs those of the English README; the Chinese README has the same ones."""
    monkeypatch.chdir(tmp_path)
    for block in code_blocks(ENGLISH, "python"):
        lines = [line for line in block.splitlines() if line.strip()]
        assert len(lines) <= 10
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block, {})
        # A progress bar may precede the reply.
        assert "\n晚上吃烤鸭吧 ['晚上', '吃', '烤鸭', '吧'] -" in f"\n{printed.getvalue()}"


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
def test_options_are_covered_by_configs_or_tables(field, value):
    experiments = ROOT / "experiments"
    paths = [experiments / "README.md", *(experiments / "configs").glob("*.flags")]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert re.search(rf"--{field.name}" + (f"={value}" if value else "") + r"\b", text)


@pytest.mark.parametrize(
    "command", [shlex.split(line) for line in unique_lines(ENGLISH, EXPERIMENTS)], ids=" ".join
)
def test_commands_exist(command):
    if command[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in command[1:])
        return
    if command[0] != "python":
        assert command[0] in ("pip", "pytest", "saved_model_cli", "tensorboard")
        return
    path, arguments = script_path(command)
    script = path.read_text(encoding="utf-8")
    options = option_names()
    for argument in arguments:
        name, _, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or name == "help":
            continue
        assert f'"{name}"' in script or name == "flagfile" or name in options
        if name == "flagfile":
            assert (ROOT / value).is_file()


def script_path(command: list[str]) -> tuple[Path, list[str]]:
    """Returns the file that a command runs and the arguments."""
    if command[1] != "-m":
        return ROOT / command[1], command[2:]
    path = ROOT / command[2].replace(".", "/")
    path = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    return path, command[3:]


def option_names():
    groups = [group.type for group in dataclasses.fields(Config)] + [
        DecodingConfig,
        ServingLimits,
        PreprocessingConfig,
    ]
    return {field.name for group in groups for field in dataclasses.fields(group)}


@pytest.mark.parametrize(
    "text", [ENGLISH, CHINESE, EXPERIMENTS], ids=["English", "Chinese", "experiments"]
)
def test_mentioned_classes_exist(text):
    from helpers.reference_tfa import tfa

    sources = [*(ROOT / "attention_seq2seq").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
    class_names = {
        name
        for path in sources
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    code = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.M))
    for name in re.findall(r"(?<![\w-])(?:[A-Z][a-z]+){2,}\b|[A-Z]\w+RNN\b", " ".join(code)):
        is_local = name in class_names
        assert is_local or hasattr(tfa.seq2seq, name) or EXTERNAL_NAMES.fullmatch(name), name


def test_scripts_and_configs_are_listed():
    tables = EXPERIMENTS.partition("## ")[0]
    folder = ROOT / "experiments"
    for path in [*folder.rglob("*.py"), *folder.glob("configs/*.flags")]:
        assert path.name == "__init__.py" or f"`{path.name}`" in tables, path.name


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_linked_files_exist(text):
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / target).is_file(), target
    for name in re.findall(r"`((?:model|attention_seq2seq|notebooks)/[\w./]+)`", text):
        folder = ROOT / "attention_seq2seq" if name.startswith("model/") else ROOT
        assert (folder / name).is_file(), name


def test_config_flags_exist():
    names = option_names()
    paths = sorted((ROOT / "experiments/configs").glob("*.flags"))
    assert paths
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        flags = [line for line in lines if line.startswith("--")]
        assert {flag[2:].split("=")[0] for flag in flags} <= names
