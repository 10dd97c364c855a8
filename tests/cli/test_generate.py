"""generate.py: from a file of prompts to a file of replies."""

import gzip
import json
import os
import shutil
import subprocess

import pytest

from attention_seq2seq.cli.attention_tables import format_attention
from attention_seq2seq.cli.corpora import open_prompts
from attention_seq2seq.cli.generate import format_json
from attention_seq2seq.utils.resumable import resumable_file
from helpers.scripts import run_script, start_script

PROMPTS = ["今天晚上吃什么", "", "周末早上喝什么", "龘" * 300, "\ta\tb", "早上\r"]


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes("\n".join(PROMPTS).encode() + "\n\ufffd\n".encode())
    return path


def test_replies_are_written_in_the_order_of_the_prompts(meals_dir, tmp_path, prompts):
    out = tmp_path / "out.txt"
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert result.returncode == 0
    assert result.stdout == f"Wrote the replies to {len(PROMPTS) + 1} prompts to {out}.\n"
    lines = out.read_text(encoding="utf-8").split("\n")
    assert len(lines) == len(PROMPTS) + 2
    assert (lines[0], lines[2], lines[-1]) == ("晚上吃烤鸭吧", "早上喝豆浆吧", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]
    rerun = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert rerun.returncode != 0
    assert "out.txt exists. Remove it" in rerun.stderr


def test_jsonl_replies_of_piped_prompts(meals_dir):
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
    first_line, second_line = map(json.loads, result.stdout.splitlines())
    assert first_line["prompt_tokens"] == ["今天", "晚上", "吃", "什么"]
    assert first_line["replies"][0]["text"] == "晚上吃烤鸭吧"
    assert first_line["replies"][0]["score"] >= first_line["replies"][1]["score"]
    attention = first_line["replies"][0]["attention"]
    assert [len(attention), len(attention[0])] == [5, 4]
    assert first_line["prompt_words"] == first_line["prompt_tokens"]
    assert first_line["replies"][0]["words"] == ["晚上", "吃", "烤鸭", "吧"]
    assert "word_attention" not in first_line["replies"][0]
    assert second_line["replies"][0]["text"] == "早上喝豆浆吧"


def test_tables_have_a_label_for_each_word(spelled_chat):
    (reply,) = spelled_chat.reply(["晚上吃龘龘zqwx"])
    line = json.loads(format_json("晚上吃龘龘zqwx", [reply]))
    assert line["prompt_words"][-2:] == ["龘", "zqwx"]
    assert any(token.startswith("＃") for token in line["prompt_tokens"])
    table = line["replies"][0]["word_attention"]
    assert [len(table), len(table[0])] == [len(reply.words) + 1, len(line["prompt_words"])]
    assert sum(table[0]) == pytest.approx(1, abs=1e-3)
    lines = format_attention(reply).splitlines()
    assert "zqwx" in "".join(lines) and "＃" not in "".join(lines)


def test_gzip_is_read_from_a_file_and_a_pipe(meals_dir, tmp_path):
    compressed, pipe = tmp_path / "in.txt.gz", tmp_path / "pipe"
    compressed.write_bytes(gzip.compress("\ufeff今天晚上吃什么\n周末早上喝什么\n".encode()))
    result = run_script("generate", f"--model_dir={meals_dir}", stdin=compressed)
    assert (result.stdout, result.stderr) == ("晚上吃烤鸭吧\n早上喝豆浆吧\n", "")
    os.mkfifo(pipe)
    with subprocess.Popen(f"cat {compressed} > {pipe}", shell=True):
        for path in (compressed, pipe):
            with open_prompts(str(path)) as prompts:
                assert list(prompts) == ["今天晚上吃什么", "周末早上喝什么"]


def test_wrong_encodings_fail_with_file_line_and_byte(meals_dir, tmp_path):
    path, out = tmp_path / "in.txt", tmp_path / "out.txt"
    path.write_bytes(b"hello\n" + "吃\n".encode("gbk"))
    message = "line 2: not UTF-8 text; byte 0xb3 at position 1 of the line"
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={path}", f"--output={out}"
    )
    assert result.returncode != 0
    assert f"{path}, {message}" in result.stderr
    assert not out.exists()
    # chat.py reads a pipe line by line.
    result = run_script("chat", f"--model_dir={meals_dir}", text=path.read_bytes())
    assert result.returncode != 0
    assert len(result.stdout.splitlines()) == 1
    assert f"standard input, {message}" in result.stderr


def test_concurrent_runs_with_the_same_output_fail(meals_dir, tmp_path):
    prompts, out = tmp_path / "in.txt", tmp_path / "out.txt"
    prompts.write_text("今天晚上吃什么\n", encoding="utf-8")
    arguments = f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    with resumable_file(str(out), {}) as writer:
        writer.skip(iter([]))
        result = run_script("generate", *arguments)
        assert result.returncode != 0
        assert f"{out}.part is in use by another process" in result.stderr
        list(writer.track(iter(["我的"])))
        writer.write(["我的\n"])
    assert out.read_text(encoding="utf-8") == "我的\n"
    assert "out.txt exists. Remove it" in run_script("generate", *arguments).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{", b"[]", b"{}", b'{"fingerprint": {}}', b"\xff", b'{"fingerprint": 3}'),
        b'{"fingerprint": {}, "lines": 1e999, "bytes": 1, "prompts": ""}',
        b'{"fingerprint": {}, "lines": 1, "bytes": -5, "prompts": ""}',
    ],
)
def test_damaged_job_files_fail(meals_dir, tmp_path, damage):
    prompts, out = tmp_path / "in.txt", tmp_path / "out.txt"
    prompts.write_text("今天晚上吃什么\n", encoding="utf-8")
    (tmp_path / "out.txt.part").write_bytes(b"some\n")
    (tmp_path / "out.txt.job").write_bytes(damage)
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--input={prompts}", f"--output={out}"
    )
    assert result.returncode != 0
    assert f"{out}.job is damaged" in result.stderr
    assert "Remove both to start again" in result.stderr
    assert (tmp_path / "out.txt.part").read_bytes() == b"some\n"


def test_partial_files_of_other_programs_are_kept(meals_dir, tmp_path):
    (tmp_path / "out.txt.part").write_bytes(b"mine")
    result = run_script(
        "generate", f"--model_dir={meals_dir}", f"--output={tmp_path}/out.txt", text="吃\n"
    )
    assert result.returncode != 0
    assert f"{tmp_path}/out.txt.part exists without {tmp_path}/out.txt.job" in result.stderr
    assert (tmp_path / "out.txt.part").read_bytes() == b"mine"


@pytest.mark.slow
def test_runs_resume_with_a_moved_model(meals_dir, tmp_path):
    """Models are identified by content, neither by path nor by modification time."""
    moved, out = shutil.copytree(meals_dir, tmp_path / "moved"), tmp_path / "out.txt"
    (moved / "best.npz").touch()
    flags = f"--model_dir={meals_dir}", f"--output={out}"
    interrupted_text = "今天晚上吃什么\n" * 1024
    # The first chunk is written before the invalid line is read.
    result = run_script("generate", *flags, text=interrupted_text.encode() + b"\xff\n")
    assert result.returncode != 0
    assert (tmp_path / "out.txt.job").exists()
    result = run_script(
        "generate", f"--model_dir={moved}", f"--output={out}", text=interrupted_text + "吃\n"
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1025


def test_empty_input_gives_empty_output(meals_dir, tmp_path):
    (tmp_path / "in.txt").touch()
    out = tmp_path / "out.txt"
    result = run_script(
        *("generate", f"--model_dir={meals_dir}", f"--input={tmp_path}/in.txt", f"--output={out}")
    )
    assert (result.returncode, "to 0 prompts" in result.stdout) == (0, True)
    assert out.read_bytes() == b""


@pytest.mark.slow
def test_killed_runs_resume(meals_dir, tmp_path):
    prompts, complete_path, out = (tmp_path / name for name in ("in.txt", "whole.txt", "out.txt"))
    lines = [f"{day}{time}{verb}什么{n}" for n in range(150) for day, time, verb in
             (("今天", "晚上", "吃"), ("周末", "早上", "喝"), ("明天", "中午", "买"))
             for _ in range(8)]  # fmt: skip
    prompts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = [f"--model_dir={meals_dir}", f"--input={prompts}", "--method=sample"]
    assert run_script("generate", *options, f"--output={complete_path}").returncode == 0
    part, job = (tmp_path / f"out.txt{suffix}" for suffix in (".part", ".job"))
    script = start_script(tmp_path, "generate", *options, f"--output={out}")
    while script.poll(0.01) is None and not (
        job.exists() and '"lines": 0' not in job.read_text(encoding="utf-8")
    ):
        pass
    script.kill()
    num_bytes = part.stat().st_size
    assert 0 < num_bytes < complete_path.stat().st_size
    # Simulates a kill within a line.
    with part.open("ab") as file:
        file.write("晚上".encode())

    for flags, message in [
        ([*options, "--sampling_seed=7"], "started with other values of sampling_seed"),
        (
            [f"--model_dir={meals_dir}", f"--input={complete_path}", "--method=sample"],
            "other prompts",
        ),
    ]:
        result = run_script("generate", *flags, f"--output={out}")
        assert result.returncode != 0
        assert message in result.stderr
    assert run_script("generate", *options, f"--output={out}").returncode == 0
    assert out.read_bytes() == complete_path.read_bytes()
    assert not part.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input=nowhere.txt"], "nowhere.txt: no such file"),
        (
            ["--method=beam", "--num_return_sequences=9"],
            "beam search returns at most beam_width replies",
        ),
        (["--output=nowhere/out.txt"], "nowhere/out.txt"),
    ],
)
def test_invalid_arguments_fail_with_a_reason(meals_dir, arguments, message):
    result = run_script("generate", f"--model_dir={meals_dir}", *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
