"""Formats the help of a command."""

import re
import shutil
import textwrap
from types import ModuleType

from absl import flags

from attention_seq2seq.cli.flag_files import config_summaries
from attention_seq2seq.cli.flags import PathListParser

_MAX_WIDTH = 80


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
    required = getattr(command, "REQUIRED_FLAGS", ())
    sections = [_fill_paragraphs(command.__doc__)]
    common = [
        _format_flag(flag_values[name], name in required)
        for name in (*required, *command.COMMON_FLAGS)
    ]
    sections.append("\n".join(["Common flags:", *common]))
    if not is_full:
        sections.append(f"{program} --helpfull lists all flags.")
        return "\n\n".join(sections)
    if details := getattr(command, "DETAILS", ""):
        sections.append(_fill_paragraphs(details))
    for title, group in flag_values.flags_by_module_dict().items():
        rest = [f for f in group if f.name not in (*required, *command.COMMON_FLAGS)]
        if rest:
            # Options are grouped by the summary of their class, other flags by a module name.
            title = title if " " in title else "Other flags"
            sections.append("\n".join([f"{title}:", *map(_format_flag, rest)]))
    if summaries := config_summaries(flag_values):
        entries = [f"  {name}\n{_indent(text)}" for name, text in summaries.items()]
        sections.append("\n".join(["Values of --config:", *entries]))
    return "\n\n".join(sections)


def format_number(value: float) -> str:
    """Formats a number without trailing zeros.

    Example:
        >>> format_number(10.0), format_number(1e-8), format_number(0.05)
        ('10', '1e-8', '0.05')
    """
    return re.sub(r"e([+-])0", r"e\1", str(value).removesuffix(".0"))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _MAX_WIDTH)


def _fill_paragraphs(text: str) -> str:
    """Wraps paragraphs. Paragraphs that start with an indent are not wrapped."""
    return "\n\n".join(
        paragraph if paragraph.startswith(" ") else textwrap.fill(paragraph, _width())
        for paragraph in text.strip().split("\n\n")
    )


def _indent(text: str) -> str:
    indent = 6 * " "
    return textwrap.fill(
        text, _width(), initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _format_flag(flag: flags.Flag, is_required: bool = False) -> str:
    name = f"  --[no]{flag.name}" if flag.boolean else f"  --{flag.name}"
    # absl prepends the choices of an enum, which the help text already lists.
    help = re.sub(r"^<[^>]*>: ", "", flag.help)
    choices = getattr(flag.parser, "enum_values", None) or ()
    if not all(choice in help for choice in choices):
        help = f"{help}; one of {', '.join(choices)}"
    details = _format_details(flag, help, is_required)
    return f"{name}\n{_indent(help + details)}"


def _format_details(flag: flags.Flag, help: str, is_required: bool) -> str:
    """Formats the syntax, the default and the range of a flag, in parentheses."""
    details = ["required"] if is_required else []
    is_list = isinstance(flag.parser, PathListParser | flags.ListParser)
    if is_list and "separated by commas" not in help:
        details.append("separated by commas")
    if flag.boolean:
        details.append(f"default {str(flag.default).lower()}")
    elif flag.default not in (None, "", []):
        default = flag.default
        details.append(
            f"default {format_number(default) if isinstance(default, float) else default}"
        )
    elif not is_required and not re.search(r"\b(default|omitted)\b", help):
        details.append("default none")
    low, high = (getattr(flag.parser, f"{side}_bound", None) for side in ("lower", "upper"))
    if low is not None:
        low = format_number(low)
        details.append(f"at least {low}" if high is None else f"{low} to {format_number(high)}")
    return f" ({', '.join(details)})" if details else ""
