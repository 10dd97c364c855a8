"""Output and error messages of the scripts."""

import ast
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys

import pytest

from attention_seq2seq.cli.help import format_number
from attention_seq2seq.cli.main import COMMANDS
from attention_seq2seq.config.config import Config
from helpers.scripts import ROOT, run_script, spawn_on_terminal, start_script

QUESTION = "今天晚上吃什么"

DIAGNOSTICS = ("Reply collapse", "Uniform attention", "Overfitting")


def without_diagnostics(errors: str) -> list[str]:
    """Returns the error lines without the diagnostics that short trainings cause."""
    return [line for line in errors.splitlines() if not line.startswith(DIAGNOSTICS)]


def test_chat_with_prompt_prints_reply_and_tables(meals_dir, tmp_path):
    picture = tmp_path / "attention.png"
    result = run_script(
        "chat", f"--model_dir={meals_dir}", f"--prompt={QUESTION}", f"--plot={picture}"
    )
    assert result.returncode == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == "晚上吃烤鸭吧"
    assert lines[2].split("  ")[0] == "attention weights"
    assert lines[2].endswith("contribution")
    assert [line.split()[0] for line in lines[4:9]] == ["晚上", "吃", "烤鸭", "吧", "<eos>"]
    assert lines[-1].endswith(str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_chat_replies_to_each_input_line(meals_dir):
    text = f"{QUESTION}\n\n{'吃' * 10000}\n龘靐\n周末早上喝什么"
    result = run_script("chat", f"--model_dir={meals_dir}", "--context_turns=1", text=text)
    assert result.returncode == 0
    assert "--context_turns has an effect in the interactive chat only." in result.stderr
    replies = [line for line in result.stdout.splitlines() if "are read" not in line]
    assert len(replies) == 5, "one reply per line, also for the empty and the last line"
    assert (replies[0], replies[-1]) == ("晚上吃烤鸭吧", "早上喝豆浆吧")
    assert "only the first 60 are used" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chat"], "--model_dir"),
        (["chat", "--model_dir=nowhere"], "nowhere: no such directory"),
        (["chat", "--model_dir=nowhere", "--aks=x"], "unknown flag --aks."),
        (["chat", "--model_dir=x", "--plot=a.png"], "--plot requires --prompt"),
        (["chat", "hello", "--model_dir=x"], "unexpected argument 'hello'"),
        (["evaluate", "--model_dir=nowhere"], "nowhere: no such directory"),
        (["evaluate", "--model_dir=nowhere", "--method=beem"], "expected one of greedy, beam"),
        (["export", "--model_dir=nowhere", "--export_dir=x"], "nowhere: no such directory"),
        (["export", "--model_dir=tests", "--export_dir=tests"], "tests exists. Remove it"),
        (
            ["export", "--model_dir=x", "--export_dir=y", "--format=onnx"],
            "expected one of saved",
        ),
        (["demo", "--model_dir=nowhere"], "nowhere: no such directory"),
        (["train"], "--model_dir"),
        (["train", "--model_dir={tmp}/m", "--units=0"], "units"),
        (["train", "--model_dir={tmp}/m", "--attention=dot"], "luong, scaled_luong, bahdanau"),
        (
            ["train", "--model_dir={tmp}/m", "--attention=none", "--initial_state=zero"],
            "the decoder would never see the prompt",
        ),
        (["train", "--model_dir={tmp}/m", "--data=nowhere.tsv"], "nowhere.tsv: no such corpus"),
        (["train", "--model_dir={tmp}/m", "--data={tmp}/empty.tsv"], "no pairs found"),
        (["train", "--model_dir={tmp}/m", "--data={tmp}/bad.tsv"], "bad.tsv, line 2: no tab"),
        (["train", "--model_dir={tmp}/m", "--flagfile=nowhere.flags"], "nowhere.flags"),
        (["train", "--model_dir={tmp}/m", "--strategy=multi_worker"], "TF_CONFIG is not set"),
        (["train", "--model_dir={tmp}/m", "--strategy=mirrored"], "the only device is"),
        (["train", "--model_dir={tmp}/empty.tsv", "--data={tmp}/good.tsv"], "empty.tsv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_arguments_fail_with_a_reason(tmp_path, arguments, message):
    (tmp_path / "empty.tsv").touch()
    (tmp_path / "good.tsv").write_text("你好\t你好呀\n" * 9, encoding="utf-8")
    (tmp_path / "bad.tsv").write_text("你好\t你好呀\n没有\n", encoding="utf-8")
    result = run_script(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "train",
            ["--config=demo", "[units] (default 256, 1 to 16384)", "(default 0, 0 to 0.9)"],
        ),
        ("prepare", ["--analyze_only", "[tokens]"]),
        ("chat", ["--prompt", "--plot", "questions.txt"]),
        ("evaluate", ["--data"]),
        ("demo", ["attention.png"]),
        (
            "studies.reversal",
            ["number of training strings", "8 to 16 symbols of 20", "--results_json"],
        ),
        ("studies.evaluate_models", ["--further_seed", "--results_json"]),
        ("studies.corpus_statistics", ["--prepared_dir", "[tokens]"]),
        ("render_results", ["--[no]check", "<!-- table: reversal["]),
    ],
)
def test_help_has_examples_and_units(name, expected):
    result = run_script(name, "--help")
    unwrapped = " ".join(result.stdout.split())
    for expected_text in expected:
        assert expected_text in unwrapped
    assert result.stderr == ""


def test_commands_in_help_are_valid_shell():
    # In a docstring that is not raw, a backslash at the end of a line joins lines.
    for folder in ("experiments", "attention_seq2seq/cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            lines = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()
            assert max(map(len, lines)) <= 100, path
            assert not any(line.endswith("\\\\") for line in lines), path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_into_80_columns(name):
    for flag in ("--help", "--helpfull"):
        lines = run_script(name, flag).stdout.splitlines()
        widths = [sum(1 + (ord(c) > 0x2E80) for c in line) for line in lines]
        assert max(widths) <= 80, lines[widths.index(max(widths))]


def test_full_help_has_default_unit_and_range_of_each_flag():
    text = run_script("train", "--helpfull").stdout
    entries = re.findall(r"^  --(?:\[no\])?(\w+)\n(.*?)(?=^  --|^\S|\Z)", text, re.M | re.S)
    help_texts = {name: " ".join(entry.split()) for name, entry in entries}
    options = [f for group in dataclasses.fields(Config) for f in dataclasses.fields(group.type)]
    assert len(options) > 40
    for option in options:
        entry, metadata = help_texts[option.name], option.metadata
        assert option.metadata["help"].split(";")[0] in entry, option.name
        assert f"[{metadata['unit']}]" in entry or not metadata["unit"], option.name
        if option.default not in ("", ()):
            default = format_number(option.default)
            assert f"(default {default.lower()}" in entry.lower(), option.name
        if metadata["low"] is not None:
            low = format_number(metadata["low"])
            assert re.search(rf"(at least {low}|, {low} to )", entry), entry
        for choice in metadata["choices"]:
            assert choice in entry or option.name == "monitor", option.name


def test_training_and_rerunning(tmp_path):
    corpus, model = tmp_path / "聊天.tsv", tmp_path / "model"
    corpus.write_text("你好\t你好呀\n吃什么\t吃烤鸭\n坏\n" * 20, encoding="utf-8")
    flagfile = tmp_path / "small.flags"
    flagfile.write_text("--units=16\n--epochs=2\n--skip_bad_lines\n", encoding="utf-8")
    sample_prompts = tmp_path / "prompts.txt"
    sample_prompts.write_text("你好\n\n吃什么\n", encoding="utf-8")
    arguments = [f"--model_dir={model}", f"--data={corpus}", f"--flagfile={flagfile}"]
    arguments.append(f"--sample_prompts={sample_prompts}")

    result = run_script("train", *arguments)
    assert (result.returncode, without_diagnostics(result.stderr)) == (0, [])
    assert "Skipped 20 malformed lines: no tab" in result.stdout
    assert "epoch 2 of 2: loss " in result.stdout
    assert f"attention-seq2seq chat --model_dir={model}" in result.stdout

    rerun = run_script("train", *arguments)
    assert "is already trained with these options" in rerun.stdout
    changed_run = run_script("train", *arguments, "--units=8")
    assert changed_run.returncode != 0
    assert f"{model} holds a training run with units 16; now it is 8" in changed_run.stderr


@pytest.mark.slow
def test_training_output_fits_into_80_columns(tmp_path):
    corpus = tmp_path / "pairs.tsv"
    corpus.write_text("你好\t你好呀\n吃什么\t吃烤鸭\n" * 40, encoding="utf-8")
    terminal = spawn_on_terminal(
        "train", f"--model_dir={tmp_path}/m", f"--data={corpus}", "--units=8", "--epochs=20"
    )
    output = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0
    assert "epoch 20/20 |" in output
    assert "100%, 00:00 left, " in output
    assert " tokens/s, loss " in output
    lines = [line for line in output.replace("\b", "\n").replace("\r", "\n").split("\n") if line]
    # The path of the temporary folder may be longer.
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80


def test_ctrl_c_stops_training_and_a_rerun_resumes(tmp_path):
    corpus = tmp_path / "pairs.tsv"
    corpus.write_text("".join(f"问{i}\t答{i}\n" for i in range(200)), encoding="utf-8")
    arguments = [f"--model_dir={tmp_path}/m", f"--data={corpus}", "--units=8", "--epochs=6"]
    arguments += ["--batch_size=4", "--attention=none", "--validation_fraction=0"]
    script = start_script(tmp_path, "train", *arguments)
    script.wait_for_line("epoch 1 ")
    script.poll(0.05)
    os.kill(script.pid, signal.SIGINT)
    assert script.wait() == 1
    assert "No validation pairs: no early stopping, and the last epoch is used" in script.output
    assert re.search(r"Stopped at step \d+; run again to resume", script.output)
    assert script.errors.strip() == "Stopped."
    rerun = run_script("train", *arguments)
    assert (rerun.returncode, without_diagnostics(rerun.stderr)) == (0, [])
    assert "Resuming from step " in rerun.stdout
    assert "epoch 1 of 6" not in rerun.stdout
    assert "epoch 6 of 6" in rerun.stdout


@pytest.mark.slow
def test_evaluate_writes_json_atomically_and_escapes_surrogates(meals_dir, tmp_path):
    corpus, json_path = tmp_path / "pairs.jsonl", tmp_path / "numbers.json"
    corpus.write_text('{"prompt": "今天\\ud83d", "reply": "吃\\ud83d"}\n', encoding="utf-8")
    json_path.write_text("old", encoding="utf-8")
    arguments = f"--model_dir={meals_dir}", f"--data={corpus}", f"--json={json_path}"
    result = run_script("evaluate", *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(json_path.read_text(encoding="utf-8"))["prompts"] == ["今天\ud83d"]
    limited_script = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    )
    limited_script += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
    limited_script += f"sys.path.insert(0, {str(ROOT / 'experiments')!r}); "
    limited_script += f"sys.argv[0] = {str(ROOT / 'experiments/evaluate.py')!r}; "
    limited_script += "runpy.run_path(sys.argv[0], run_name='__main__')"
    old_content = json_path.read_bytes()
    command = [sys.executable, "-c", limited_script, *arguments]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert json_path.read_bytes() == old_content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.json", "pairs.jsonl"]


def test_evaluate_prints_metrics_with_intervals(meals_dir, tmp_path):
    corpus, json_path = tmp_path / "pairs.tsv", tmp_path / "numbers.json"
    corpus.write_text(f"{QUESTION}\t晚上吃烤鸭吧\n明天早上喝什么\t不知道\n", encoding="utf-8")
    linked_dir = tmp_path / meals_dir.name
    linked_dir.symlink_to(meals_dir)
    # Ensembles of the same model twice.
    model, baseline = f"{meals_dir},{linked_dir}", f"{linked_dir},{meals_dir}"
    arguments = f"--model_dir={model}", f"--data={corpus}", f"--baseline={baseline}"
    result = run_script("evaluate", *arguments, f"--json={json_path}")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("2 prompts\n")
    assert not re.search(" $", result.stdout, re.MULTILINE)
    assert re.search(r"^exact_match +50.0% \(0.0% to 100.0%\) .* 1.000$", result.stdout, re.M)
    assert "bleu|nrefs:1|case:lc|eff:no|tok:zh|" in result.stdout
    # Models with equal folder names are shown with their paths.
    assert all(str(folder)[-25:] in result.stdout for folder in (meals_dir, linked_dir))
    content = json.loads(json_path.read_text(encoding="utf-8"))
    assert content["prompts"] == [QUESTION, "明天早上喝什么"]
    model_results = content["models"][model]
    assert model_results["metrics"]["exact_match"]["value"] == 0.5
    assert model_results["replies"][0] == "晚上吃烤鸭吧"
