"""A trained model to a SavedModel: one folder with everything that a server needs."""

import dataclasses
import json
import logging
import tempfile
from importlib import metadata
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.decoding_config import DecodingConfig
from attention_seq2seq.export.asked import UNSET
from attention_seq2seq.export.caps import Caps
from attention_seq2seq.export.notices import notices
from attention_seq2seq.export.serving import Serving
from attention_seq2seq.export.warm_up import write_warm_up

log = logging.getLogger(__name__)

# What the trainer says of the pairs.
TRAINED_ON = "trained_on.json"

_WARM_UP_PROMPT = tf.constant(["今天晚上吃什么"])


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
    export_dir = Path(export_dir)
    if export_dir.exists():
        raise ValueError(f"{export_dir} exists; remove it, or give another folder.")
    decoding, caps = decoding or DecodingConfig(), caps or Caps()
    chat = Chat.load(model_dir)
    export_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=export_dir.parent, prefix=".export-") as temporary:
        dictionary, documents, whole = (
            Path(temporary) / name for name in ("dictionary", "documents", "whole")
        )
        dictionary.mkdir()
        documents.mkdir()
        serving = Serving(chat, decoding, caps, dictionary)
        signatures = serving.signatures
        bar = keras.utils.Progbar(len(signatures) + 1, unit_name="signature", verbose=int(progress))
        for function in signatures.values():
            function.get_concrete_function()
            bar.add(1)
        _write_documents(documents, chat, Path(model_dir), decoding, caps)
        serving.documents = [
            tf.saved_model.Asset(str(path)) for path in sorted(documents.iterdir())
        ]
        tf.saved_model.save(serving, str(whole), signatures=signatures)
        write_warm_up(whole, _warm_up_requests())
        bar.add(1)
        whole.rename(export_dir)
    num_bytes = sum(path.stat().st_size for path in export_dir.rglob("*") if path.is_file())
    log.info("%s: %.1f MB", export_dir, num_bytes / 1e6)


def _write_documents(
    folder: Path, chat: Chat, model_dir: Path, decoding: DecodingConfig, caps: Caps
) -> None:
    """What the exported folder says of itself."""
    config = chat.config
    data = dataclasses.replace(config.data, files=_names(config.data.files))
    text = dataclasses.replace(config.text, user_dictionary=Path(config.text.user_dictionary).name)
    dataclasses.replace(config, data=data, text=text).save(folder)
    chat.codec.save(folder)
    record = model_dir / TRAINED_ON
    about = {
        "made_with": f"attention_seq2seq {metadata.version('attention_seq2seq')}",
        "tensorflow": tf.__version__,
        "trained_on": {
            "files": list(data.files) or "none: the default corpus, or pairs given in Python",
            **(json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}),
        },
        "decoding": dataclasses.asdict(decoding),
        "caps": dataclasses.asdict(caps),
    }
    contents = json.dumps(about, ensure_ascii=False, indent=2) + "\n"
    (folder / "about.json").write_text(contents, encoding="utf-8")
    uses_jieba = "jieba" in (text.source_segmentation, text.target_segmentation)
    (folder / "NOTICE.txt").write_text(notices(uses_jieba), encoding="utf-8")


def _names(paths) -> tuple[str, ...]:
    # Where they lay on the machine of the training concerns nobody who serves the model.
    return tuple(Path(path).name for path in paths)


def _warm_up_requests() -> list[tuple[str, dict]]:
    """A call of each way of answering, so that no caller waits for the first one."""
    ways = [
        {"method": tf.constant(method), "num_best": tf.constant(1)}
        for method in ("greedy", "beam", "sample")
    ]
    prompt = {"prompt": _WARM_UP_PROMPT}
    return [("serving_default", prompt)] + [("reply", {**prompt, **UNSET, **way}) for way in ways]
