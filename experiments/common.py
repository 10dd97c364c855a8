"""Functions of several scripts: tables, commands, output paths, corpora and prompts."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines, shell_quote

MODEL_DIRS_HELP = (
    "folder of a trained model; several folders with the same vocabulary form an ensemble"
)


def format_attention(reply, path: str | None = None) -> str:
    """Formats attention weights and contributions as tables of the terminal's width.

    Args:
        reply: a `Reply`.
        path: image file that the tables are plotted into.
    """
    from attention_seq2seq.utils.text_tables import render_tables

    width = shutil.get_terminal_size().columns
    tables = render_tables(reply.row_labels, reply.prompt_tokens, _attention_tables(reply), width)
    return f"{tables}\n{save_attention_plot(reply, path)}" if path else tables


def save_attention_plot(reply, path: str) -> str:
    """Plots the tables of a reply, and returns a line with the path."""
    from attention_seq2seq.utils.plotting import save_heatmaps

    require_image_path(path)
    save_heatmaps(path, reply.row_labels, reply.prompt_tokens, _attention_tables(reply))
    return f"\nThe tables as a picture: {path}"


def _attention_tables(reply) -> dict:
    tables = {"contribution": reply.contributions}
    if reply.attention_weights.size:
        tables = {"attention weights": reply.attention_weights, **tables}
    return tables


def require_parent_dir(path: str | None) -> None:
    """Raises a ValueError if the folder of an output file does not exist."""
    if path and not Path(path).absolute().parent.is_dir():
        raise ValueError(f"{path}: there is no such folder; make it, or give another.")


def require_image_path(path: str | None) -> None:
    """Raises a ValueError if a picture cannot be written to a path."""
    if not path:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    require_parent_dir(path)
    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.lower()[1:] not in formats:
        raise ValueError(
            f"{path}: a picture's name tells its format, for example {Path(path).stem}.png; "
            f"expected one of {', '.join(formats)}."
        )


def enable_determinism() -> None:
    """Enables deterministic operations, so that resumed trainings are bit-identical."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def suppress_retracing_warnings() -> None:
    """Silences TensorFlow's warnings about functions that each training creates again."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def load_training_corpus(config: Config):
    """Reads the training and validation pairs of a config."""
    from attention_seq2seq.data.default_corpus import load_corpus
    from attention_seq2seq.data.preprocessing.manifest import PreparedDataset, is_prepared_dir

    data, seed = config.data, config.training.seed
    if is_prepared_dir(data.data):
        prepared = PreparedDataset.load(data.data[0])
        data, seed = prepared.data, prepared.preprocessing.seed
    corpus, skipped = load_corpus(data.data, data.skip_bad_lines, data.validation_fraction, seed)
    print_skipped_lines(skipped)
    return corpus


def print_skipped_lines(skipped: Mapping[str, int]) -> None:
    """Prints the numbers of skipped lines by reason."""
    for reason, count in skipped.items():
        print(f"{count} bad lines left out: {reason}")


def print_chat_command(model_dir) -> None:
    """Prints the command to chat with a trained model."""
    print_next_command("Talk to it", "chat.py", model_dir=model_dir)


def print_next_command(purpose: str, script: str, **options) -> None:
    """Prints the command of a script, with the current Python if that is local."""
    python = Path(sys.executable)
    executable = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else "python"
    flags = "".join(f" --{option}={shell_quote(value)}" for option, value in options.items())
    print(f"\n{purpose}:\n  {shell_quote(executable)} experiments/{script}{flags}")


@contextlib.contextmanager
def open_prompts(path: str | None) -> Iterator[Iterator[str]]:
    """Opens a file of prompts, or standard input, and yields its lines.

    Args:
        path: UTF-8 file, plain or gzip. None reads standard input.

    Raises:
        ValueError: The file does not exist, or a line is not UTF-8 (while iterating).
    """
    if path is None:
        yield iter_text_lines(sys.stdin.buffer, "standard input")
        return
    if not Path(path).exists() or Path(path).is_dir():
        raise ValueError(f"{path}: no such file; expected one with a prompt a line.")
    with Path(path).open("rb") as file:
        yield iter_text_lines(file, path)
