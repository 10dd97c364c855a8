"""What the scripts share: flags from the config, tables of a reply, errors as sentences."""

import contextlib
import csv
import dataclasses
import io
import logging
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def _open_missing_streams() -> None:
    """Opens what was closed before the start, as by `>&-`, on nothing.

    A file that is opened later would get the number of a closed stream, and whatever is printed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


# Before anything else opens a file.
_open_missing_streams()

# Before TensorFlow is imported; its start-up lines concern nobody who runs a script.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app, flags
from tqdm import tqdm

from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines, shell_quote

FLAGS = flags.FLAGS
# Flags that are defined by functions of this module are those of the script that calls them.
flags.disclaim_key_flags()
MODEL_DIRS_HELP = "the folder of a trained model; several, of the same words, answer together"


class _Path(flags.ArgumentParser):
    """A path as people type it: `~` is the home folder.

    Args:
        may_be_empty: whether an empty value means none.
    """

    syntactic_help = "a path"

    def __init__(self, may_be_empty: bool = False):
        self._may_be_empty = may_be_empty

    def parse(self, argument: str) -> str:
        """The path.

        Raises:
            ValueError: it is empty, or names the home of a user whom nobody knows.
        """
        if not argument and not self._may_be_empty:
            raise ValueError("it is empty; expected a path")
        path = os.path.expanduser(argument)  # noqa: PTH111
        if path.startswith("~") and not Path(path).exists():
            raise ValueError("there is no such home folder; give the whole path")
        return path


class _Paths(flags.ArgumentParser):
    """Paths with commas between; one that has a comma is given alone, or in double quotes."""

    syntactic_help = "paths with commas between; one with a comma stands in double quotes"

    def parse(self, argument: str | list) -> list[str]:
        """The paths; a single one that is there may have commas.

        Raises:
            ValueError: as for `_Path`.
        """
        if isinstance(argument, list):
            return argument
        parse = _Path().parse
        whole = parse(argument)
        if Path(whole).exists():
            return [whole]
        try:
            (values,) = csv.reader([argument.strip()], strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError(f"no list of paths ({error})") from None
        return [parse(value.strip()) for value in values]


class _PathSerializer(flags.ArgumentSerializer):
    def serialize(self, value: list) -> str:
        return as_list(value)


def define_path(name: str, default: str | None, help: str, **options) -> flags.FlagHolder:
    """A flag that is a path."""
    return flags.DEFINE(_Path(default == ""), name, default, help, **options)


def define_paths(name: str, default: list | None, help: str, **options) -> flags.FlagHolder:
    """A flag that is a list of paths."""
    return flags.DEFINE(_Paths(), name, default, help, serializer=_PathSerializer(), **options)


def as_list(values: Iterable[str]) -> str:
    """Values as a flag that is a list reads them: what holds a comma stands in quotes."""
    return ",".join(
        '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"') else value
        for value in values
    )


def define_config_flags() -> None:
    """One flag for each field of the config, with its unit, range and default."""
    for group in dataclasses.fields(Config):
        define_flags_of(group.type)


def define_flags_of(options: type) -> None:
    """One flag for each field of a dataclass of options; in `--help` they stand together."""
    for field in dataclasses.fields(options):
        _define(field, _title(options))


def _title(options: type) -> str:
    return options.__doc__.splitlines()[0].rstrip(".")


def _define(field: dataclasses.Field, title: str) -> None:
    about = field.metadata
    unit = f" [{about['unit']}]" if about["unit"] else ""
    arguments = (field.name, field.default, about["help"] + unit)
    bounds = {"lower_bound": about["low"], "upper_bound": about["high"]}
    group = {"module_name": title}
    if about["choices"]:
        flags.DEFINE_enum(
            field.name, field.default, about["choices"], about["help"] + unit, **group
        )
    elif isinstance(field.default, bool):
        flags.DEFINE_bool(*arguments, **group)
    elif isinstance(field.default, int):
        flags.DEFINE_integer(*arguments, **bounds, **group)
    elif isinstance(field.default, float):
        flags.DEFINE_float(*arguments, **bounds, **group)
    elif about["unit"] == "path":
        define_path(*arguments, **group)
    elif about["unit"] == "paths":
        define_paths(field.name, list(field.default), about["help"] + unit, **group)
    elif isinstance(field.default, tuple):
        flags.DEFINE_list(field.name, list(field.default), about["help"] + unit, **group)
    else:
        flags.DEFINE_string(*arguments, **group)


def _print_help(_) -> None:
    """What a script is, its own flags, then those of each group of options."""
    print(sys.modules["__main__"].__doc__)
    # Groups are named by a sentence, modules by a path.
    groups = [name for name in FLAGS.flags_by_module_dict() if " " in name]
    for name in [sys.argv[0], *groups]:
        print(FLAGS.module_help(name).strip("\n"), end="\n\n")


def config_from_flags() -> Config:
    """The config that the command line describes."""
    return Config(
        **{group.name: options_from_flags(group.type) for group in dataclasses.fields(Config)}
    )


def options_from_flags(options: type):
    """The options of a dataclass that the command line describes."""
    return options(**{field.name: FLAGS[field.name].value for field in dataclasses.fields(options)})


def with_options(config: Config, options: Iterable[str]) -> Config:
    """The config, changed as flags say; a bool may be its name alone.

    Raises:
        ValueError: there is no such flag, or it has no such value.
    """
    groups = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for option in options:
        name, equals, value = option.removeprefix("--").partition("=")
        if not equals and name.startswith("no"):
            name, value = name.removeprefix("no"), "false"
        found = [group for group, fields in groups.items() if name in vars(fields)]
        if not found:
            raise ValueError(f"{option} is no flag of train.py; train.py --help lists them.")
        fields = groups[found[0]]
        kind = type(vars(fields)[name])
        try:
            if kind is bool:
                value = value.lower() not in ("false", "0")
            else:
                value = _value_of(fields, name, value)
        except ValueError:
            raise ValueError(f"{option}: expected a number, as train.py --help says.") from None
        groups[found[0]] = dataclasses.replace(fields, **{name: value})
    return Config(**groups)


def _value_of(options, name: str, text: str):
    """What a flag of this text is in some options."""
    field = next(field for field in dataclasses.fields(options) if field.name == name)
    if field.metadata["unit"] == "path":
        return _Path(may_be_empty=True).parse(text)
    if field.metadata["unit"] == "paths":
        return tuple(_Paths().parse(text))
    return type(field.default)(text)


def seeds_of(values: list[str]) -> list[int]:
    """The seeds that a flag lists.

    Raises:
        ValueError: they are no numbers, or not different ones.
    """
    if not values or not all(map(str.isdigit, values)) or len(set(values)) < len(values):
        raise ValueError(
            f"--seeds={','.join(values)}; expected numbers, each another, as in 1,2,3."
        )
    return [int(value) for value in values]


def explanation(reply, picture: str | None = None) -> str:
    """Which words of the prompt each word of a reply came from: tables as wide as the terminal.

    Args:
        reply: a `Reply`.
        picture: a file that the tables are drawn into, too.
    """
    from attention_seq2seq.utils.text_tables import render_tables

    width = shutil.get_terminal_size().columns
    tables = render_tables(reply.rows, reply.prompt_tokens, _tables(reply), width)
    return f"{tables}\n{draw(reply, picture)}" if picture else tables


def draw(reply, picture: str) -> str:
    """Writes the tables of a reply as a picture, and says so."""
    from attention_seq2seq.utils.plotting import save_heatmaps

    expect_picture(picture)
    save_heatmaps(picture, reply.rows, reply.prompt_tokens, _tables(reply))
    return f"\nThe tables as a picture: {picture}"


def expect_folder_of(file: str | None) -> None:
    """Refuses a file that cannot be written, before the work whose result it is to hold."""
    if file and not Path(file).absolute().parent.is_dir():
        raise ValueError(f"{file}: there is no such folder; make it, or give another.")


def expect_picture(file: str | None) -> None:
    """Refuses a picture that cannot be written, before the work that it is to show."""
    if not file:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    expect_folder_of(file)
    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(file).suffix.lower()[1:] not in formats:
        raise ValueError(
            f"{file}: a picture's name tells its format, for example {Path(file).stem}.png; "
            f"expected one of {', '.join(formats)}."
        )


def _tables(reply) -> dict:
    tables = {"contribution": reply.contributions}
    if reply.attention_weights.size:
        tables = {"attention weights": reply.attention_weights, **tables}
    return tables


def make_repeatable() -> None:
    """Makes a training that is killed and run again end with the very weights it would have had."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def silence_retracing() -> None:
    """TensorFlow warns of functions that are made in a loop; each training has its own."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def corpus_of(config: Config):
    """The pairs that a model was trained on and those set aside, read from their files again."""
    from attention_seq2seq.data.default_corpus import load_corpus
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    data, seed = config.data, config.training.seed
    if is_prepared_dir(data.data):
        prepared = PreparedDataset.load(data.data[0])
        data, seed = prepared.data, prepared.preprocessing.seed
    corpus, skipped = load_corpus(data.data, data.skip_bad_lines, data.validation_fraction, seed)
    print_skipped(skipped)
    return corpus


def print_skipped(skipped: Mapping[str, int]) -> None:
    """How many lines of corpus files were left out as bad, by reason."""
    for reason, count in skipped.items():
        print(f"{count} bad lines left out: {reason}")


def say_how_to_talk(model_dir) -> None:
    """Prints the command that talks to a trained model."""
    say_how("Talk to it", "chat.py", model_dir=model_dir)


def say_how(what: str, name: str, **options) -> None:
    """Prints the command of a script, with this Python where it is local."""
    python = Path(sys.executable)
    here = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else "python"
    shown = "".join(f" --{option}={shell_quote(value)}" for option, value in options.items())
    print(f"\n{what}:\n  {shell_quote(here)} experiments/{name}{shown}")


@contextlib.contextmanager
def prompts_of(path: str | None) -> Iterator[Iterator[str]]:
    """The lines of a file of prompts, or of standard input.

    Args:
        path: a file, UTF-8, plain or gzip; None: standard input.

    Raises:
        ValueError: there is no such file; or, while iterating, a line is not UTF-8.
    """
    if path is None:
        yield iter_text_lines(sys.stdin.buffer, "standard input")
        return
    if not Path(path).exists() or Path(path).is_dir():
        raise ValueError(f"{path}: no such file; expected one with a prompt a line.")
    with Path(path).open("rb") as file:
        yield iter_text_lines(file, path)


@contextlib.contextmanager
def silent_errors():
    """Within it, nothing that C++ writes is shown: TensorFlow Lite counts its operations there.

    Errors of Python are raised as ever.
    """
    errors, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(errors, 2)
        os.close(nowhere)
        os.close(errors)


class _BesideBars(logging.StreamHandler):
    """Writes lines above a progress bar, if there is one; on a terminal no wider than it."""

    def emit(self, record):
        with tqdm.external_write_mode(self.stream):
            super().emit(record)

    def format(self, record):
        text = super().format(record)
        if not self.stream.isatty():
            return text
        return textwrap.fill(text, shutil.get_terminal_size().columns, break_long_words=False)

    def handleError(self, record):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        _silence(self.stream)
        # A reader that has gone, as in `... | head`, wants to hear no more.
        if not isinstance(error, BrokenPipeError) and self.stream is not sys.stderr:
            print(
                f"standard output cannot be written ({error.strerror}): further output "
                "is discarded; the work continues.",
                file=sys.stderr,
            )


class _News(io.TextIOWrapper):
    """Standard output that discards text after its reader has gone, as in `... | head`."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            _silence(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            _silence(self)


def _silence(stream) -> None:
    """What is written from now on, and what has not been yet, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def run(main, takes_names: bool = False, is_for_output: bool = False) -> None:
    """Runs a script: plain log lines, and errors that end in a sentence and a failing status.

    Args:
        main: called with the arguments that are no flags, the script's name the first of them.
        takes_names: whether there may be any but that.
        is_for_output: whether the work is of no use when nobody reads what it prints.
    """
    _expect_utf8()
    # Keeps bytes that are not UTF-8 recognizable.
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    if not is_for_output:
        at_once = {"line_buffering": sys.stdout.line_buffering}
        at_once["write_through"] = sys.stdout.write_through
        sys.stdout = _News(sys.stdout.detach(), encoding="utf-8", errors="replace", **at_once)
    package = logging.getLogger("attention_seq2seq")
    # News beside the results; warnings where they cannot be taken for answers.
    news, warnings = _BesideBars(sys.stdout), _BesideBars(sys.stderr)
    news.addFilter(lambda record: record.levelno < logging.WARNING)
    warnings.setLevel(logging.WARNING)
    package.addHandler(news)
    package.addHandler(warnings)
    package.setLevel(logging.INFO)
    package.propagate = False
    # It reports the building of its font cache, and where that is if there is no home folder.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "--help" in sys.argv[1:]:
        _guarded(_print_help)
        return
    try:
        sys.argv = _with_flagfiles(sys.argv)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    app.run(lambda argv: _guarded(main, argv, takes_names))


def _with_flagfiles(arguments: list[str], within: tuple[str, ...] = ()) -> list[str]:
    """Arguments with the flags of each --flagfile in its place.

    A line of a flag file is a flag; blank lines and those that begin with # or // are none.

    Raises:
        ValueError: a file cannot be read, is not UTF-8, or contains itself.
    """
    expanded, left = [], iter(arguments)
    for argument in left:
        name, equals, value = argument.partition("=")
        if argument == "--":
            return [*expanded, argument, *left]
        if name not in ("--flagfile", "-flagfile"):
            expanded.append(argument)
            continue
        path = _Path().parse(value if equals else next(left, ""))
        if path in within:
            raise ValueError(f"--flagfile={path} contains itself.")
        if not Path(path).exists() or Path(path).is_dir():
            raise ValueError(f"--flagfile={path}: no such file; expected one with a flag a line.")
        with Path(path).open("rb") as file:
            lines = [line.strip() for line in iter_text_lines(file, path)]
        flags_in_it = [line for line in lines if line and not line.startswith(("#", "//"))]
        expanded += _with_flagfiles(flags_in_it, (*within, path))
    return expanded


def _expect_utf8() -> None:
    """Starts Python anew in its UTF-8 mode where a locale has it read names in another encoding."""
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _refuse_other_encodings() -> None:
    """Files may have names that are not UTF-8, texts may not.

    Raises:
        ValueError: a flag that is a text is not UTF-8.
    """
    for name in FLAGS:
        flag = FLAGS[name]
        if not flag.present or isinstance(flag.parser, _Path | _Paths):
            continue
        values = flag.value if isinstance(flag.value, list) else [flag.value]
        # Python's way to keep bytes that are not UTF-8.
        if any("\udc80" <= letter <= "\udcff" for value in values for letter in str(value)):
            raise ValueError(f"--{name} is not UTF-8. Use a terminal that is set to UTF-8.")


def _guarded(main, argv=(), takes_names=False) -> None:
    if len(argv) > 1 and not takes_names:
        raise app.UsageError(f"{argv[1]!r} is no flag; flags are written --name=value.")
    try:
        _refuse_other_encodings()
        main(argv)
        sys.stdout.flush()
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output has gone, as in `... | head`.
            _silence(sys.stdout)
            return
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        # Pressed once more, it would interrupt the leaving.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit("\nStopped.")
