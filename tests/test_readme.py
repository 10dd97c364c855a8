"""What the READMEs say is so: their Python runs, their commands exist, their numbers agree."""

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
# Of TensorFlow 1, where samplers were helpers, and of Kubernetes.
ELSEWHERE = re.compile("[A-Z]\\w+Helper|ReadWriteMany")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in blocks(text, "bash") for line in block.splitlines()]


def unique_lines(*texts: str) -> list[str]:
    return list(dict.fromkeys(shlex.join(line) for text in texts for line in commands(text)))


def test_both_languages_name_the_same_commands_and_code():
    for language in ("bash", "python"):
        assert blocks(ENGLISH, language) == blocks(CHINESE, language)
        assert blocks(ENGLISH, language)


def test_both_languages_name_the_same_numbers():
    def table_numbers(text):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        return [re.findall(r"\d+(?:\.\d+)? ?%?", row) for row in rows]

    assert table_numbers(ENGLISH) == table_numbers(CHINESE)
    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")


def test_the_python_lines_run(tmp_path, monkeypatch):
    """Those of the English one: the Chinese one has the same, see above."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(ENGLISH, "python"):
        lines = [line for line in block.splitlines() if line.strip()]
        assert len(lines) <= 10
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(block, {})
        # Before it there may be a progress bar.
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
def test_each_option_of_model_and_training_has_a_config_or_a_row(field, value):
    experiments = ROOT / "experiments"
    paths = [experiments / "README.md", *(experiments / "configs").glob("*.flags")]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    assert re.search(rf"--{field.name}" + (f"={value}" if value else "") + r"\b", text)


@pytest.mark.parametrize(
    "command", [shlex.split(line) for line in unique_lines(ENGLISH, EXPERIMENTS)], ids=" ".join
)
def test_a_command_exists(command):
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
    """The file that a command runs, a script or a module, and the arguments."""
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
def test_a_class_that_is_named_is_there(text):
    from helpers.reference_tfa import tfa

    sources = [*(ROOT / "attention_seq2seq").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")]
    class_names = {
        name
        for path in sources
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    code = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.M))
    for name in re.findall(r"(?<![\w-])(?:[A-Z][a-z]+){2,}\b|[A-Z]\w+RNN\b", " ".join(code)):
        is_ours = name in class_names
        assert is_ours or hasattr(tfa.seq2seq, name) or ELSEWHERE.fullmatch(name), name


def test_every_script_and_config_is_in_its_table():
    tables = EXPERIMENTS.partition("## ")[0]
    folder = ROOT / "experiments"
    for path in [*folder.rglob("*.py"), *folder.glob("configs/*.flags")]:
        assert path.name == "__init__.py" or f"`{path.name}`" in tables, path.name


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_what_is_linked_is_there(text):
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / target).is_file(), target
    for name in re.findall(r"`((?:model|attention_seq2seq|notebooks)/[\w./]+)`", text):
        folder = ROOT / "attention_seq2seq" if name.startswith("model/") else ROOT
        assert (folder / name).is_file(), name


def test_every_config_can_be_used():
    names = option_names()
    paths = sorted((ROOT / "experiments/configs").glob("*.flags"))
    assert paths
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        flags = [line for line in lines if line.startswith("--")]
        assert {flag[2:].split("=")[0] for flag in flags} <= names
