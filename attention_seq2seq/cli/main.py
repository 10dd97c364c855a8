"""Entry point of `attention-seq2seq`."""

import difflib
import importlib
import sys

from attention_seq2seq import __version__
from attention_seq2seq.cli.runner import run_command

PROGRAM = "attention-seq2seq"
COMMANDS = {
    "prepare": "analyze, filter and tokenize a corpus of any size (optional)",
    "train": "train a model",
    "chat": "chat with a model, and see which words a reply came from",
    "generate": "reply to a file of prompts",
    "evaluate": "measure the quality of a model, with confidence intervals",
    "export": "export a model as a SavedModel, or for TensorFlow Lite",
}


def main(arguments: list[str] | None = None) -> None:
    """Runs the command named by the first argument.

    Args:
        arguments: the command line without the program; `sys.argv[1:]` by default.

    Raises:
        SystemExit: the command failed, or there is no such command.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        print(format_commands(), file=sys.stderr)
        sys.exit(2)
    name, *rest = arguments
    if name == "help" and rest:
        name, *rest = rest[0], "--help"
    if name in ("--help", "-h", "help"):
        print(format_commands())
    elif name == "--version":
        print(f"{PROGRAM} {__version__}")
    elif name not in COMMANDS:
        matches = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean {matches[0]!r}?" if matches else ""
        print(f"Error: unknown command {name!r}.{hint}\n\n{format_commands()}", file=sys.stderr)
        sys.exit(2)
    else:
        command = importlib.import_module(f"attention_seq2seq.cli.{name}")
        run_command(command, f"{PROGRAM} {name}", rest)


def format_commands() -> str:
    """Returns the help of the program, with the list of commands."""
    lines = [f"  {name:10}{summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            f"Usage: {PROGRAM} COMMAND [--flag=value ...]",
            "",
            "Attention seq2seq chat models on TensorFlow and Keras.",
            "",
            "Commands, in the order of use:",
            *lines,
            "",
            "First steps: train the demo model in a few minutes, and chat with it.",
            "",
            f"  {PROGRAM} train --model_dir=models/demo --config=demo",
            f"  {PROGRAM} chat --model_dir=models/demo",
            "",
            f"{PROGRAM} COMMAND --help describes a command.",
        ]
    )
