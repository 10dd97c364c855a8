"""A file of prompts to a file of replies."""

import gzip
import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from attention_seq2seq.utils.resumable import resumable_file
from helpers.scripts import ROOT, run_script

PROMPTS = ["今天晚上吃什么", "", "周末早上喝什么", "龘" * 300, "\ta\tb", "早上\r"]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("\n".join(PROMPTS).encode() + "\n\ufffd\n".encode())
    return path


def test_each_line_is_answered_in_its_place(meals_dir, tmp_path, prompts):
    out = tmp_path / "out.txt"
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert result.returncode == 0
    lines = out.read_text(encoding="utf-8").split("\n")
    assert len(lines) == len(PROMPTS) + 2
    assert (lines[0], lines[2], lines[-1]) == ("晚上吃烤鸭吧", "早上喝豆浆吧", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]
    rerun = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert rerun.returncode != 0
    assert "out.txt exists; remove it" in rerun.stderr


def test_a_pipe_to_json(meals_dir):
    result = run_script(
        *(
            "generate",
            f"--model_dir={meals_dir}",
            "--format=jsonl",
            "--method=beam",
            "--num_return_sequences=2",
        ),
        text="今天晚上吃什么\n周末早上喝什么\n",
    )
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["prompt_tokens"] == ["今天", "晚上", "吃", "什么"]
    assert first["replies"][0]["text"] == "晚上吃烤鸭吧"
    assert first["replies"][0]["score"] >= first["replies"][1]["score"]
    attention = first["replies"][0]["attention"]
    assert [len(attention), len(attention[0])] == [5, 4]
    assert second["replies"][0]["text"] == "早上喝豆浆吧"


def test_gzip_is_read_from_a_file_and_a_pipe(meals_dir, tmp_path):
    packed = tmp_path / "in.txt.gz"
    packed.write_bytes(gzip.compress("\ufeff今天晚上吃什么\n周末早上喝什么\n".encode()))
    expected = "晚上吃烤鸭吧\n早上喝豆浆吧\n"
    result = run_script("generate", f"--model_dir={meals_dir}", f"--input={packed}")
    assert (result.stdout, result.stderr) == (expected, "")
    command = f"{sys.executable} {ROOT}/experiments/generate.py --model_dir={meals_dir}"
    shell = f"{command} < {packed} && {command} --input=<(zcat {packed}) --output={tmp_path}/out"
    result = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert result.stdout.startswith(expected), result.stderr
    assert (tmp_path / "out").read_text(encoding="utf-8") == expected


def test_another_encoding_is_refused_with_file_line_and_byte(meals_dir, tmp_path):
    path, out = tmp_path / "in.txt", tmp_path / "out.txt"
    path.write_bytes(b"hello\n" + "吃\n".encode("gbk"))
    message = "line 2: not UTF-8 text; byte 0xb3 at position 1 of the line"
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={path}", f"--output={out}"
    )
    assert result.returncode != 0
    assert f"{path}, {message}" in result.stderr
    assert not out.exists()
    # From a pipe line by line.
    result = run_script("chat", f"--model_dir={meals_dir}", text=path.read_bytes())
    assert result.returncode != 0
    assert len(result.stdout.splitlines()) == 1
    assert f"standard input, {message}" in result.stderr


def test_two_runs_do_not_write_one_file(meals_dir, tmp_path):
    prompts, out = tmp_path / "in.txt", tmp_path / "out.txt"
    prompts.write_text("今天晚上吃什么\n", encoding="utf-8")
    arguments = f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    with resumable_file(str(out), {}) as writer:
        writer.skip(iter([]))
        result = run_script("generate", *arguments)
        assert result.returncode != 0
        assert f"{out}.part: another process is at work here" in result.stderr
        list(writer.track(iter(["我的"])))
        writer.write(["我的\n"])
    assert out.read_text(encoding="utf-8") == "我的\n"
    assert "out.txt exists; remove it" in run_script("generate", *arguments).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{", b"[]", b"{}", b'{"identity": {}}', b"\xff", b'{"identity": 3}'),
        b'{"identity": {}, "lines": 1e999, "bytes": 1, "prompts": ""}',
        b'{"identity": {}, "lines": 1, "bytes": -5, "prompts": ""}',
    ],
)
def test_damaged_notes_of_a_run_are_named(meals_dir, tmp_path, damage):
    prompts, out = tmp_path / "in.txt", tmp_path / "out.txt"
    prompts.write_text("今天晚上吃什么\n", encoding="utf-8")
    (tmp_path / "out.txt.part").write_bytes(b"some\n")
    (tmp_path / "out.txt.job").write_bytes(damage)
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert result.returncode != 0
    assert f"{out}.job is damaged" in result.stderr
    assert "Remove both to begin anew" in result.stderr
    assert (tmp_path / "out.txt.part").read_bytes() == b"some\n"


def test_a_part_that_is_nobodys_is_left(meals_dir, tmp_path):
    (tmp_path / "out.txt.part").write_bytes(b"mine")
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--output={tmp_path}/out.txt", text="吃\n"
    )
    assert result.returncode != 0
    assert f"{tmp_path}/out.txt.part is there, but no {tmp_path}/out.txt.job" in result.stderr
    assert (tmp_path / "out.txt.part").read_bytes() == b"mine"


def test_a_run_goes_on_with_the_same_model_elsewhere(meals_dir, tmp_path):
    """Its content tells which model it is, not its path nor when it was written."""
    moved, out = shutil.copytree(meals_dir, tmp_path / "moved"), tmp_path / "out.txt"
    (moved / "best.npz").touch()
    flags = f"--model_dir={meals_dir}", f"--output={out}"
    killed = "今天晚上吃什么\n" * 1024
    # A whole chunk is answered before the second line that is no UTF-8 is met.
    result = run_script("generate", *flags, text=killed.encode() + b"\xff\n")
    assert result.returncode != 0
    assert (tmp_path / "out.txt.job").exists()
    result = run_script("generate", f"--model_dir={moved}", f"--output={out}", text=killed + "吃\n")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1025


def test_an_empty_file_gets_an_empty_file(meals_dir, tmp_path):
    (tmp_path / "in.txt").touch()
    out = tmp_path / "out.txt"
    result = run_script(
        *("generate", f"--model_dir={meals_dir}", f"--input={tmp_path}/in.txt", f"--output={out}")
    )
    assert result.returncode == 0
    assert out.read_bytes() == b""


def test_killed_it_goes_on_where_it_stopped(meals_dir, tmp_path):
    prompts, whole, out = (tmp_path / name for name in ("in.txt", "whole.txt", "out.txt"))
    lines = [f"{day}{time}{verb}什么{n}" for n in range(500) for day, time, verb in
             (("今天", "晚上", "吃"), ("周末", "早上", "喝"), ("明天", "中午", "买"))
             for _ in range(8)]  # fmt: skip
    prompts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [f"--model_dir={meals_dir}", f"--input={prompts}", "--method=sample"]
    assert run_script("generate", *options, f"--output={whole}").returncode == 0
    command = [sys.executable, ROOT / "experiments/generate.py", *options, f"--output={out}"]
    part, job = (tmp_path / f"out.txt{end}" for end in (".part", ".job"))
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (job.exists() and '"lines": 0' not in job.read_text()) and time.monotonic() < until:
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
        ([f"--model_dir={meals_dir}", f"--input={whole}", "--method=sample"], "other prompts"),
    ]:
        result = run_script("generate", *wrong, f"--output={out}")
        assert result.returncode != 0
        assert message in result.stderr
    assert run_script("generate", *options, f"--output={out}").returncode == 0
    assert out.read_bytes() == whole.read_bytes()
    assert not part.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input=nowhere.txt"], "nowhere.txt: no such file"),
        (
            ["--method=beam", "--num_return_sequences=9"],
            "a beam finds no more replies than it is wide",
        ),
        (["--output=nowhere/out.txt"], "nowhere/out.txt"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(meals_dir, arguments, message):
    result = run_script("generate", f"--model_dir={meals_dir}", *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
