"""Suggests the next command to the user."""

import sys
from pathlib import Path

from attention_seq2seq.utils.files import shell_quote


def print_next_command(purpose: str, command: str, **options) -> None:
    """Prints a command line, such as `attention-seq2seq chat --model_dir=models/demo`.

    Args:
        purpose: heading above the command line.
        command: name of the command.
        **options: values of its flags, by name.
    """
    path = Path(sys.executable).with_name("attention-seq2seq")
    # A clone that is not installed has no such script.
    module = "" if path.exists() else " -m attention_seq2seq"
    path = path if path.exists() else Path(sys.executable)
    program = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name
    flags = "".join(f" --{name}={shell_quote(value)}" for name, value in options.items())
    print(f"\n{purpose}:\n  {shell_quote(program)}{module} {command}{flags}")
