"""Runs scripts: standard streams, logging, help and error messages."""

import contextlib
import io
import logging
import os
import shutil
import signal
import sys
import textwrap


def _open_missing_streams() -> None:
    """Opens standard streams that are closed, for example by `>&-`, on /dev/null.

    A file opened later would get the descriptor of a closed stream, and all printed text.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            mode = "w" if descriptor else "r"
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


# This must precede opening any other file.
_open_missing_streams()

# Silences the start-up messages of TensorFlow, which is imported later.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import app
from tqdm import tqdm

import config_flags


@contextlib.contextmanager
def suppress_stderr():
    """Hides output of C++ code on standard error, such as TensorFlow Lite's operation counts.

    Python exceptions are raised as usual.
    """
    saved_stderr, devnull = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    try:
        yield
    finally:
        os.dup2(saved_stderr, 2)
        os.close(devnull)
        os.close(saved_stderr)


class _TqdmLoggingHandler(logging.StreamHandler):
    """Logs above a progress bar, and wraps lines to the width of the terminal."""

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
        _redirect_to_devnull(self.stream)
        # A closed pipe, as in `... | head`, needs no message.
        if not isinstance(error, BrokenPipeError) and self.stream is not sys.stderr:
            print(
                f"standard output cannot be written ({error.strerror}): further output "
                "is discarded; the work continues.",
                file=sys.stderr,
            )


class _PipeTolerantWriter(io.TextIOWrapper):
    """Standard output that discards text after its pipe is closed, as in `... | head`."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            _redirect_to_devnull(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            _redirect_to_devnull(self)


def _redirect_to_devnull(stream) -> None:
    """Discards buffered and further text of a stream."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, stream.fileno())
    os.close(devnull)


def run_main(main, has_subcommand: bool = False, is_filter: bool = False) -> None:
    """Runs a script. Errors are printed as a message, with a nonzero exit status.

    Args:
        main: function of the positional arguments, which begin with the script's name.
        has_subcommand: whether positional arguments are allowed.
        is_filter: whether the script stops when its output pipe is closed.
    """
    _ensure_utf8_mode()
    # Invalid UTF-8 is kept as surrogates.
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.stderr.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    if not is_filter:
        buffering = {"line_buffering": sys.stdout.line_buffering}
        buffering["write_through"] = sys.stdout.write_through
        sys.stdout = _PipeTolerantWriter(
            sys.stdout.detach(), encoding="utf-8", errors="replace", **buffering
        )
    logger = logging.getLogger("attention_seq2seq")
    # Info messages go to standard output, warnings to standard error.
    info_handler, warning_handler = _TqdmLoggingHandler(sys.stdout), _TqdmLoggingHandler(sys.stderr)
    info_handler.addFilter(lambda record: record.levelno < logging.WARNING)
    warning_handler.setLevel(logging.WARNING)
    logger.addHandler(info_handler)
    logger.addHandler(warning_handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # matplotlib logs that it builds its font cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if "--help" in sys.argv[1:]:
        _call_main(_print_help)
        return
    try:
        sys.argv = config_flags.expand_flagfiles(sys.argv)
    except (ValueError, OSError) as error:
        sys.exit(f"Error: {error}")
    app.run(lambda argv: _call_main(main, argv, has_subcommand))


def _print_help(_) -> None:
    """Prints the module docstring, the flags of the script, and those of each option group."""
    print(sys.modules["__main__"].__doc__)
    # Groups are named by a phrase, modules by a path.
    groups = [name for name in config_flags.FLAGS.flags_by_module_dict() if " " in name]
    for name in [sys.argv[0], *groups]:
        print(config_flags.FLAGS.module_help(name).strip("\n"), end="\n\n")


def _call_main(main, argv=(), has_subcommand=False) -> None:
    if len(argv) > 1 and not has_subcommand:
        raise app.UsageError(f"{argv[1]!r} is no flag; flags are written --name=value.")
    try:
        config_flags.require_utf8_flags()
        main(argv)
        sys.stdout.flush()
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # The output pipe is closed, as in `... | head`.
            _redirect_to_devnull(sys.stdout)
            return
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        # Another Ctrl-C must not interrupt the exit.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit("\nStopped.")


def _ensure_utf8_mode() -> None:
    """Restarts Python in UTF-8 mode if the locale has another encoding."""
    if sys.getfilesystemencoding() != "utf-8":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
