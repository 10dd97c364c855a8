r"""Trains on short strings, and measures accuracy and attention on longer ones.

    python -m experiments.studies.length_generalization --work_dir=work --task=reverse \
        --config=reversal
    python -m experiments.studies.length_generalization --work_dir=work --task=copy \
        --attentions=luong,none --plot=copy.png --config=reversal

Training strings have 8 to 16 symbols of 20, test strings up to 40. For each range of lengths, the
script prints three rates: strings that are exactly right; correct symbols (1 minus the symbol error
rate); and symbols whose largest attention weight is on their source position. Rates are means over
seeds, with the lowest and the highest in brackets. The script also prints in which ranges there are
fewer or more correct symbols than with the first attention: a paired test over strings has p below
0.05, and the values of all seeds of one attention are above those of the other. Interrupted
runs are resumed, and finished runs are reused.
"""

import dataclasses
from pathlib import Path

import numpy as np
from absl import flags

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.cli import paths
from experiments.result_files import define_results_flag, update_results
from experiments.studies import seed_statistics

WORK_DIR = cli_flags.define_path("work_dir", None, "directory of the models [path]", required=True)
TASK = flags.DEFINE_enum("task", "reverse", ["reverse", "copy"], "task of the model")
ATTENTIONS = flags.DEFINE_list(
    "attentions",
    ["luong", "bahdanau", "luong_monotonic", "none"],
    "compared values of --attention",
)
SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "training seeds")
TRAINING_PAIRS = flags.DEFINE_integer(
    "training_pairs", 20000, "number of training strings", lower_bound=1
)
UNSEEN_PAIRS = flags.DEFINE_integer(
    "unseen_pairs", 300, "number of test strings in each range", lower_bound=1
)
PLOT = cli_flags.define_path("plot", None, "image file for the rates by length [path]")
RESULTS_JSON = define_results_flag()
cli_flags.define_config_flags()

RANGES = ((8, 16), (17, 20), (21, 24), (25, 30), (31, 40))


def main(_) -> None:
    """Trains and evaluates all models, and prints the comparison."""
    seeds = cli_flags.parse_seeds(SEEDS.value)
    console.enable_determinism()
    console.suppress_retracing_warnings()
    config = cli_flags.config_from_flags()
    segmentations = {config.text.source_tokenizer, config.text.target_tokenizer}
    if segmentations != {"characters"}:
        raise ValueError(
            f"source_tokenizer and target_tokenizer are {', '.join(sorted(segmentations))}; "
            "expected characters. Use --config=reversal."
        )
    paths.require_image_path(PLOT.value)
    variants = {
        attention: cli_flags.override_options(config, [f"--attention={attention}"])
        for attention in ATTENTIONS.value
    }
    results = {}
    for attention, options in variants.items():
        results[attention] = [train_and_evaluate(options, int(seed)) for seed in seeds]
        print_rows(attention, results[attention])
        if attention != ATTENTIONS.value[0]:
            print_differences(results[attention], results[ATTENTIONS.value[0]])
        row = {"task": TASK.value, "attention": attention, "seeds": len(seeds)}
        row |= rates_by_length(results[attention])
        update_results(RESULTS_JSON.value, [row], key=("task", "attention"))
    if PLOT.value:
        plot(results)


def target_positions(task: str, text: str) -> range:
    """Returns the source position of each target symbol."""
    return range(len(text))[:: -1 if task == "reverse" else 1]


def make_pairs(task: str, strings: list[str]) -> list:
    """Returns pairs of the strings and their targets."""
    from attention_seq2seq.data.pairs import Pair

    return [
        Pair(text, "".join(text[position] for position in target_positions(task, text)), index)
        for index, text in enumerate(strings)
    ]


def train_and_evaluate(config, seed: int) -> list[dict]:
    """Trains a model, and returns the accuracy statistics of each range of lengths."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.training.api import train
    from experiments.studies.random_strings import random_strings

    training = dataclasses.replace(config.training, seed=seed)
    config = dataclasses.replace(config, training=training)
    directory = Path(WORK_DIR.value) / f"{TASK.value},{config.model.attention},seed={seed}"
    strings = random_strings(TRAINING_PAIRS.value, seed=1)
    train(make_pairs(TASK.value, strings), directory, config, ())
    chat = Chat.load(directory)
    training_strings = set(strings)
    range_stats = []
    for index, (min_length, max_length) in enumerate(RANGES):
        unseen = random_strings(UNSEEN_PAIRS.value, 2 + index, min_length, max_length)
        texts = [text for text in unseen if text not in training_strings]
        range_stats.append(accuracy_stats(TASK.value, chat, make_pairs(TASK.value, texts)))
    return range_stats


def accuracy_stats(task: str, chat, pairs) -> dict:
    """Returns the accuracy statistics of a model on pairs.

    "exact" counts correct strings, "symbols" correct symbols, and "looking" symbols whose
    largest attention weight is on their source position, for models with attention.
    """
    from attention_seq2seq.evaluation import metrics
    from attention_seq2seq.evaluation.significance import ratio_metric

    replies = chat.reply([pair.prompt for pair in pairs])
    exact, num_correct, num_aligned = [], [], []
    for reply, pair in zip(replies, pairs):
        exact.append(reply.text == pair.reply)
        num_edits = metrics.edit_distance(reply.text, pair.reply)
        num_correct.append(max(0, len(pair.reply) - num_edits))
        if chat.model.has_attention:
            rows = zip(target_positions(task, pair.prompt), reply.attention_weights)
            num_aligned.append(sum(int(row.argmax()) == position for position, row in rows))
    lengths = np.array([len(pair.reply) for pair in pairs], float)
    stats = {
        "exact": ratio_metric(np.array(exact, float), np.ones(len(pairs))),
        "symbols": ratio_metric(np.array(num_correct, float), lengths),
    }
    if chat.model.has_attention:
        stats["looking"] = ratio_metric(np.array(num_aligned, float), lengths)
    return stats


def print_rows(attention: str, seed_results: list[list[dict]]) -> None:
    """Prints a line for each range of lengths."""
    num_strings = len(seed_results[0][0]["exact"].sums)
    print(
        f"\n{TASK.value}, --attention={attention}, {len(seed_results)} seeds, "
        f"{num_strings} strings of {RANGES[0][0]} to {RANGES[0][1]} symbols"
    )
    print(f"  {'symbols':9}{'exact':>23}{'symbols correct':>23}{'attention correct':>23}")
    for (min_length, max_length), range_results in zip(RANGES, zip(*seed_results)):
        print(f"  {f'{min_length} to {max_length}':9}", end="")
        for name in range_results[0]:
            values = [stats[name].value for stats in range_results]
            rate = seed_statistics.value_range(values)
            limits = f"({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"
            text = f"{rate['value']:.1%} {limits}"
            print(f"{text:>23}", end="")
        print()
    print(flush=True)


def print_differences(results: list[list[dict]], reference: list[list[dict]]) -> None:
    """Prints the ranges with fewer or more correct symbols than with the first attention."""
    ranges = {"lower": [], "higher": [], "": []}
    for (min_length, max_length), *range_results in zip(RANGES, zip(*results), zip(*reference)):
        candidates, references = map(list, range_results)
        strings = np.arange(len(candidates[0]["symbols"].sums))
        difference = seed_statistics.difference("symbols", candidates, references, strings)
        ranges[difference.direction if difference else ""].append(f"{min_length} to {max_length}")
    labels = {"lower": "fewer", "higher": "more", "": "no significant difference"}
    summaries = [
        f"{labels[direction]} of {', '.join(lengths)}"
        for direction, lengths in ranges.items()
        if lengths
    ]
    reference_name = ATTENTIONS.value[0]
    print(
        f"  symbols correct, compared with {reference_name}: {'; '.join(summaries)}\n", flush=True
    )


def rates_by_length(seed_results: list[list[dict]]) -> dict[str, dict]:
    """Returns the number of strings, and the mean and the range of each rate, by length."""
    rates = {}
    for (min_length, max_length), range_results in zip(RANGES, zip(*seed_results)):
        row = {"strings": len(range_results[0]["exact"].sums)}
        for name in ("exact", "symbols", "looking"):
            values = [stats[name].value for stats in range_results if name in stats]
            row[name] = seed_statistics.value_range(values) if values else None
        rates[f"{min_length} to {max_length}"] = row
    return rates


def plot(results: dict[str, list[list[dict]]]) -> None:
    """Plots correct symbols and attention by length of the strings."""
    from matplotlib.figure import Figure

    from attention_seq2seq.utils.plotting import save_figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    titles = {
        "symbols": "correct symbols",
        "looking": "symbols with the largest weight on their source position",
    }
    for axes, (name, title) in zip(figure.subplots(1, 2, sharey=True), titles.items()):
        for attention, seed_results in results.items():
            if name in seed_results[0][0]:
                means = [row[name]["value"] for row in rates_by_length(seed_results).values()]
                axes.plot(range(len(RANGES)), means, marker="o", label=attention)
        axes.set_title(title)
        axes.set_xticks(range(len(RANGES)), [f"{low} to {high}" for low, high in RANGES])
        axes.set_xlabel("symbols of a string; trained on 8 to 16")
        axes.set_ylim(0, 1.02)
        axes.legend()
    save_figure(figure, PLOT.value)
    print(f"plot: {PLOT.value}")


if __name__ == "__main__":
    console.run_main(main)
