"""Runs a command: parses flags, prints help, and reports errors without a traceback."""

import signal
import sys
from types import ModuleType

from absl import flags

from attention_seq2seq.cli.error_messages import (
    add_flag_names,
    explain_flag_error,
    require_flags,
)
from attention_seq2seq.cli.flag_files import define_config, expand_flagfiles
from attention_seq2seq.cli.flags import require_utf8_flags
from attention_seq2seq.cli.help import format_help
from attention_seq2seq.cli.logs import configure_logging, wrap_for_terminal
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
            lists), `define_flags(flag_values)` and `run(flag_values)`. `REQUIRED_FLAGS` are listed
            first, and must have a value. `DETAILS` are paragraphs for `--helpfull`. If `IS_FILTER`
            is true, the command ends when the reader of its output exits, as in `... | head`.
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
    define_config(flag_values)
    if any(name in arguments for name in ("--help", "-h", "-help", "--helpfull")):
        print(format_help(command, program, flag_values, "--helpfull" in arguments))
        return
    try:
        positional = flag_values([program, *expand_flagfiles(arguments, list(flag_values))])[1:]
        if positional:
            raise ValueError(f"unexpected argument {positional[0]!r}; expected --name=value.")
        require_utf8_flags(flag_values)
        require_flags(getattr(command, "REQUIRED_FLAGS", ()), flag_values)
    except flags.Error as error:
        _exit(f"{explain_flag_error(error, flag_values)}\nSee {program} --help.", 2)
    except (ValueError, OSError) as error:
        _exit(f"{error}\nSee {program} --help.", 2)
    try:
        command.run(flag_values)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has exited, as in `... | head`.
        redirect_to_devnull(sys.stdout)
    except (ValueError, OSError, ImportError) as error:
        _exit(add_flag_names(str(error), flag_values), 1)
    except KeyboardInterrupt:
        # A second Ctrl-C would interrupt the exit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit("\nStopped.")


def _exit(message: str, status: int) -> None:
    print(wrap_for_terminal(f"Error: {message}", sys.stderr), file=sys.stderr)
    sys.exit(status)
