"""Error messages of a command: invalid flags, and errors of the library that name options."""

import difflib
import re
from collections.abc import Collection

from absl import flags

from attention_seq2seq.cli.help import format_number


def explain_flag_error(error: flags.Error, flag_values: flags.FlagValues) -> str:
    """Returns the message of an error of flag parsing, in the words of this package.

    Args:
        error: the error of absl.
        flag_values: the flags of the command.
    """
    if isinstance(error, flags.UnrecognizedFlagError):
        matches = difflib.get_close_matches(error.flagname, list(flag_values), 1)
        hint = f" Did you mean --{matches[0]}?" if matches else ""
        return f"unknown flag --{error.flagname}.{hint}"
    match = re.match(r"flag --(\w+)=", str(error))
    if not match or match[1] not in flag_values:
        return str(error)
    reason = str(error.__context__)
    assignment = str(error).removeprefix("flag ").removesuffix(f": {reason}")
    expectation = _expected_value(flag_values[match[1]].parser)
    return f"{assignment}: {expectation or reason}."


def require_flags(names: Collection[str], flag_values: flags.FlagValues) -> None:
    """Checks that required flags have a value.

    Raises:
        ValueError: a flag has no value. The message names all of these flags.
    """
    missing = [f"--{name}" for name in names if not flag_values[name].value]
    if missing:
        raise ValueError(f"{' and '.join(missing)} {'are' if missing[1:] else 'is'} required.")


def add_flag_names(message: str, flag_values: flags.FlagValues) -> str:
    """Appends the flags of the options that an error message names.

    Example:
        >>> values = flags.FlagValues()
        >>> _ = flags.DEFINE_integer("max_length", 0, "", flag_values=values)
        >>> _ = flags.DEFINE_bool("overwrite", False, "", flag_values=values)
        >>> add_flag_names("max_length is -1. Set overwrite to replace x.", values)
        'max_length is -1. Set overwrite to replace x. (--max_length, --overwrite)'
    """
    # Option names have an underscore, or occur in one of these contexts.
    pattern = r"""
        (?<![\w/-])(?:
            [a-z]+(?:_[a-z0-9]+)+(?![\w/])
          | [a-z]+(?==)
          | [a-z]+(?=\ is\ (?:['"\d]|-\d|true|false))
          | (?<=[Ss]et\ )[a-z]+\b
          | (?<=with\ )[a-z]+(?=\ [^;]*;\ now\ it\ is\ )
        )
    """
    words = dict.fromkeys(re.findall(pattern, message, re.VERBOSE))
    names = [f"--{word}" for word in words if word in flag_values]
    return f"{message} ({', '.join(names)})" if names else message


def _expected_value(parser: flags.ArgumentParser) -> str:
    """Describes the values of a flag; an empty string for flags with their own messages."""
    if choices := getattr(parser, "enum_values", None):
        return f"expected one of {', '.join(choices)}"
    if isinstance(parser, flags.BooleanParser):
        return "expected true or false"
    if not isinstance(parser, flags.IntegerParser | flags.FloatParser):
        return ""
    expectation = (
        f"expected {'an integer' if isinstance(parser, flags.IntegerParser) else 'a number'}"
    )
    low, high = parser.lower_bound, parser.upper_bound
    if low is None:
        return expectation
    if high is None:
        return f"{expectation} of at least {format_number(low)}"
    return f"{expectation} from {format_number(low)} to {format_number(high)}"
