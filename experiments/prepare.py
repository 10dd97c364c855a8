r"""Preprocesses corpora of any size: tokenization, statistics, filters and shards.

python experiments/prepare.py --data=mine.tsv --prepared_dir=prepared/mine --examine
python experiments/prepare.py --data=mine.tsv --prepared_dir=prepared/mine
python experiments/prepare.py --data=a.conv,b.json.gz --prepared_dir=prepared/both \
    --filters=duplicates,common_replies,mojibake --max_reply_count=50
python experiments/train.py --data=prepared/mine --model_dir=models/mine

--examine only analyzes the corpus; a later run without this flag reuses the results. Interrupted
runs are resumed by the same command. The same corpora and options give bit-identical files.
"""

import shutil

from absl import flags

import common
import config_flags
import console
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.preprocessing import PreprocessingConfig
from attention_seq2seq.config.text import TextConfig

PREPARED_DIR = config_flags.define_path("prepared_dir", None, "output folder [path]", required=True)
EXAMINE = flags.DEFINE_bool(
    "examine", False, "only analyze the corpus, and write statistics.json into the folder"
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "replace a folder with other corpora or options")
SHARD = flags.DEFINE_string(
    "shard",
    None,
    "index and number of shards, to tokenize a part of the corpus on each of several machines, for "
    "example 0/2 and 1/2; a final run without this flag merges the shards",
)
for options in (DataConfig, TextConfig, PreprocessingConfig):
    config_flags.define_flags(options)
config_flags.FLAGS["data"].help = (
    "corpus files: TSV pairs, JSONL, .conv, the JSON of LCCC, KdConv or CrossWOZ, chatterbot YAML; "
    "plain or gzip, detected by content [paths]"
)


def main(_) -> None:
    """Runs the preprocessing, and prints the command that trains on the result."""
    data, text, preprocessing = (
        config_flags.options_from_flags(options)
        for options in (DataConfig, TextConfig, PreprocessingConfig)
    )
    from attention_seq2seq.data.preprocessing.prepare import analyze_corpus, prepare, tokenize_shard
    from attention_seq2seq.data.preprocessing.report import (
        format_filtering,
        format_statistics,
        format_vocabulary,
    )

    folder = PREPARED_DIR.value
    if SHARD.value is not None:
        if EXAMINE.value:
            raise ValueError("--shard and --examine; examine when all shares are cut, without it.")
        shard_index, num_shards = parse_shard(SHARD.value)
        tokenize_shard(folder, data, text, preprocessing, shard_index, num_shards, OVERWRITE.value)
        print(f"\n{folder}: share {SHARD.value} is cut; when all are, run it without --shard.")
        return
    width = shutil.get_terminal_size().columns
    if EXAMINE.value:
        statistics = analyze_corpus(folder, data, text, preprocessing)
        report = format_statistics(statistics, width)
        print(f"\n{report}\n\n{format_filtering(statistics['counts'])}\n")
        print(f"The same in full: {folder}/statistics.json")
        return
    prepared = prepare(folder, data, text, preprocessing, OVERWRITE.value)
    statistics = prepared.statistics()
    report = format_statistics(statistics, width)
    print(f"\n{report}\n\n{format_filtering(statistics['counts'])}")
    print(format_vocabulary(prepared.manifest["vocabulary_sizes"]))
    common.print_next_command("Train on it", "train.py", data=folder, model_dir="models/mine")


def parse_shard(text: str) -> tuple[int, int]:
    """Parses the index of a shard and the number of shards.

    Raises:
        ValueError: The text is not the index of one of several shards.
    """
    index, _, num_shards = text.partition("/")
    if not index.isdigit() or not num_shards.isdigit() or int(index) >= int(num_shards):
        raise ValueError(f"--shard={text}; expected one of several, as in 0/2 and 1/2.")
    return int(index), int(num_shards)


if __name__ == "__main__":
    console.run_main(main)
