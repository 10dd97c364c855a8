"""Runs studies and benchmarks, which use the global flags of absl."""

import signal
import sys

from absl import app, flags

from attention_seq2seq.cli.flag_files import expand_flagfiles
from attention_seq2seq.cli.flags import require_utf8_flags
from attention_seq2seq.cli.logs import configure_logging
from attention_seq2seq.cli.streams import (
    configure_streams,
    ensure_utf8_mode,
    open_missing_streams,
    redirect_to_devnull,
)

_arguments = []


def run_main(main, has_subcommand: bool = False) -> None:
    """Runs a script. Errors are printed as a message, with a nonzero exit status.

    Args:
        main: function of the positional arguments, which begin with the script's name.
        has_subcommand: whether positional arguments are allowed.
    """
    open_missing_streams()
    ensure_utf8_mode()
    configure_streams(is_filter=False)
    configure_logging()
    if "--help" in sys.argv[1:]:
        _print_help()
        return
    _arguments[:] = sys.argv[1:]
    try:
        sys.argv[1:] = expand_flagfiles(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    app.run(lambda argv: _call_main(main, argv, has_subcommand))


def command_arguments() -> list[str]:
    """Returns the command-line arguments before --config and --flagfile are expanded."""
    return list(_arguments)


def enable_determinism() -> None:
    """Makes a resumed run end with the same weights as an uninterrupted run."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def suppress_retracing_warnings() -> None:
    """Suppresses warnings about functions in a loop, because each run needs its own."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def _print_help() -> None:
    """Prints the module docstring, the flags of the script, and the flags of each group."""
    print(sys.modules["__main__"].__doc__)
    # Groups have a phrase as their name, modules a path.
    groups = [name for name in flags.FLAGS.flags_by_module_dict() if " " in name]
    for name in [sys.argv[0], *groups]:
        print(flags.FLAGS.module_help(name).strip("\n"), end="\n\n")


def _call_main(main, argv: list[str], has_subcommand: bool) -> None:
    if len(argv) > 1 and not has_subcommand:
        raise app.UsageError(f"unexpected argument {argv[1]!r}; expected --name=value")
    try:
        require_utf8_flags()
        main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has exited, as in `... | head`.
        redirect_to_devnull(sys.stdout)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        # A second Ctrl-C would interrupt the exit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit("\nStopped.")
