"""Command-line flags for config options, paths, lists of paths and flag files."""

import csv
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

from absl import flags

from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines

FLAGS = flags.FLAGS
# Flags defined by functions of this module belong to the calling script.
flags.disclaim_key_flags()


class PathParser(flags.ArgumentParser):
    """Parses a path. `~` is expanded to the home folder.

    Args:
        is_optional: whether an empty value is allowed.
    """

    syntactic_help = "a path"

    def __init__(self, is_optional: bool = False):
        self._is_optional = is_optional

    def parse(self, argument: str) -> str:
        """Returns the path.

        Raises:
            ValueError: The path is empty, or the home folder does not exist.
        """
        if not argument and not self._is_optional:
            raise ValueError("it is empty; expected a path")
        path = os.path.expanduser(argument)  # noqa: PTH111
        if path.startswith("~") and not Path(path).exists():
            raise ValueError("there is no such home folder; give the whole path")
        return path


class PathListParser(flags.ArgumentParser):
    """Parses comma-separated paths. Paths with commas are given alone or in double quotes."""

    syntactic_help = "comma-separated paths; double quotes around paths with commas"

    def parse(self, argument: str | list) -> list[str]:
        """Returns the paths. The path of an existing file may have commas.

        Raises:
            ValueError: The list is invalid, or a path is, see `PathParser.parse`.
        """
        if isinstance(argument, list):
            return argument
        parse = PathParser().parse
        single_path = parse(argument)
        if Path(single_path).exists():
            return [single_path]
        try:
            (values,) = csv.reader([argument.strip()], strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError(f"no list of paths ({error})") from None
        return [parse(value.strip()) for value in values]


class _PathListSerializer(flags.ArgumentSerializer):
    def serialize(self, value: list) -> str:
        return format_list(value)


def define_path(name: str, default: str | None, help: str, **options) -> flags.FlagHolder:
    """Defines a path flag."""
    return flags.DEFINE(PathParser(default == ""), name, default, help, **options)


def define_paths(name: str, default: list | None, help: str, **options) -> flags.FlagHolder:
    """Defines a flag with a list of paths."""
    return flags.DEFINE(
        PathListParser(), name, default, help, serializer=_PathListSerializer(), **options
    )


def format_list(values: Iterable[str]) -> str:
    """Formats values as a comma-separated flag, with double quotes where necessary."""
    return ",".join(
        '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"') else value
        for value in values
    )


def define_config_flags() -> None:
    """Defines a flag for each field of `Config`, with unit, range and default."""
    for group in dataclasses.fields(Config):
        define_flags(group.type)


def define_flags(options: type) -> None:
    """Defines a flag for each field of an options dataclass; `--help` groups them."""
    for field in dataclasses.fields(options):
        _define_flag(field, _group_title(options))


def _group_title(options: type) -> str:
    return options.__doc__.splitlines()[0].rstrip(".")


def _define_flag(field: dataclasses.Field, title: str) -> None:
    metadata = field.metadata
    unit = f" [{metadata['unit']}]" if metadata["unit"] else ""
    arguments = (field.name, field.default, metadata["help"] + unit)
    bounds = {"lower_bound": metadata["low"], "upper_bound": metadata["high"]}
    group = {"module_name": title}
    if metadata["choices"]:
        flags.DEFINE_enum(
            field.name, field.default, metadata["choices"], metadata["help"] + unit, **group
        )
    elif isinstance(field.default, bool):
        flags.DEFINE_bool(*arguments, **group)
    elif isinstance(field.default, int):
        flags.DEFINE_integer(*arguments, **bounds, **group)
    elif isinstance(field.default, float):
        flags.DEFINE_float(*arguments, **bounds, **group)
    elif metadata["unit"] == "path":
        define_path(*arguments, **group)
    elif metadata["unit"] == "paths":
        define_paths(field.name, list(field.default), metadata["help"] + unit, **group)
    elif isinstance(field.default, tuple):
        flags.DEFINE_list(field.name, list(field.default), metadata["help"] + unit, **group)
    else:
        flags.DEFINE_string(*arguments, **group)


def config_from_flags() -> Config:
    """Returns the config given by the flags."""
    return Config(
        **{group.name: options_from_flags(group.type) for group in dataclasses.fields(Config)}
    )


def options_from_flags(options: type):
    """Returns an options dataclass given by the flags."""
    return options(**{field.name: FLAGS[field.name].value for field in dataclasses.fields(options)})


def override_options(config: Config, options: Iterable[str]) -> Config:
    """Returns the config with options overridden by flags, for example "--units=8".

    Boolean flags need no value.

    Raises:
        ValueError: A flag is unknown, or its value is invalid.
    """
    groups = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for option in options:
        name, equals, value = option.removeprefix("--").partition("=")
        if not equals and name.startswith("no"):
            name, value = name.removeprefix("no"), "false"
        matches = [group for group, fields in groups.items() if name in vars(fields)]
        if not matches:
            raise ValueError(f"{option} is no flag of train.py; train.py --help lists them.")
        fields = groups[matches[0]]
        value_type = type(vars(fields)[name])
        try:
            if value_type is bool:
                value = value.lower() not in ("false", "0")
            else:
                value = _parse_option(fields, name, value)
        except ValueError:
            raise ValueError(f"{option}: expected a number, as train.py --help says.") from None
        groups[matches[0]] = dataclasses.replace(fields, **{name: value})
    return Config(**groups)


def _parse_option(options, name: str, text: str):
    """Returns the value of an option from the text of its flag."""
    field = next(field for field in dataclasses.fields(options) if field.name == name)
    if field.metadata["unit"] == "path":
        return PathParser(is_optional=True).parse(text)
    if field.metadata["unit"] == "paths":
        return tuple(PathListParser().parse(text))
    return type(field.default)(text)


def parse_seeds(values: list[str]) -> list[int]:
    """Parses the values of a flag that lists seeds.

    Raises:
        ValueError: The values are not distinct numbers.
    """
    if not values or not all(map(str.isdigit, values)) or len(set(values)) < len(values):
        raise ValueError(f"--seeds={','.join(values)}; expected distinct numbers, as in 1,2,3.")
    return [int(value) for value in values]


def expand_flagfiles(arguments: list[str], parents: tuple[str, ...] = ()) -> list[str]:
    """Replaces each --flagfile by the flags in the file.

    A flag file has one flag per line. Blank lines and lines that begin with # or // are ignored.

    Raises:
        ValueError: A file does not exist, is not UTF-8, or contains itself.
    """
    expanded, remaining = [], iter(arguments)
    for argument in remaining:
        name, equals, value = argument.partition("=")
        if argument == "--":
            return [*expanded, argument, *remaining]
        if name not in ("--flagfile", "-flagfile"):
            expanded.append(argument)
            continue
        path = PathParser().parse(value if equals else next(remaining, ""))
        if path in parents:
            raise ValueError(f"--flagfile={path} contains itself.")
        if not Path(path).exists() or Path(path).is_dir():
            raise ValueError(f"--flagfile={path}: no such file; expected one with a flag a line.")
        with Path(path).open("rb") as file:
            lines = [line.strip() for line in iter_text_lines(file, path)]
        file_flags = [line for line in lines if line and not line.startswith(("#", "//"))]
        expanded += expand_flagfiles(file_flags, (*parents, path))
    return expanded


def require_utf8_flags() -> None:
    """Checks that all flags except paths are UTF-8.

    Raises:
        ValueError: A flag is not UTF-8.
    """
    for name in FLAGS:
        flag = FLAGS[name]
        if not flag.present or isinstance(flag.parser, PathParser | PathListParser):
            continue
        values = flag.value if isinstance(flag.value, list) else [flag.value]
        # Surrogates that Python substitutes for bytes that are not UTF-8.
        if any("\udc80" <= character <= "\udcff" for value in values for character in str(value)):
            raise ValueError(f"--{name} is not UTF-8. Use a terminal that is set to UTF-8.")
