"""Assets of an exported model: options, vocabulary, provenance, licenses, model card."""

import contextlib
import dataclasses
import json
import logging
import tempfile
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
from attention_seq2seq.serving.notices import third_party_notices
from attention_seq2seq.utils.files import write_json, write_text

log = logging.getLogger(__name__)

# Version of the signatures and files of an export. Exports of version 1 have no version number.
EXPORT_FORMAT = 2


def require_new_dir(path: str | Path) -> Path:
    """Checks that a directory does not exist, and creates its parents.

    Raises:
        ValueError: the path exists.
    """
    path = Path(path)
    if path.exists():
        raise ValueError(f"{path} exists. Remove it, or give another directory.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def staged_dir(path: Path) -> Iterator[Path]:
    """Yields an empty directory, which is renamed to `path` if the block succeeds.

    Raises:
        OSError: a file cannot be written, for example because the disk is full.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as temporary:
            staging_dir = Path(temporary) / "whole"
            staging_dir.mkdir()
            yield staging_dir
            staging_dir.rename(path)
    except tf.errors.OpError as error:
        raise OSError(f"Cannot write {path}: {error.message}") from error
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"Cannot write {path} or its temporary files: {reason}") from error
    num_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    log.info("%s: %.1f MB", path, num_bytes / 1e6)


def write_assets(
    output_dir: Path, chat: Chat, model_dir: str | Path, options: dict, uses_jieba: bool
) -> None:
    """Writes config.json, the vocabulary, metadata.json, NOTICE.txt and the model card.

    Args:
        output_dir: an existing directory.
        chat: the model.
        model_dir: the directory of the model.
        options: the options of the export, as dataclasses by name.
        uses_jieba: whether the export contains jieba's dictionary or tables.
    """
    config = chat.config
    # Exports must not reveal paths of the training machine.
    data = dataclasses.replace(config.data, data=tuple(Path(p).name for p in config.data.data))
    text = dataclasses.replace(config.text, user_dictionary=Path(config.text.user_dictionary).name)
    dataclasses.replace(config, data=data, text=text).save(output_dir)
    chat.tokenizer.save(output_dir)
    provenance_path = Path(model_dir) / PROVENANCE_FILE
    provenance = {"data": list(data.data) or "none: the default corpus, or pairs given in Python"}
    if provenance_path.is_file():
        provenance |= json.loads(provenance_path.read_text(encoding="utf-8"))
    content = {
        "format": EXPORT_FORMAT,
        "made_with": f"attention_seq2seq {metadata.version('attention_seq2seq')}",
        "tensorflow": tf.__version__,
        "provenance": provenance,
        **{name: dataclasses.asdict(option) for name, option in options.items()},
    }
    write_json(output_dir / METADATA_FILE, content)
    write_text(output_dir / NOTICE_FILE, third_party_notices(uses_jieba))
    if (card_path := Path(model_dir) / MODEL_CARD_FILE).is_file():
        (output_dir / MODEL_CARD_FILE).write_bytes(card_path.read_bytes())
