"""Command-line flags for configuration options, paths and lists of paths."""

import csv
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from absl import flags

from attention_seq2seq.config.config import Config

# A flag belongs to the module that calls the functions of this module.
flags.disclaim_key_flags()


class PathParser(flags.ArgumentParser):
    """Parses a path; `~` is the home directory.

    Args:
        is_optional: whether the empty string is allowed.
    """

    syntactic_help = "a path"

    def __init__(self, is_optional: bool = False):
        self._is_optional = is_optional

    def parse(self, argument: str) -> str:
        """Returns the path with `~` expanded.

        Raises:
            ValueError: the path is empty, or names the home directory of an unknown user.
        """
        if not argument and not self._is_optional:
            raise ValueError("the path is empty")
        path = os.path.expanduser(argument)  # noqa: PTH111
        if path.startswith("~") and not Path(path).exists():
            raise ValueError("there is no such home directory")
        return path


class PathListParser(flags.ArgumentParser):
    """Parses paths separated by commas. Paths with a comma are in double quotes."""

    syntactic_help = "paths separated by commas; a path with a comma in double quotes"

    def parse(self, argument: str | list) -> list[str]:
        """Returns the paths. An argument that is an existing file is one path.

        Raises:
            ValueError: the quotes do not match, or one of the paths is invalid.
        """
        if isinstance(argument, list):
            return argument
        parse = PathParser().parse
        path = parse(argument)
        if Path(path).exists():
            return [path]
        try:
            (values,) = csv.reader([argument.strip()], strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError(f"not a list of paths ({error})") from None
        return [parse(value.strip()) for value in values]


class ChoiceListParser(flags.ListParser):
    """Parses a list of values separated by commas.

    Args:
        choices: the allowed values.
    """

    def __init__(self, choices: Iterable[str]):
        super().__init__()
        self._choices = tuple(choices)

    def parse(self, argument: str | list) -> list[str]:
        """Returns the values.

        Raises:
            ValueError: a value is not one of the choices.
        """
        values = super().parse(argument)
        if not set(values) <= set(self._choices):
            raise ValueError(f"expected any of {', '.join(self._choices)}")
        return values


class _PathListSerializer(flags.ArgumentSerializer):
    def serialize(self, value: list) -> str:
        return format_list(value)


def define_path(
    name: str, default: str | None, help: str, flag_values=flags.FLAGS, **options
) -> flags.FlagHolder:
    """Defines a flag for a path."""
    return flags.DEFINE(
        PathParser(default == ""), name, default, help, flag_values=flag_values, **options
    )


def define_paths(
    name: str, default: list | None, help: str, flag_values=flags.FLAGS, **options
) -> flags.FlagHolder:
    """Defines a flag for a list of paths."""
    return flags.DEFINE(
        PathListParser(),
        name,
        default,
        help,
        serializer=_PathListSerializer(),
        flag_values=flag_values,
        **options,
    )


def format_list(values: Iterable[str]) -> str:
    """Formats values for a list flag; values with commas or quotes are quoted.

    Example:
        >>> print(format_list(["a.tsv", "b,c.tsv"]))
        a.tsv,"b,c.tsv"
    """
    return ",".join(
        '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"') else value
        for value in values
    )


def define_config_flags(flag_values=flags.FLAGS) -> None:
    """Defines a flag for each option of `Config`."""
    for group in dataclasses.fields(Config):
        define_option_flags(group.type, flag_values)


def define_option_flags(config_class: type, flag_values=flags.FLAGS) -> None:
    """Defines a flag for each field of a configuration, grouped by its summary in the help."""
    title = config_class.__doc__.splitlines()[0].rstrip(".")
    for field in dataclasses.fields(config_class):
        _define_flag(field, {"flag_values": flag_values, "module_name": title})


def _define_flag(field: dataclasses.Field, options: dict) -> None:
    metadata = field.metadata
    name, default = field.name, field.default
    help = metadata["help"] + (f" [{metadata['unit']}]" if metadata["unit"] else "")
    bounds = {"lower_bound": metadata["low"], "upper_bound": metadata["high"]}
    if metadata["choices"] and isinstance(default, tuple):
        parser, serializer = ChoiceListParser(metadata["choices"]), flags.CsvListSerializer(",")
        flags.DEFINE(parser, name, list(default), help, serializer=serializer, **options)
    elif metadata["choices"]:
        flags.DEFINE_enum(name, default, metadata["choices"], help, **options)
    elif isinstance(default, bool):
        flags.DEFINE_bool(name, default, help, **options)
    elif isinstance(default, int):
        flags.DEFINE_integer(name, default, help, **bounds, **options)
    elif isinstance(default, float):
        flags.DEFINE_float(name, default, help, **bounds, **options)
    elif metadata["unit"] == "path":
        define_path(name, default, help, **options)
    elif metadata["unit"] == "paths":
        define_paths(name, list(default), help, **options)
    elif isinstance(default, tuple):
        flags.DEFINE_list(name, list(default), help, **options)
    else:
        flags.DEFINE_string(name, default, help, **options)


def config_from_flags(flag_values=flags.FLAGS) -> Config:
    """Builds a `Config` from flags."""
    return Config(
        **{
            group.name: options_from_flags(group.type, flag_values)
            for group in dataclasses.fields(Config)
        }
    )


def options_from_flags(config_class: type, flag_values=flags.FLAGS):
    """Builds a configuration of a class from flags."""
    return config_class(
        **{field.name: flag_values[field.name].value for field in dataclasses.fields(config_class)}
    )


def override_options(config: Config, arguments: Iterable[str]) -> Config:
    """Returns the config with its options overridden by flags.

    Args:
        config: the options to override.
        arguments: flags, such as `--units=64`; `--name` and `--noname` set a boolean.

    Raises:
        ValueError: a flag is unknown, or its value is invalid.
    """
    groups = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not equals and name.startswith("no"):
            name, value = name.removeprefix("no"), "false"
        group = next((key for key, options in groups.items() if name in vars(options)), None)
        if group is None:
            raise ValueError(
                f"{argument}: unknown flag. attention-seq2seq train --helpfull lists all."
            )
        try:
            parsed = _parse_value(groups[group], name, value)
        except ValueError:
            raise ValueError(f"{argument}: invalid value; expected a number.") from None
        groups[group] = dataclasses.replace(groups[group], **{name: parsed})
    return Config(**groups)


def _parse_value(options, name: str, text: str) -> Any:
    """Parses the value of a field of a configuration."""
    field = next(field for field in dataclasses.fields(options) if field.name == name)
    if isinstance(field.default, bool):
        return text.lower() not in ("false", "0")
    if field.metadata["unit"] == "path":
        return PathParser(is_optional=True).parse(text)
    if field.metadata["unit"] == "paths":
        return tuple(PathListParser().parse(text))
    return type(field.default)(text)


def parse_seeds(values: list[str]) -> list[int]:
    """Parses a list of distinct seeds.

    Raises:
        ValueError: a value is not a number, or occurs twice.
    """
    if not values or not all(map(str.isdigit, values)) or len(set(values)) < len(values):
        raise ValueError(f"--seeds={','.join(values)}; expected distinct numbers, as in 1,2,3.")
    return [int(value) for value in values]


def require_utf8_flags(flag_values=flags.FLAGS) -> None:
    """Checks that all flags except paths are valid UTF-8.

    Raises:
        ValueError: a flag is not valid UTF-8.
    """
    for name in flag_values:
        flag = flag_values[name]
        if not flag.present or isinstance(flag.parser, PathParser | PathListParser):
            continue
        values = flag.value if isinstance(flag.value, list) else [flag.value]
        # Python decodes invalid bytes of arguments to these surrogates.
        if any("\udc80" <= character <= "\udcff" for value in values for character in str(value)):
            raise ValueError(f"--{name} is not UTF-8. Use a terminal that is set to UTF-8.")
