"""Runs a command: parses flags, prints help, and reports errors without a traceback."""

import re
import shutil
import signal
import sys
import textwrap
from types import ModuleType

from absl import flags

from attention_seq2seq.cli.flags import expand_flagfiles, require_utf8_flags
from attention_seq2seq.cli.logs import configure_logging
from attention_seq2seq.cli.streams import (
    configure_streams,
    ensure_utf8_mode,
    open_missing_streams,
    redirect_to_devnull,
)


def run_command(command: ModuleType, program: str, arguments: list[str]) -> None:
    """Runs a command in this process.

    Args:
        command: a module with a docstring, `COMMON_FLAGS` (the names of the flags that `--help`
            lists), `define_flags(flag_values)` and `run(flag_values)`. If `IS_FILTER` is true,
            the command ends when the reader of its output exits, as in `... | head`.
        program: name of the command as typed, such as `attention-seq2seq train`.
        arguments: the command line without the program.

    Raises:
        SystemExit: with status 1 if the command fails, 2 if the flags are invalid.
    """
    open_missing_streams()
    ensure_utf8_mode()
    configure_streams(getattr(command, "IS_FILTER", False))
    configure_logging()
    flag_values = flags.FlagValues()
    command.define_flags(flag_values)
    if any(name in arguments for name in ("--help", "-h", "-help", "--helpfull")):
        print(format_help(command, program, flag_values, "--helpfull" in arguments))
        return
    try:
        positional = flag_values([program, *expand_flagfiles(arguments)])[1:]
        if positional:
            raise flags.Error(f"unexpected argument {positional[0]!r}; expected --name=value")
        require_utf8_flags(flag_values)
    except (flags.Error, ValueError, OSError) as error:
        _exit(f"{error}\nSee {program} --help.", 2)
    try:
        command.run(flag_values)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has exited, as in `... | head`.
        redirect_to_devnull(sys.stdout)
    except (ValueError, OSError) as error:
        _exit(add_flag_names(str(error), flag_values), 1)
    except KeyboardInterrupt:
        # A second Ctrl-C would interrupt the exit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit("\nStopped.")


def add_flag_names(message: str, flag_values: flags.FlagValues) -> str:
    """Appends the flags of the options that an error message names.

    Example:
        >>> values = flags.FlagValues()
        >>> _ = flags.DEFINE_integer("max_length", 0, "", flag_values=values)
        >>> add_flag_names("max_length is -1.", values)
        'max_length is -1. (--max_length)'
    """
    # Option names have an underscore, or are followed by a value.
    pattern = r"(?<![\w/-])(?:[a-z]+(?:_[a-z0-9]+)+(?![\w/])|[a-z]+(?==))"
    words = dict.fromkeys(re.findall(pattern, message))
    names = [f"--{word}" for word in words if word in flag_values]
    return f"{message} ({', '.join(names)})" if names else message


def format_help(
    command: ModuleType, program: str, flag_values: flags.FlagValues, is_full: bool
) -> str:
    """Returns the help of a command, at most 80 columns wide.

    Args:
        command: the command.
        program: name of the command as typed.
        flag_values: the flags of the command.
        is_full: whether to list all flags by group instead of only the common flags.
    """
    width = min(shutil.get_terminal_size().columns, 80)
    sections = [_fill_paragraphs(command.__doc__, width)]
    common = [_format_flag(flag_values[name], width) for name in command.COMMON_FLAGS]
    sections.append("\n".join(["Common flags:", *common]))
    if not is_full:
        sections.append(f"{program} --helpfull lists all flags.")
        return "\n\n".join(sections)
    for title, group in flag_values.flags_by_module_dict().items():
        rest = [flag for flag in group if flag.name not in command.COMMON_FLAGS]
        if rest:
            # Options are grouped by the summary of their class, other flags by a module name.
            title = title if " " in title else "Other flags"
            sections.append("\n".join([f"{title}:", *(_format_flag(f, width) for f in rest)]))
    return "\n\n".join(sections)


def _fill_paragraphs(text: str, width: int) -> str:
    """Wraps paragraphs to a width. Indented paragraphs are examples and are not wrapped."""
    return "\n\n".join(
        paragraph if paragraph.startswith(" ") else textwrap.fill(paragraph, width)
        for paragraph in text.strip().split("\n\n")
    )


def _format_flag(flag: flags.Flag, width: int) -> str:
    name = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}"
    # absl prepends the choices of an enum, which the help text already lists.
    help = re.sub(r"^<[^>]*>: ", "", flag.help)
    choices = getattr(flag.parser, "enum_values", None) or ()
    if not all(choice in help for choice in choices):
        help = f"{help}; one of {', '.join(choices)}"
    text = textwrap.fill(
        help + _format_default(flag),
        width,
        initial_indent=6 * " ",
        subsequent_indent=6 * " ",
        break_on_hyphens=False,
    )
    return f"{name}\n{text}"


def _format_default(flag: flags.Flag) -> str:
    """Formats the default and the range of a flag, in parentheses."""
    details = []
    if flag.boolean:
        details.append(f"default {str(flag.default).lower()}")
    elif flag.default not in (None, "", []):
        details.append(f"default {flag.default}")
    low, high = (getattr(flag.parser, f"{side}_bound", None) for side in ("lower", "upper"))
    if low is not None:
        details.append(f"at least {low}" if high is None else f"{low} to {high}")
    return f" ({', '.join(details)})" if details else ""


def _exit(message: str, status: int) -> None:
    print(f"Error: {message}", file=sys.stderr)
    sys.exit(status)
