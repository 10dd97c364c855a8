"""Files of flags: `--flagfile`, and the named configurations of `--config`."""

import re
from collections.abc import Collection
from pathlib import Path

from absl import flags

from attention_seq2seq.cli.flags import PathParser
from attention_seq2seq.utils.files import iter_text_lines

CONFIGS_DIR = Path(__file__).parent / "configs"


def expand_flagfiles(
    arguments: list[str],
    flag_names: Collection[str] | None = None,
    parents: tuple[str, ...] = (),
) -> list[str]:
    """Replaces each `--flagfile` and `--config` by the flags of its file.

    `--config=demo` is the file `demo.flags` of this package. A flag file has one flag per line;
    blank lines and lines that start with `#` or `//` are skipped. The flags of a configuration come
    first, so that other flags take precedence regardless of their order.

    Args:
        arguments: the command line without the program.
        flag_names: names of the flags of the command; None: any flag.
        parents: paths of the files that contain the arguments.

    Raises:
        ValueError: a file cannot be read, is not UTF-8, or includes itself, or a configuration has
            a flag that is not in `flag_names`.
    """
    config_flags, expanded, remaining = [], [], iter(arguments)
    for argument in remaining:
        name, equals, value = argument.partition("=")
        if argument == "--":
            return [*config_flags, *expanded, argument, *remaining]
        flag = name.lstrip("-")
        if not name.startswith("-") or flag not in ("flagfile", "config"):
            expanded.append(argument)
            continue
        value = value if equals else next(remaining, "")
        is_config = flag == "config"
        path = _config_path(value, flag_names) if is_config else PathParser().parse(value)
        if path in parents:
            raise ValueError(f"--flagfile={path} includes itself.")
        if Path(path).is_dir():
            raise ValueError(f"--flagfile={path} is a directory; expected one flag per line.")
        if not Path(path).exists():
            raise ValueError(f"--flagfile={path}: no such file; expected one flag per line.")
        file_flags = expand_flagfiles(_read_flags(path), flag_names, (*parents, path))
        (config_flags if is_config else expanded).extend(file_flags)
    return config_flags + expanded


def config_summaries(flag_names: Collection[str] | None = None) -> dict[str, str]:
    """Returns the first sentence of each configuration, by name.

    Args:
        flag_names: names of the flags of a command; None: any flag. Configurations with other flags
            are omitted.

    Example:
        >>> config_summaries()["demo_no_attention"]
        'The demo model without attention.'
    """
    summaries = {}
    for path in sorted(CONFIGS_DIR.glob("*.flags")):
        if _has_foreign_flag(path, flag_names):
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        comment = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
        summaries[path.stem] = re.split(r"(?<=\.) (?=[A-Z])", comment)[0]
    return summaries


def define_config(flag_values: flags.FlagValues) -> None:
    """Defines `--config` for the help, if a configuration has only flags of this command.

    `expand_flagfiles` replaces the flag before flags are parsed.
    """
    if names := list(config_summaries(flag_values)):
        flags.DEFINE_string(
            "config",
            None,
            f"named set of flags: {', '.join(names)}; flags on the command line take precedence",
            flag_values=flag_values,
        )


def _read_flags(path: str | Path) -> list[str]:
    with Path(path).open("rb") as file:
        lines = [line.strip() for line in iter_text_lines(file, str(path))]
    return [line for line in lines if line and not line.startswith(("#", "//"))]


def _has_foreign_flag(path: Path, flag_names: Collection[str] | None) -> bool:
    """Returns whether a file has a flag that is not in `flag_names`."""
    if flag_names is None:
        return False
    names = [argument.lstrip("-").partition("=")[0] for argument in _read_flags(path)]
    return not all({name, name.removeprefix("no")} & set(flag_names) for name in names)


def _config_path(name: str, flag_names: Collection[str] | None) -> str:
    path, names = CONFIGS_DIR / f"{name}.flags", list(config_summaries(flag_names))
    if name in names:
        return str(path)
    prefix = "expected one of" if names[1:] else "expected"
    expectation = f"{prefix} {', '.join(names)}" if names else "omit the flag"
    if name in config_summaries():
        raise ValueError(f"--config={name} is not for this command; {expectation}.")
    raise ValueError(f"--config={name}: {expectation}.")
