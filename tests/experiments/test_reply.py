"""A file of prompts to a file of replies."""

import json
import signal
import subprocess
import sys
import time

import pytest

from running import ROOT, script

PROMPTS = ["今天晚上吃什么", "", "周末早上喝什么", "龘" * 300, "\ta\tb", "早上\r"]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("\n".join(PROMPTS).encode() + b"\n\xff\xfe\n")
    return path


def test_each_line_is_answered_in_its_place(meals_dir, tmp_path, prompts):
    out = tmp_path / "out.txt"
    done = script("reply", f"--model_dir={meals_dir}", f"--prompts={prompts}", f"--replies={out}")
    assert done.returncode == 0
    lines = out.read_text(encoding="utf-8").split("\n")
    assert len(lines) == len(PROMPTS) + 2
    assert (lines[0], lines[2], lines[-1]) == ("晚上吃烤鸭吧", "早上喝豆浆吧", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]
    again = script("reply", f"--model_dir={meals_dir}", f"--prompts={prompts}", f"--replies={out}")
    assert again.returncode != 0
    assert "out.txt exists; remove it" in again.stderr


def test_a_pipe_to_json(meals_dir):
    done = script(
        *("reply", f"--model_dir={meals_dir}", "--format=jsonl", "--method=beam", "--num_best=2"),
        text="今天晚上吃什么\n周末早上喝什么\n",
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["prompt_tokens"] == ["今天", "晚上", "吃", "什么"]
    assert first["replies"][0]["text"] == "晚上吃烤鸭吧"
    assert first["replies"][0]["score"] >= first["replies"][1]["score"]
    attention = first["replies"][0]["attention"]
    assert [len(attention), len(attention[0])] == [5, 4]
    assert second["replies"][0]["text"] == "早上喝豆浆吧"


def test_an_empty_file_gets_an_empty_file(meals_dir, tmp_path):
    (tmp_path / "in.txt").touch()
    out = tmp_path / "out.txt"
    done = script(
        *("reply", f"--model_dir={meals_dir}", f"--prompts={tmp_path}/in.txt", f"--replies={out}")
    )
    assert done.returncode == 0
    assert out.read_bytes() == b""


def test_killed_it_goes_on_where_it_stopped(meals_dir, tmp_path):
    prompts, whole, out = (tmp_path / name for name in ("in.txt", "whole.txt", "out.txt"))
    lines = [f"{day}{time}{verb}什么{n}" for n in range(500) for day, time, verb in
             (("今天", "晚上", "吃"), ("周末", "早上", "喝"), ("明天", "中午", "买"))
             for _ in range(8)]  # fmt: skip
    prompts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [f"--model_dir={meals_dir}", f"--prompts={prompts}", "--method=sample"]
    assert script("reply", *options, f"--replies={whole}").returncode == 0
    command = [sys.executable, ROOT / "experiments/reply.py", *options, f"--replies={out}"]
    part, job = (tmp_path / f"out.txt{end}" for end in (".part", ".job"))
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not job.exists() and time.monotonic() < until:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    written = part.stat().st_size
    assert 0 < written < whole.stat().st_size
    # As if it had been killed in the middle of a line.
    with part.open("ab") as file:
        file.write("晚上".encode())

    for wrong, message in [
        ([*options, "--sampling_seed=7"], "begun with another sampling_seed"),
        ([f"--model_dir={meals_dir}", f"--prompts={whole}", "--method=sample"], "other prompts"),
    ]:
        done = script("reply", *wrong, f"--replies={out}")
        assert done.returncode != 0
        assert message in done.stderr
    assert script("reply", *options, f"--replies={out}").returncode == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not part.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompts=nowhere.txt"], "nowhere.txt: no such file"),
        (["--method=beam", "--num_best=9"], "a beam finds no more replies than it is wide"),
        (["--replies=nowhere/out.txt"], "nowhere/out.txt"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(meals_dir, arguments, message):
    done = script("reply", f"--model_dir={meals_dir}", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
