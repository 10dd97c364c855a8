"""prepare.py."""

import json
import os
import signal

import pytest

from helpers.kill import has_process_group_ended, kill_and_resume, write_corpus
from helpers.scripts import run_script, spawn_on_terminal, start_script


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "聊天.tsv"
    lines = [f"第{i}个问题\t哈哈\n" for i in range(50)] + [f"问{i}\t回答{i}\n" for i in range(50)]
    path.write_text("".join(lines) + "没有\n", encoding="utf-8")
    return path


def test_analyzing_preparing_training_and_chatting(corpus, tmp_path):
    folder, model = tmp_path / "准备", tmp_path / "model"
    arguments = [f"--data={corpus}", f"--prepared_dir={folder}", "--skip_bad_lines"]
    # Worker processes take seconds to start.
    arguments.append("--num_workers=1")
    result = run_script("prepare", *arguments, "--analyze_only")
    assert (result.returncode, result.stderr) == (0, "")
    assert "100 pairs\n  1 malformed lines skipped: no tab" in result.stdout
    assert "common reply: '哈哈' is the reply to 50.0% of the prompts" in result.stdout
    statistics = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    assert statistics["replies"]["most_common"][0] == {
        "reply": "哈哈",
        "count": 50,
        "fraction": 0.5,
    }

    filter_flags = ["--filters=common_replies", "--max_reply_count=5"]
    result = run_script("prepare", *arguments, *filter_flags)
    assert (result.returncode, result.stderr) == (0, "")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["removed:", "common", "replies", "45"] in rows
    assert f"attention-seq2seq train --data={folder}" in result.stdout
    rerun = run_script("prepare", *arguments, *filter_flags)
    notice = f"\n{folder} was already prepared with these options. No file was changed.\n"
    assert rerun.stdout.count(notice) == 1
    rerun_output = rerun.stdout.replace(notice, "")
    assert rerun_output.partition("pairs")[2] == result.stdout.partition("pairs")[2]
    assert "tokenizing" not in rerun.stdout
    changed_run = run_script("prepare", *arguments)
    assert changed_run.returncode != 0
    assert "with filters 'common_replies'; now it is ''." in changed_run.stderr
    assert "(--filters, --prepared_dir, --overwrite)" in changed_run.stderr

    options = [f"--data={folder}", f"--model_dir={model}", "--units=8", "--epochs=1"]
    mismatched_run = run_script("train", *options, "--context_turns=2")
    assert mismatched_run.returncode != 0
    assert "--context_turns=2, but" in mismatched_run.stderr
    assert "was prepared with 0" in mismatched_run.stderr
    result = run_script("train", *options, "--context_turns=0")
    assert (result.returncode, result.stderr) == (0, "")
    assert "is already trained with these options" in run_script("train", *options).stdout
    assert run_script("chat", f"--model_dir={model}", text="你好\n").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare"], "--prepared_dir"),
        (["prepare", "--prepared_dir={tmp}/x"], "--data is required"),
        (["prepare", "--prepared_dir={tmp}/x", "--data=nowhere"], "nowhere: no such corpus file"),
        (["prepare", "--prepared_dir={tmp}/x", "--data={tmp}"], "is a directory. Give a file of"),
        (["prepare", "--prepared_dir={corpus}", "--data={corpus}"], "is a file; expected"),
        (["prepare", "--prepared_dir={tmp}/x", "--data={corpus}"], "聊天.tsv, line 101: no tab"),
        (
            ["prepare", "--prepared_dir={tmp}/x", "--data={corpus}", "--filters=all"],
            "Error: --filters=all: expected any of duplicates, common_replies, ",
        ),
        (
            ["prepare", "--prepared_dir={tmp}/x", "--data={corpus}", "--num_workers=-1"],
            "num_workers",
        ),
        (["prepare", "--prepared_dir={tmp}/x", "--data={tmp}/empty"], "empty: no pairs found"),
        (["train", "--data={tmp}", "--model_dir={tmp}/m"], "has no prepared dataset"),
        (
            ["train", "--data={tmp},{corpus}", "--model_dir={tmp}/m"],
            "is a directory. Give a file of",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_arguments_fail_with_a_reason(corpus, tmp_path, arguments, message):
    (tmp_path / "empty").touch()
    result = run_script(*(argument.format(tmp=tmp_path, corpus=corpus) for argument in arguments))
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_help_has_options_with_units():
    unwrapped = " ".join(run_script("prepare", "--helpfull").stdout.split())
    for expected in ["--analyze_only", "duplicates (repeated pairs)", "[occurrences]"]:
        assert expected in unwrapped


@pytest.mark.slow
def test_progress_bars_fit_into_80_columns(corpus, tmp_path):
    terminal = spawn_on_terminal(
        "prepare", f"--data={corpus}", f"--prepared_dir={tmp_path}/p", "--skip_bad_lines"
    )
    output = terminal.read()
    terminal.close()
    assert terminal.exitstatus == 0
    bars = [line for line in output.replace("\r", "\n").split("\n") if "%|" in line]
    assert {bar.split()[0] for bar in bars} == {
        *("hashing", "tokenizing", "analyzing", "encoding", "writing")
    }
    assert max(map(len, bars)) <= 80
    assert any("100%" in bar and "00:00<00:00" in bar for bar in bars)


@pytest.mark.parametrize(
    "seconds", [0.3, *(pytest.param(seconds, marks=pytest.mark.slow) for seconds in (0.05, 2))]
)
def test_ctrl_c_stops_all_processes(tmp_path, seconds):
    """Also if pressed twice, and while processes are being started."""
    write_corpus(tmp_path / "corpus", 60_000)
    flags = f"--data={tmp_path}/corpus", f"--prepared_dir={tmp_path}/p", "--num_workers=2"
    script = start_script(tmp_path, "prepare", *flags, new_session=True)
    script.wait_for_line("tokenizing")
    for _ in range(2):
        if script.poll(seconds) is None:
            os.killpg(script.pid, signal.SIGINT)
    assert script.wait(20) == 1
    assert script.errors.strip() == "Stopped."
    assert has_process_group_ended(script.pid)


@pytest.mark.slow
def test_killed_and_resumed_runs_are_bit_identical(tmp_path):
    kill_and_resume(tmp_path, num_pairs=2_000, num_kills=1, seed=2)
