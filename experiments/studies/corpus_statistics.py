r"""Prints statistics of prepared datasets side by side, and writes them to a results file.

    attention-seq2seq prepare --data=lccc.tsv --prepared_dir=prepared/lccc --analyze_only
    attention-seq2seq prepare --data=kdconv.tsv --prepared_dir=prepared/kdconv --analyze_only
    python -m experiments.studies.corpus_statistics --prepared_dir=prepared/lccc \
        --prepared_dir=prepared/kdconv

Prints a line for each corpus: pairs, duplicates, pairs whose prompt has several replies, the
frequency of the most common reply, pairs longer than the limits, and the OOV rate of replies.
"""

import json
from pathlib import Path

from absl import flags

import console
from attention_seq2seq.config.artifacts import STATISTICS_FILE
from experiments.result_files import define_results_flag, update_results

PREPARED_DIRS = flags.DEFINE_multi_string(
    "prepared_dir", None, "directory written by `prepare`; repeatable [path]", required=True
)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "vocabulary size of the OOV rate [tokens]", lower_bound=1
)
RESULTS_JSON = define_results_flag()


def main(_) -> None:
    """Prints and writes a row for each corpus."""
    rows = [corpus_row(Path(path)) for path in PREPARED_DIRS.value]
    for row in rows:
        name, pairs, *fractions, reply = row.values()
        print(f"{name:16}{pairs:>10,}" + "".join(f"{value:>8.1%}" for value in fractions), reply)
    update_results(RESULTS_JSON.value, rows, key=["corpus"])


def corpus_row(prepared_dir: Path) -> dict:
    """Returns the statistics of a prepared dataset.

    Raises:
        ValueError: the directory has no statistics of this vocabulary size.
    """
    path = prepared_dir / STATISTICS_FILE
    statistics = json.loads(path.read_text("utf-8"))
    vocabulary = statistics["vocabulary"]
    if str(VOCABULARY_SIZE.value) not in vocabulary:
        raise ValueError(
            f"--vocabulary_size={VOCABULARY_SIZE.value}: not in {path}. Expected one of "
            f"{', '.join(vocabulary)}."
        )
    most_common = statistics["replies"]["most_common"][0]
    return {
        "corpus": prepared_dir.name,
        "pairs": statistics["num_pairs"],
        "duplicates": statistics["duplicates"]["fraction"],
        "ambiguous_pairs": statistics["prompts"]["ambiguous_pairs"]["fraction"],
        "most_common_reply_rate": most_common["fraction"],
        "too_long": statistics["too_long"]["fraction"],
        "oov_rate": vocabulary[str(VOCABULARY_SIZE.value)]["oov_rate"]["replies"],
        "most_common_reply": most_common["reply"],
    }


if __name__ == "__main__":
    console.run_main(main)
