"""Closed standard streams, locales, paths and flag files."""

import os
import shlex
import subprocess
import sys

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.api import train
from helpers.scripts import ROOT, run_script

QUESTION = "今天晚上吃什么"
SHORT_TRAINING = "--epochs=2", "--units=8", "--validation_fraction=0", "--attention=none"

DIAGNOSTICS = ("Reply collapse", "Uniform attention", "Overfitting")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "meals.tsv"
    path.write_text("早上吃什么\t早上吃包子吧\n晚上吃什么\t晚上吃烤鸭吧\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("closed", [[0, 1, 2], pytest.param([1], marks=pytest.mark.slow)], ids=str)
def test_closed_streams_are_ignored(meals_dir, tmp_path, corpus, closed):
    result = run_script(
        "train", f"--model_dir={tmp_path}/m", f"--data={corpus}", *SHORT_TRAINING, closed=closed
    )
    assert (result.returncode, "Traceback" in result.stderr) == (0, False)
    assert (tmp_path / "m/finished").exists() and Chat.load(tmp_path / "m")
    result = run_script("chat", f"--model_dir={meals_dir}", text=QUESTION, closed=closed)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == ("" if {0, 1} & set(closed) else "晚上吃烤鸭吧\n")


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param("closed", id="closed"),
        pytest.param(None, id="none", marks=pytest.mark.slow),
        pytest.param(object(), id="odd", marks=pytest.mark.slow),
    ],
)
def test_training_without_standard_output(tmp_path, corpus, monkeypatch, stream):
    if stream == "closed":
        stream = (tmp_path / "stream").open("w", encoding="utf-8")
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    config = Config(model=ModelConfig(units=4), training=TrainingConfig(epochs=1))
    train([("早上吃什么", "早上吃包子吧")] * 2, tmp_path / "m", config, [])


def test_training_continues_after_its_output_pipe_closes(tmp_path, corpus):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    flags = f"--model_dir={tmp_path}/m", f"--data={corpus}", *SHORT_TRAINING, "--epochs=9"
    with subprocess.Popen(["head", "-1", pipe], stdout=subprocess.PIPE, text=True) as reader:
        result = run_script("train", *flags, stdout=pipe)
        assert len(reader.stdout.read().splitlines()) == 1
    assert result.returncode == 0
    assert not [line for line in result.stderr.splitlines() if not line.startswith(DIAGNOSTICS)]
    assert (tmp_path / "m/finished").exists()


LOCALES = {
    "streams": {"PYTHONIOENCODING": "gbk"},
    "locale": {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"},
}


def run_in_locale(environment, name, *arguments):
    """Runs a script in a new process of Python. Returns the bytes of its streams."""
    return subprocess.run(
        [sys.executable, f"{ROOT}/experiments/{name}.py", *arguments],
        capture_output=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param(LOCALES["streams"], id="streams", marks=pytest.mark.slow),
        pytest.param(LOCALES["locale"], id="locale"),
    ],
)
def test_streams_and_arguments_are_utf8_in_any_locale(tmp_path, environment):
    """Analyzes a corpus, which needs no TensorFlow."""
    corpus = tmp_path / "问题.tsv"
    corpus.write_text(f"{QUESTION}\t晚上吃烤鸭吧\n" * 9, encoding="utf-8")
    folder, flags = tmp_path / "语料", ("--analyze_only", "--num_workers=1")
    result = run_in_locale(
        environment, "prepare", f"--prepared_dir={folder}", f"--data={corpus}", *flags
    )
    output = result.stdout.decode()
    assert "'晚上吃烤鸭吧' is the reply to" in output, result.stderr.decode()
    assert output.endswith(f"{folder}/statistics.json\n")
    assert (folder / "statistics.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("environment", LOCALES.values(), ids=LOCALES.keys())
def test_replies_are_utf8_in_any_locale(meals_dir, tmp_path, environment):
    prompts = tmp_path / "问题.txt"
    prompts.write_text(f"{QUESTION}\n", encoding="utf-8")
    flags = f"--model_dir={meals_dir}", f"--input={prompts}", "--target_prefix=早上"
    result = run_in_locale(environment, "generate", *flags)
    assert result.stdout.decode().startswith("早上"), result.stderr.decode()


def test_arguments_in_another_encoding_fail(meals_dir):
    command = [sys.executable, f"{ROOT}/experiments/chat.py", f"--model_dir={meals_dir}"]
    result = subprocess.run([*command, b"--prompt=\xbd\xf1"], capture_output=True, text=True)
    assert result.returncode != 0
    assert "--prompt is not UTF-8" in result.stderr


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("train", ["--model_dir="]),
        ("train", ["--model_dir=m", "--data="]),
        ("prepare", ["--prepared_dir=", "--data=a"]),
        ("generate", ["--model_dir=m", "--output="]),
        ("generate", ["--model_dir=m", "--input="]),
        ("evaluate", ["--model_dir=m", "--json="]),
        ("chat", ["--model_dir="]),
        ("export", ["--model_dir=m", "--export_dir="]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_empty_paths_fail(tmp_path, name, flags):
    result = run_script(name, *flags, cwd=tmp_path)
    assert result.returncode != 0
    assert "the path is empty" in result.stdout + result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_corpora_may_be_pipes(tmp_path, corpus):
    corpus_pipe, vectors_pipe = tmp_path / "pairs", tmp_path / "vectors"
    for pipe in (corpus_pipe, vectors_pipe):
        os.mkfifo(pipe)
    flags = f"--data={corpus_pipe}", f"--pretrained_embeddings={vectors_pipe}"
    vectors = "早上 " + "0.5 " * 8
    writers = f"cat {corpus} > {corpus_pipe} & echo {vectors} > {vectors_pipe}; wait"
    with subprocess.Popen(writers, shell=True):
        result = run_script("train", f"--model_dir={tmp_path}/m", *flags, *SHORT_TRAINING)
    assert result.returncode == 0, result.stderr
    assert "Training on 2 pairs" in result.stdout
    assert "1 tokens start with the vectors" in result.stdout
    result = run_script("prepare", f"--prepared_dir={tmp_path}/p", f"--data={corpus_pipe}")
    assert result.returncode != 0
    assert "is a pipe, which can be read only once" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("--units=4\n--data_license=今天\n".encode("gbk"), "line 2: not UTF-8 text"),
        (b"--flagfile={tmp}/own.flags\n", "own.flags includes itself"),
        (b"--flagfile={tmp}/none.flags\n", "none.flags: no such file"),
    ],
    ids=["GBK", "itself", "none"],
)
def test_unreadable_flag_files_fail(tmp_path, content, message):
    path = tmp_path / "own.flags"
    path.write_bytes(content.replace(b"{tmp}", str(tmp_path).encode()))
    result = run_script("train", f"--model_dir={tmp_path}/m", f"--flagfile={path}")
    assert result.returncode != 0
    assert str(tmp_path) in result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_paths_may_have_commas_blanks_and_tildes(tmp_path):
    """The printed command is quoted. Flag files may have a byte order mark and comments."""
    directory = tmp_path / "a, b"
    (directory / "cwd").mkdir(parents=True)
    (directory / "x,y.tsv").write_text("早上吃什么\t早上吃包子吧\n" * 3, encoding="utf-8")
    (directory / "z.tsv").write_text("晚上吃什么\t晚上吃烤鸭吧\n" * 3, encoding="utf-8")
    (directory / "words.txt").write_text("包子吧 5\n", encoding="utf-8")
    (directory / "own.flags").write_text(
        '\ufeff--units=6\r\n# small\n\n// and short\n--data="~/x,y.tsv","~/z.tsv"\n',
        encoding="utf-8",
    )
    streams = {"cwd": directory / "cwd", "HOME": str(directory)}
    model = f"--model_dir={directory}/m,6"
    flags = [model, *SHORT_TRAINING, f"--flagfile={directory}/own.flags"]
    result = run_script("train", *flags, "--user_dictionary=~/words.txt", **streams)
    assert "Training on 6 pairs" in result.stdout, result.stderr
    assert Chat.load(directory / "m,6").config.model.units == 6
    (command,) = [line for line in result.stdout.splitlines() if "attention-seq2seq chat" in line]
    # The arguments after shell parsing.
    assert shlex.split(command)[-1] == model
    result = run_script("chat", "--model_dir=~/m,6", "--prompt=早上吃什么", **streams)
    assert result.returncode == 0, result.stderr
    result = run_script("chat", "--model_dir=~/not there", "--prompt=早上吃什么", **streams)
    assert f"{directory}/not there: no such directory" in result.stderr
    result = run_script("train", "--model_dir=~nobody-of-this-name/m", **streams)
    assert result.returncode != 0
    assert "there is no such home directory" in result.stdout + result.stderr
    assert not list((directory / "cwd").iterdir())


def test_a_full_disk_behind_standard_output_is_reported_once(tmp_path, corpus):
    flags = f"--prepared_dir={tmp_path}/p", f"--data={corpus}", "--num_workers=1"
    result = run_script("prepare", *flags, stdout="/dev/full")
    assert result.returncode == 0
    assert result.stderr.count("Cannot write to standard output (No space left on device)") == 1
    assert "Traceback" not in result.stderr


def test_a_command_starts_after_its_output_pipe_closed(tmp_path):
    corpus, pipe = tmp_path / "pairs.tsv", tmp_path / "pipe"
    corpus.write_text("你好\t你好呀\n坏\n" * 9, encoding="utf-8")
    os.mkfifo(pipe)
    flags = f"--prepared_dir={tmp_path}/p", f"--data={corpus}", "--num_workers=1"
    # `true` opens the pipe, and ends.
    with subprocess.Popen(f"true < {pipe}", shell=True):
        result = run_script("prepare", *flags, "--skip_bad_lines", stdout=pipe)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "p/manifest.json").exists()
