"""Filters, tokenizes and shards a corpus of any size for training.

    attention-seq2seq prepare --data=a.tsv --prepared_dir=out --analyze_only
    attention-seq2seq prepare --data=a.tsv --prepared_dir=out
    attention-seq2seq train --data=out --model_dir=models/mine

The command prints statistics and issues of the corpus. --filters removes pairs. It writes
TFRecord files of token ids, the vocabulary, statistics.json and manifest.json.

Preprocessing is resumable: after an interruption, run the same command again. The same corpus and
options give the same bytes.
"""

import shutil
from pathlib import Path

from absl import flags

from attention_seq2seq.cli.corpora import require_corpus_files
from attention_seq2seq.cli.flags import define_option_flags, define_path, options_from_flags
from attention_seq2seq.cli.next_command import print_next_command
from attention_seq2seq.cli.paths import require_dir_path
from attention_seq2seq.config.artifacts import MANIFEST_FILE
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig

REQUIRED_FLAGS = ("data", "prepared_dir")
COMMON_FLAGS = (
    "analyze_only",
    "filters",
    "max_source_length",
    "max_target_length",
    "vocabulary_size",
    "context_turns",
    "num_workers",
    "overwrite",
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_path(
        "prepared_dir",
        None,
        "directory that the prepared dataset is written to",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "analyze_only",
        False,
        "whether to stop after printing the statistics and issues of the corpus and writing "
        "statistics.json",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "whether to replace a dataset in --prepared_dir that was prepared with other options",
        flag_values=flag_values,
    )
    for config_class in (DataConfig, TextConfig, PreprocessingConfig):
        define_option_flags(config_class, flag_values)
    flag_values["data"].help = (
        "corpus files in TSV, JSONL, .conv, chatterbot YAML, or the JSON of LCCC, KdConv or "
        "CrossWOZ; plain or gzip, detected by content [paths]"
    )
    flag_values[
        "validation_fraction"
    ].help = "fraction of the conversations held out for validation"


def run(args: flags.FlagValues) -> None:
    """Analyzes and prepares a corpus."""
    data, text, preprocessing = (
        options_from_flags(config_class, args)
        for config_class in (DataConfig, TextConfig, PreprocessingConfig)
    )
    require_dir_path(args.prepared_dir)
    require_corpus_files(data.data)

    from attention_seq2seq.data.preprocessing.prepare import analyze_corpus, prepare
    from attention_seq2seq.data.preprocessing.report import (
        format_filtering,
        format_statistics,
        format_vocabulary,
    )

    prepared_dir = args.prepared_dir
    width = shutil.get_terminal_size().columns
    if args.analyze_only:
        statistics = analyze_corpus(prepared_dir, data, text, preprocessing)
        print(f"\n{format_statistics(statistics, width)}")
        print(f"\n{format_filtering(statistics['counts'])}\n")
        print(f"All statistics: {prepared_dir}/statistics.json")
        return
    was_finished = (Path(prepared_dir) / MANIFEST_FILE).is_file() and not args.overwrite
    prepared = prepare(prepared_dir, data, text, preprocessing, args.overwrite)
    statistics = prepared.statistics()
    print(f"\n{format_statistics(statistics, width)}")
    print(f"\n{format_filtering(statistics['counts'])}")
    print(format_vocabulary(prepared.manifest["vocabulary_sizes"]))
    if was_finished:
        print(f"\n{prepared_dir} was already prepared with these options. No file was changed.")
    print_next_command(
        "Train a model on this dataset", "train", data=prepared_dir, model_dir="models/mine"
    )
