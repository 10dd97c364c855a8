"""What an exported folder says of itself: options, vocabulary, origin, licences."""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.artifacts import (
    METADATA_FILE,
    MODEL_CARD_FILE,
    NOTICE_FILE,
    PROVENANCE_FILE,
)
from attention_seq2seq.serving.notices import notices
from attention_seq2seq.utils.files import write_json, write_text

log = logging.getLogger(__name__)


def new_folder(path: str | Path) -> Path:
    """The path of a folder that is not there yet, below one that is.

    Raises:
        ValueError: it is there.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"{path} exists; remove it, or give another folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def failures_named(export_dir: Path) -> Iterator[None]:
    """Within it files of an export are written.

    Raises:
        OSError: one cannot be, the disk being full for example; with the folder's name.
    """
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{export_dir} cannot be written: {error.message}") from error
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"{export_dir} cannot be written, nor what it is made of in the folder of temporary "
            f"files: {reason}"
        ) from error


def write_documents(
    folder: Path, chat: Chat, model_dir: str | Path, options: dict, uses_jieba: bool
) -> None:
    """Writes config.json, the vocabulary, metadata.json, NOTICE.txt and the model's card.

    Args:
        folder: where to.
        chat: the model.
        model_dir: its folder.
        options: of the export, dataclasses by their names.
        uses_jieba: whether the export contains jieba's dictionary or tables.
    """
    config = chat.config
    # Where files lay on the machine of the training concerns nobody who serves the model.
    data = dataclasses.replace(config.data, data=tuple(Path(p).name for p in config.data.data))
    text = dataclasses.replace(config.text, user_dictionary=Path(config.text.user_dictionary).name)
    dataclasses.replace(config, data=data, text=text).save(folder)
    chat.tokenizer.save(folder)
    record = Path(model_dir) / PROVENANCE_FILE
    about = {
        "made_with": f"attention_seq2seq {metadata.version('attention_seq2seq')}",
        "tensorflow": tf.__version__,
        "provenance": {
            "data": list(data.data) or "none: the default corpus, or pairs given in Python",
            **(json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}),
        },
        **{name: dataclasses.asdict(option) for name, option in options.items()},
    }
    write_json(folder / METADATA_FILE, about)
    write_text(folder / NOTICE_FILE, notices(uses_jieba))
    if (card := Path(model_dir) / MODEL_CARD_FILE).is_file():
        (folder / MODEL_CARD_FILE).write_bytes(card.read_bytes())


def say_size(path: Path) -> None:
    """Logs how large a folder is."""
    num_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    log.info("%s: %.1f MB", path, num_bytes / 1e6)
