"""The program `attention-seq2seq`: its commands, its flags and its errors."""

import os
import subprocess
import sys

import pytest
from absl import flags

from attention_seq2seq import __version__
from attention_seq2seq.cli import main as cli
from attention_seq2seq.cli import runner
from attention_seq2seq.cli.flags import CONFIGS_DIR, expand_flagfiles
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
    assert run() == run("--help") == run("help") == 0
    output = capsys.readouterr().out
    assert all(f"\n  {name} " in output for name in cli.COMMANDS)
    assert max(map(len, output.splitlines())) <= 80


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
        (["--model_dir=x", "--epoch=3"], "Unknown command line flag 'epoch'. Did you mean: epochs"),
        (["--model_dir=x", "y"], "unexpected argument 'y'; expected --name=value"),
        (["--epochs=3"], "Flag --model_dir must have a value"),
        (["--model_dir=x", "--config=demmo"], "--config=demmo: expected one of chat, "),
    ],
)
def test_invalid_flags_exit_with_status_2(arguments, message, capsys):
    assert run("train", *arguments) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.endswith("See attention-seq2seq train --help.\n")


def test_commands_reject_the_flags_of_other_commands(capsys, tmp_path):
    """`--beam_width` is a flag of chat only, `--epochs` one of train only."""
    global_flags = set(flags.FLAGS)
    for name, flag in (("train", "--beam_width=3"), ("chat", "--epochs=3"), ("train", "--top_p=1")):
        assert run(name, f"--model_dir={tmp_path}", flag) == 2
        assert "Unknown command line flag" in capsys.readouterr().err
    assert set(flags.FLAGS) == global_flags


def test_errors_name_the_flags_of_options(capsys, tmp_path):
    assert run("train", f"--model_dir={tmp_path}", "--num_layers=1", "--num_decoder_layers=2") == 1
    assert capsys.readouterr().err.endswith("(--num_decoder_layers, --num_layers)\n")


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


@pytest.mark.parametrize("module", ["attention_seq2seq.cli.main", "experiments.console"])
def test_commands_and_scripts_silence_tensorflow(module):
    """The messages of TensorFlow would precede the output of a command."""
    code = f"import os, {module}, tensorflow; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT)
    assert (result.stdout, result.stderr) == ("3\n", "")
