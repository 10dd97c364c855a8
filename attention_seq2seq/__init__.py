"""The attention seq2seq chat model on TensorFlow and Keras.

Public names:

    train              trains a model on pairs of strings
    prepare            filters and tokenizes corpora of any size, for `train_prepared`
    analyze_corpus     computes statistics of a corpus and finds issues
    Chat               loads a trained model and generates replies
    evaluate           computes metrics with confidence intervals
    export_saved_model writes a SavedModel that takes raw Chinese text

All options are fields of frozen dataclasses: `Config` (`DataConfig`, `TextConfig`, `ModelConfig`,
`TrainingConfig`), `DecodingConfig` and `PreprocessingConfig`. The model is
`attention_seq2seq.models.seq2seq.Seq2Seq`, and its attention is in
`attention_seq2seq.models.attention`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.config.data import DataConfig
    from attention_seq2seq.config.decoding import DecodingConfig
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.config.preprocessing import PreprocessingConfig
    from attention_seq2seq.config.text import TextConfig
    from attention_seq2seq.config.training import TrainingConfig
    from attention_seq2seq.data.default_corpus import default_corpus
    from attention_seq2seq.data.preprocessing.prepare import analyze_corpus, prepare
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import Evaluation, evaluate
    from attention_seq2seq.reply import Reply
    from attention_seq2seq.serving.saved_model.export import export_saved_model
    from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
    from attention_seq2seq.text.vocabulary import Vocabulary
    from attention_seq2seq.training.api import train, train_prepared

__version__ = "0.1.0"

_LAZY = {
    "Chat": "chat",
    "Config": "config.config",
    "DataConfig": "config.data",
    "DecodingConfig": "config.decoding",
    "Evaluation": "evaluation.evaluate",
    "ModelConfig": "config.model",
    "PreprocessingConfig": "config.preprocessing",
    "Reply": "reply",
    "Seq2SeqTokenizer": "text.seq2seq_tokenizer",
    "TextConfig": "config.text",
    "TrainingConfig": "config.training",
    "Vocabulary": "text.vocabulary",
    "analyze_corpus": "data.preprocessing.prepare",
    "default_corpus": "data.default_corpus",
    "evaluate": "evaluation.evaluate",
    "export_saved_model": "serving.saved_model.export",
    "prepare": "data.preprocessing.prepare",
    "read_pairs": "data.readers",
    "train": "training.api",
    "train_prepared": "training.api",
}

__all__ = [
    "Chat",
    "Config",
    "DataConfig",
    "DecodingConfig",
    "Evaluation",
    "ModelConfig",
    "PreprocessingConfig",
    "Reply",
    "Seq2SeqTokenizer",
    "TextConfig",
    "TrainingConfig",
    "Vocabulary",
    "analyze_corpus",
    "default_corpus",
    "evaluate",
    "export_saved_model",
    "prepare",
    "read_pairs",
    "train",
    "train_prepared",
]


def __getattr__(name: str):
    # Imports a name at its first use: TensorFlow takes seconds to import, and reading a corpus or
    # printing --help does not need it.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__():
    return __all__
