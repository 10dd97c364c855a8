"""What several scripts do: print tables and commands, check output paths, read corpora."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from attention_seq2seq.config.config import Config
from attention_seq2seq.utils.files import iter_text_lines, shell_quote

MODEL_DIRS_HELP = "the folder of a trained model; several, of the same words, answer together"


def format_attention(reply, path: str | None = None) -> str:
    """Which words of the prompt each word of a reply came from: tables as wide as the terminal.

    Args:
        reply: a `Reply`.
        path: a file that the tables are drawn into, too.
    """
    from attention_seq2seq.utils.text_tables import render_tables

    width = shutil.get_terminal_size().columns
    tables = render_tables(reply.row_labels, reply.prompt_tokens, _attention_tables(reply), width)
    return f"{tables}\n{save_attention_plot(reply, path)}" if path else tables


def save_attention_plot(reply, path: str) -> str:
    """Writes the tables of a reply as a picture, and says so."""
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
    """Refuses a file that cannot be written, before the work whose result it is to hold."""
    if path and not Path(path).absolute().parent.is_dir():
        raise ValueError(f"{path}: there is no such folder; make it, or give another.")


def require_image_path(path: str | None) -> None:
    """Refuses a picture that cannot be written, before the work that it is to show."""
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
    """Makes a training that is killed and run again end with the very weights it would have had."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def suppress_retracing_warnings() -> None:
    """TensorFlow warns of functions that are made in a loop; each training has its own."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def load_training_corpus(config: Config):
    """The pairs that a model was trained on and those set aside, read from their files again."""
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
    """How many lines of corpus files were left out as bad, by reason."""
    for reason, count in skipped.items():
        print(f"{count} bad lines left out: {reason}")


def print_chat_command(model_dir) -> None:
    """Prints the command that talks to a trained model."""
    print_next_command("Talk to it", "chat.py", model_dir=model_dir)


def print_next_command(purpose: str, script: str, **options) -> None:
    """Prints the command of a script, with this Python where it is local."""
    python = Path(sys.executable)
    executable = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else "python"
    flags = "".join(f" --{option}={shell_quote(value)}" for option, value in options.items())
    print(f"\n{purpose}:\n  {shell_quote(executable)} experiments/{script}{flags}")


@contextlib.contextmanager
def open_prompts(path: str | None) -> Iterator[Iterator[str]]:
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
