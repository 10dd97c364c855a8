"""The attention seq2seq chat model on TensorFlow and Keras.

Pairs of sentences become ids, ids become logits, logits become replies. The doors:

    train              pairs of strings to a folder with a trained model
    prepare, examine   corpora of any size, cut once, cleaned, written for `train_prepared`
    Chat               a trained model that answers: Chat.load(folder).reply([prompt])
    evaluate           a trained model and pairs to numbers with intervals
    export_saved_model a folder that takes raw Chinese text wherever TensorFlow runs

All options are fields of frozen dataclasses: those of a `Config` (`DataConfig`, `TextConfig`,
`ModelConfig`, `TrainingConfig`), `DecodingConfig`, `PreparationConfig`. The model itself is
`attention_seq2seq.model.seq2seq.Seq2Seq`; its attention, the document's, is in
`attention_seq2seq.model.attention`.
"""

import importlib

_ROOMS = {
    "Chat": "chat",
    "Reply": "reply",
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
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
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
