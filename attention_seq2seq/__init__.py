"""The attention seq2seq chat model on TensorFlow and Keras."""

import importlib

_ROOMS = {
    "Chat": "chat",
    "Reply": "chat",
    "Config": "config",
    "DataConfig": "config",
    "DecodingConfig": "decoding_config",
    "ModelConfig": "config",
    "PreparationConfig": "preparation_config",
    "TextConfig": "config",
    "TrainingConfig": "config",
    "export_saved_model": "export.saved_model",
    "default_corpus": "data.corpora",
    "read_pairs": "data.readers",
    "Codec": "text.codec",
    "Vocabulary": "text.vocabulary",
    "Seq2Seq": "model.seq2seq",
    "examine": "preparation.prepare",
    "prepare": "preparation.prepare",
    "train": "training.trainer",
    "train_prepared": "training.trainer",
}

__all__ = sorted(_ROOMS)


def __getattr__(name: str):
    # Each name is imported when it is first asked for: reading a corpus or printing --help does
    # not need TensorFlow, which takes seconds to import.
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__():
    return __all__
