"""The program `attention-seq2seq`: its commands, its flags and its errors."""

import os
import subprocess
import sys

import pytest
from absl import flags

from attention_seq2seq import __version__
from attention_seq2seq.cli import main as cli
from attention_seq2seq.cli import runner
from attention_seq2seq.cli.flag_files import CONFIGS_DIR, expand_flagfiles
from attention_seq2seq.cli.next_command import print_next_command
from helpers.scripts import ROOT


@pytest.fixture(autouse=True)
def keep_streams(monkeypatch):
    """Commands reconfigure the standard streams and the logging of their process."""
    for name in ("configure_streams", "ensure_utf8_mode", "configure_logging"):
        monkeypatch.setattr(runner, name, lambda *_: None)


def run(*arguments):
    """Runs the program. Returns its exit status."""
    try:
        cli.main(list(arguments))
    except SystemExit as exit:
        return exit.code
    return 0


def test_help_lists_all_commands(capsys):
    assert run("--help") == run("help") == 0
    output = capsys.readouterr().out
    assert all(f"\n  {name} " in output for name in cli.COMMANDS)
    assert max(map(len, output.splitlines())) <= 80


def test_no_arguments_print_the_usage_as_an_error(capsys):
    assert run() == 2
    output = capsys.readouterr()
    assert (output.out, output.err.startswith("Usage: ")) == ("", True)


def test_help_of_a_command_is_that_of_its_help_flag(capsys):
    assert run("help", "train") == 0
    help = capsys.readouterr().out
    assert run("train", "--help") == 0
    assert help == capsys.readouterr().out
    assert run("help", "trian") == 2


def test_version_is_that_of_the_package(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"attention-seq2seq {__version__}\n"


def test_unknown_commands_fail_with_a_suggestion(capsys):
    assert run("trian") == 2
    errors = capsys.readouterr().err
    assert "unknown command 'trian'. Did you mean 'train'?" in errors


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_common_flags_exist(name, capsys):
    assert run(name, "--help") == 0
    assert f"attention-seq2seq {name} --helpfull lists all flags." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--epoch=3"], "unknown flag --epoch. Did you mean --epochs?"),
        (["train", "--model_dir=x", "y"], "unexpected argument 'y'; expected --name=value."),
        (["train", "--epochs=3"], "--model_dir is required."),
        (["prepare", "--prepared_dir=x"], "--data is required."),
        (["export"], "--model_dir and --export_dir are required."),
        (["train", "--config=demmo"], "--config=demmo: expected one of chat, "),
        (["chat", "--config=demmo"], "--config=demmo: expected mmi."),
        (["chat", "--config=demo"], "--config=demo is not for this command; expected mmi."),
        (["prepare", "--config=mmi"], "--config=mmi is not for this command; omit the flag."),
        (["train", "--epochs=abc"], "--epochs=abc: expected an integer of at least 1."),
        (["chat", "--context_turns=a: b"], "--context_turns=a: b: expected an integer."),
        (["train", "--dropout=1"], "--dropout=1: expected a number from 0 to 0.9."),
        (["train", "--learning_rate=abc"], "expected a number from 1e-8 to 10."),
        (["train", "--lowercase=maybe"], "--lowercase=maybe: expected true or false."),
        (["train", "--cell=rnn"], "--cell=rnn: expected one of lstm, gru."),
        (["prepare", "--filters=short,all"], "--filters=short,all: expected any of duplicates, "),
        (["train", "--model_dir="], "--model_dir=: the path is empty."),
        (["train", "--flagfile=tests"], "--flagfile=tests is a directory; expected one flag"),
    ],
    ids=" ".join,
)
def test_invalid_flags_exit_with_status_2(arguments, message, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert run(*arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.endswith(f"See attention-seq2seq {arguments[0]} --help.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--model_dir={tmp}/file"], "{tmp}/file is a file; expected a directory."),
        (["train", "--model_dir={tmp}/file/x/m"], "create {tmp}/file/x/m: {tmp}/file is a file."),
        (["prepare", "--prepared_dir={tmp}/file", "--data=x"], "{tmp}/file is a file; expected"),
        (["prepare", "--prepared_dir={tmp}/p", "--data={tmp}"], "is a prepared dataset, which"),
        (
            ["evaluate", "--model_dir=x", "--data={tmp}"],
            "is a prepared dataset, which",
        ),
        (
            ["evaluate", "--model_dir=x", "--json={tmp}"],
            "is a directory; expected the path of",
        ),
        (["generate", "--model_dir=x", "--input={tmp}"], "{tmp} is a directory. Expected a file"),
        (
            ["generate", "--model_dir=x", "--output={tmp}"],
            "is a directory; expected the path of",
        ),
        (["export", "--model_dir=a,b", "--export_dir={tmp}/x"], "takes one model, not an ensemble"),
        (["export", "--model_dir=a", "--export_dir={tmp}/file/x"], "{tmp}/file is a file. Give"),
        (["chat", "--model_dir=a"], "a: no such directory. Expected the directory of a trained"),
        (["generate", "--model_dir={tmp},a"], "model; attention-seq2seq train trains one."),
        (["evaluate", "--model_dir={tmp}", "--baseline=a"], "a: no such directory. Expected the"),
        (["export", "--model_dir=a", "--export_dir={tmp}/x"], "a: no such directory. Expected the"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_paths_are_checked_first(arguments, message, capsys, tmp_path):
    """Before a corpus or a model is read."""
    for name in ("file", "manifest.json"):
        (tmp_path / name).touch()
    assert run(*(argument.format(tmp=tmp_path) for argument in arguments)) == 1
    assert message.format(tmp=tmp_path) in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 2


def test_flags_take_precedence_over_configurations():
    config_flags = expand_flagfiles(["--config=demo"])
    assert expand_flagfiles(["--units=3", "--config=demo"]) == [*config_flags, "--units=3"]


def test_help_lists_configurations(capsys):
    assert run("chat", "--helpfull") == 0
    _, _, configs = capsys.readouterr().out.partition("Values of --config:\n")
    assert configs.startswith("  mmi\n      MMI decoding for a model trained with --prompt_dropout")
    assert run("prepare", "--helpfull") == 0
    assert "--config" not in capsys.readouterr().out


def test_the_next_command_exists(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin/python"))
    print_next_command("Chat", "chat", model_dir="m")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/attention-seq2seq").touch()
    print_next_command("Chat", "chat", model_dir="m")
    assert [line for line in capsys.readouterr().out.splitlines() if "m" in line] == [
        "  bin/python -m attention_seq2seq chat --model_dir=m",
        "  bin/attention-seq2seq chat --model_dir=m",
    ]


def test_commands_reject_the_flags_of_other_commands(capsys, tmp_path):
    """`--beam_width` is a flag of chat only, `--epochs` one of train only."""
    global_flags = set(flags.FLAGS)
    for name, flag in (("train", "--beam_width=3"), ("chat", "--epochs=3"), ("train", "--top_p=1")):
        assert run(name, f"--model_dir={tmp_path}", flag) == 2
        assert "unknown flag" in capsys.readouterr().err
    assert set(flags.FLAGS) == global_flags


def test_errors_name_the_flags_of_options(capsys, tmp_path):
    assert run("train", f"--model_dir={tmp_path}", "--num_layers=1", "--num_decoder_layers=2") == 1
    assert capsys.readouterr().err.endswith("(--num_decoder_layers, --num_layers)\n")
    flags = "--bidirectional", "--units=3"
    assert run("train", f"--model_dir={tmp_path}", *flags) == 1
    assert capsys.readouterr().err.endswith("(--bidirectional, --units)\n")


def test_errors_are_wrapped_on_a_terminal(capsys, monkeypatch):
    assert run("prepare", "--filters=all") == 2
    error = capsys.readouterr().err
    assert max(map(len, error.splitlines())) > 80
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert run("prepare", "--filters=all") == 2
    wrapped = capsys.readouterr().err
    assert wrapped.split() == error.split()
    assert max(map(len, wrapped.splitlines())) <= 80
    assert wrapped.endswith("\nSee attention-seq2seq prepare --help.\n")


def test_configs_are_package_data():
    names = sorted(path.stem for path in CONFIGS_DIR.glob("*.flags"))
    assert "demo" in names
    for name in names:
        assert expand_flagfiles([f"--config={name}"]) == expand_flagfiles(
            [f"--flagfile={CONFIGS_DIR / name}.flags"]
        )


def test_importing_commands_defines_no_flags():
    code = (
        "from absl import flags; old_flags = set(flags.FLAGS); "
        "from attention_seq2seq.cli import train, chat, generate, evaluate, export, prepare; "
        "assert set(flags.FLAGS) == old_flags, set(flags.FLAGS) - old_flags"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "module",
    ["attention_seq2seq.cli.main", pytest.param("experiments.console", marks=pytest.mark.slow)],
)
def test_commands_and_scripts_silence_tensorflow(module):
    """The messages of TensorFlow would precede the output of a command."""
    code = (
        f"import os, {module}; from attention_seq2seq.utils.native_output import import_tensorflow;"
        "import_tensorflow().constant(1); print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    assert (result.stdout, result.stderr) == ("3\n", "")
