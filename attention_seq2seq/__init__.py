"""The attention seq2seq chat model on TensorFlow and Keras.

Pairs of sentences become ids, ids become logits, logits become replies. The doors:

    train              pairs of strings to a folder with a trained model
    prepare            corpora of any size, tokenized and filtered for `train_prepared`
    analyze_corpus     statistics and issues of a corpus
    Chat               a trained model that answers: Chat.load(folder).reply([prompt])
    evaluate           a trained model and pairs to numbers with intervals
    export_saved_model a folder that takes raw Chinese text wherever TensorFlow runs

All options are fields of frozen dataclasses: those of a `Config` (`DataConfig`, `TextConfig`,
`ModelConfig`, `TrainingConfig`), `DecodingConfig`, `PreparationConfig`. The model itself is
`attention_seq2seq.models.seq2seq.Seq2Seq`; its attention, the document's, is in
`attention_seq2seq.models.attention.rnn`.
"""

import importlib

_LAZY = {
    "Chat": "chat",
    "Reply": "reply",
    "Config": "config.config",
    "DataConfig": "config.config",
    "DecodingConfig": "config.decoding",
    "ModelConfig": "config.config",
    "PreparationConfig": "config.preprocessing",
    "TextConfig": "config.config",
    "TrainingConfig": "config.training",
    "export_saved_model": "serving.saved_model.export",
    "default_corpus": "data.default_corpus",
    "read_pairs": "data.readers",
    "Seq2SeqTokenizer": "text.seq2seq_tokenizer",
    "Vocabulary": "text.vocabulary",
    "Evaluation": "evaluation.evaluate",
    "evaluate": "evaluation.evaluate",
    "analyze_corpus": "data.preprocessing.prepare",
    "prepare": "data.preprocessing.prepare",
    "train": "training.api",
    "train_prepared": "training.api",
}

__all__ = sorted(_LAZY)


def __getattr__(name: str):
    # Each name is imported when it is first asked for: reading a corpus or printing --help does
    # not need TensorFlow, which takes seconds to import.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__():
    return __all__
