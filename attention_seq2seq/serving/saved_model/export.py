"""Exports a model to a SavedModel, a directory with everything that a server needs."""

import sys
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.serving.assets import require_new_dir, staged_dir, write_assets
from attention_seq2seq.serving.saved_model.module import SIGNATURES, ServingModule
from attention_seq2seq.serving.saved_model.request import default_inputs
from attention_seq2seq.serving.saved_model.warmup import write_warmup_requests

_WARMUP_PROMPT = ["今天晚上吃什么"]


def export_saved_model(
    model_dir: str | Path,
    export_dir: str | Path,
    decoding: DecodingConfig | None = None,
    limits: ServingLimits | None = None,
    progress: bool = True,
) -> None:
    """Writes a SavedModel that runs without Python, jieba and TensorFlow Addons.

    Args:
        model_dir: directory of a trained model.
        export_dir: directory to create; it appears only when it is complete.
        decoding: the default decoding options; greedy search if omitted.
        limits: limits on one call.
        progress: whether to show a progress bar.

    Raises:
        FileNotFoundError: there is no trained model.
        OSError: the directory cannot be written, for example because the disk is full.
        ValueError: `export_dir` exists, or `decoding` exceeds `limits`.

    Example:
        >>> from attention_seq2seq import train
        >>> directory = getfixture("tmp_path")
        >>> _ = train([("你好", "你好呀")] * 9, directory / "model", progress=False)
        >>> export_saved_model(directory / "model", directory / "served", progress=False)
        >>> served = tf.saved_model.load(str(directory / "served"))
        >>> served.serving_default(tf.constant(["你好"]))["reply"].numpy()[0].decode()
        '你好呀'
    """
    export_dir = require_new_dir(export_dir)
    decoding, limits = decoding or DecodingConfig(), limits or ServingLimits()
    chat = Chat.load(model_dir)
    with (
        staged_dir(export_dir) as staging_dir,
        # The graph keeps the path of the dictionary. Exports must not reveal paths of the training
        # machine.
        tempfile.TemporaryDirectory() as dictionary_dir,
        tempfile.TemporaryDirectory() as assets_dir,
    ):
        # Standard output may be missing, closed, or replaced by another object.
        is_open = sys.stdout is not None and not getattr(sys.stdout, "closed", False)
        verbose = int(progress and is_open)
        bar = keras.utils.Progbar(len(SIGNATURES) + 1, unit_name="signature", verbose=verbose)
        module = ServingModule(chat, decoding, limits, dictionary_dir, on_trace=lambda: bar.add(1))
        uses_jieba = bool(list(Path(dictionary_dir).iterdir()))
        write_assets(
            Path(assets_dir), chat, model_dir, {"decoding": decoding, "limits": limits}, uses_jieba
        )
        assets = sorted(Path(assets_dir).iterdir())
        module.assets = [tf.saved_model.Asset(str(path)) for path in assets]
        # The first trace happens here: saving would trace a second time.
        tf.saved_model.save(module, str(staging_dir), signatures=module.signatures)
        write_warmup_requests(staging_dir, _warmup_requests())
        bar.add(1)


def _warmup_requests() -> list[tuple[str, dict]]:
    """Returns a call of each decoding method, so that no client waits for a first call."""
    options = [
        {"method": tf.constant(method), "num_return_sequences": tf.constant(1)}
        for method in ("greedy", "beam", "sample")
    ]
    prompt = {"prompt": _WARMUP_PROMPT}
    return [("serving_default", prompt)] + [
        ("generate", {**prompt, **default_inputs(), **values}) for values in options
    ]
