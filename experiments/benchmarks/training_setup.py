"""Flags, config and corpus that `training_worker.py` and `scaling_worker.py` share."""

from pathlib import Path

from absl import flags

from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig

CORPUS_DIR = cli_flags.define_path(
    "corpus_dir", None, "directory with train.tsv [path]", required=True
)
UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "size of the vocabulary [tokens]", lower_bound=20
)
MAX_LENGTH = flags.DEFINE_integer(
    "max_length", 30, "maximum length of prompts and replies [tokens]", lower_bound=1
)


def make_config(**training) -> Config:
    """Returns the config of a model on tokenized text.

    Args:
        **training: fields of `TrainingConfig`.
    """
    return Config(
        DataConfig(max_source_length=MAX_LENGTH.value, max_target_length=MAX_LENGTH.value),
        TextConfig("whitespace", "whitespace", vocabulary_size=VOCABULARY_SIZE.value),
        ModelConfig(units=UNITS.value),
        TrainingConfig(source_word_dropout=0.0, **training),
    )


def read_split(name: str = "train") -> list:
    """Reads the pairs of a split of the corpus, "train" or "dev"."""
    from attention_seq2seq.data.readers import read_pairs

    return read_pairs([str(Path(CORPUS_DIR.value) / f"{name}.tsv")])[0]
