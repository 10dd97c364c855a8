"""A trained model to a SavedModel: one folder with everything that a server needs."""

import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.serving.assets import (
    failures_named,
    new_folder,
    say_size,
    write_documents,
)
from attention_seq2seq.serving.saved_model.module import SIGNATURES, Serving
from attention_seq2seq.serving.saved_model.request import unset
from attention_seq2seq.serving.saved_model.warmup import write_warm_up

_WARM_UP_PROMPT = ["今天晚上吃什么"]


def export_saved_model(
    model_dir: str | Path,
    export_dir: str | Path,
    decoding: DecodingConfig | None = None,
    caps: Caps | None = None,
    progress: bool = True,
) -> None:
    """Writes a SavedModel that any TensorFlow runs: no Python, jieba or TensorFlow Addons needed.

    Args:
        model_dir: a trained model.
        export_dir: the folder to be made; it appears when it is whole.
        decoding: how the model answers unless it is told otherwise; greedily by default.
        caps: what it refuses.
        progress: whether to show a bar.

    Raises:
        FileNotFoundError: there is no trained model.
        OSError: the folder cannot be written, the disk being full for example.
        ValueError: `export_dir` exists, or `decoding` asks for more than `caps` allow.

    Example:
        >>> from attention_seq2seq import train
        >>> folder = getfixture("tmp_path")
        >>> _ = train([("你好", "你好呀")] * 9, folder / "model", progress=False)
        >>> export_saved_model(folder / "model", folder / "served", progress=False)
        >>> served = tf.saved_model.load(str(folder / "served"))
        >>> served.serving_default(tf.constant(["你好"]))["reply"].numpy()[0].decode()
        '你好呀'
    """
    export_dir = new_folder(export_dir)
    decoding, caps = decoding or DecodingConfig(), caps or Caps()
    chat = Chat.load(model_dir)
    with (
        failures_named(export_dir),
        # The graph remembers the path of a dictionary: it tells nothing of this machine.
        tempfile.TemporaryDirectory() as dictionary,
        tempfile.TemporaryDirectory(dir=export_dir.parent, prefix=".export-") as temporary,
    ):
        documents, whole = Path(temporary) / "documents", Path(temporary) / "whole"
        documents.mkdir()
        # A program may have no standard output, a closed one, or one of its own.
        is_open = sys.stdout is not None and not getattr(sys.stdout, "closed", False)
        verbose = int(progress and is_open)
        bar = keras.utils.Progbar(len(SIGNATURES) + 1, unit_name="signature", verbose=verbose)
        serving = Serving(chat, decoding, caps, dictionary, was_traced=lambda: bar.add(1))
        uses_jieba = bool(list(Path(dictionary).iterdir()))
        write_documents(
            documents, chat, model_dir, {"decoding": decoding, "caps": caps}, uses_jieba
        )
        serving.documents = [
            tf.saved_model.Asset(str(path)) for path in sorted(documents.iterdir())
        ]
        # Only here are they traced: saving traces anew whatever was traced before it.
        tf.saved_model.save(serving, str(whole), signatures=serving.signatures)
        write_warm_up(whole, _warm_up_requests())
        bar.add(1)
        whole.rename(export_dir)
    say_size(export_dir)


def _warm_up_requests() -> list[tuple[str, dict]]:
    """A call of each way of answering, so that no caller waits for the first one."""
    ways = [
        {"method": tf.constant(method), "num_best": tf.constant(1)}
        for method in ("greedy", "beam", "sample")
    ]
    prompt = {"prompt": _WARM_UP_PROMPT}
    return [("serving_default", prompt)] + [("reply", {**prompt, **unset(), **way}) for way in ways]
