r"""Trains variants of a model with several seeds each, and tests whether they differ.

    python -m experiments.studies.compare_variants --work_dir=work --data=chat.tsv --variant="" \
        --variant="--attention=none" --variant="--source_tokenizer=characters"
    python -m experiments.studies.compare_variants --work_dir=work --data=train.tsv \
        --test_data=test.tsv --variant=""

A variant is a string of train.py flags, in addition to the flags that all variants share; "" adds
none. All variants train on the same pairs (those that no variant drops as too long) for the same
number of epochs, without early stopping. The best epoch on the validation pairs is evaluated, even
with --restore_best_weights=false. The test pairs are --test_data, or --test_fraction of the
conversations. Their prompts do not occur in training or validation pairs. The fraction of their
replies that occur in training pairs is printed.

p compares each variant with the first one: a permutation test over conversations, on the sums over
seeds. The test does not cover variation between seeds. A difference is therefore reported only if
p is below 0.05 and the values of all seeds of one variant are above those of the other; one in
twenty null differences has such a p. Perplexities are compared on prompts whose replies have no OOV
tokens in either variant, and their values on these prompts are printed too. Distinct-n and
most_common_ratio have no p. Interrupted runs are resumed, and finished runs are reused.
"""

import dataclasses
import shlex
from pathlib import Path

import numpy as np
from absl import flags

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.cli import metric_formats, paths
from attention_seq2seq.config.decoding import DecodingConfig
from experiments.result_files import define_results_flag, update_results
from experiments.studies import seed_statistics
from experiments.studies.variant_comparison import (
    ATTRIBUTION,
    VariantComparison,
    normalize_text,
)

WORK_DIR = cli_flags.define_path("work_dir", None, "directory of the models [path]", required=True)
VARIANTS = flags.DEFINE_multi_string("variant", [""], "flags of a variant; repeatable")
SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "training seeds")
TEST_DATA = cli_flags.define_paths("test_data", [], "corpus files with the test pairs [paths]")
TEST_FRACTION = flags.DEFINE_float(
    "test_fraction",
    0.1,
    "fraction of conversations for the test, without --test_data",
    lower_bound=0.001,
    upper_bound=0.5,
)
METRICS = flags.DEFINE_multi_enum(
    "metric",
    [
        "perplexity",
        "character_perplexity",
        "oov_rate",
        "exact_match",
        "token_error_rate",
        "rouge_l",
    ],
    [*metric_formats.METRIC_FORMATS, ATTRIBUTION],
    f"printed metric, see evaluate.py; repeatable; {ATTRIBUTION} is the rank correlation of "
    "attention weights with contributions, and slow",
)
PLOT_BY_LENGTH = cli_flags.define_path(
    "plot_by_length",
    None,
    "image file for the first metric by length of prompts, relative to the first variant [path]",
)
RESULTS_JSON = define_results_flag()
cli_flags.define_config_flags()
cli_flags.define_option_flags(DecodingConfig)

# Number of groups of prompts by length, of about equal size.
NUM_GROUPS = 6

CORPUS_METRICS = ("distinct_1", "distinct_2", "most_common_ratio")

# Options that must be equal for all variants, or are overridden.
SHARED_OPTIONS = (
    *("data", "validation_fraction", "seed", "epochs", "batch_size", "gradient_accumulation_steps"),
    *("context_turns", "restore_best_weights", "patience"),
)


def main(_) -> None:
    """Trains and evaluates all variants, and prints the comparison."""
    seeds = cli_flags.parse_seeds(SEEDS.value)
    if len(set(VARIANTS.value)) < len(VARIANTS.value):
        raise ValueError("--variant: duplicate value; expected distinct variants.")
    paths.require_image_path(PLOT_BY_LENGTH.value)
    if PLOT_BY_LENGTH.value and METRICS.value[0] in CORPUS_METRICS:
        raise ValueError(
            f"--plot_by_length cannot plot {METRICS.value[0]}, which is a corpus-level metric. "
            "Put another --metric first."
        )
    console.enable_determinism()
    console.suppress_retracing_warnings()
    variants = {variant: variant_config(variant) for variant in VARIANTS.value}
    comparison = VariantComparison(
        variants,
        cli_flags.options_from_flags(DecodingConfig),
        work_dir=Path(WORK_DIR.value),
        test_data=TEST_DATA.value,
        test_fraction=TEST_FRACTION.value,
        has_attribution=ATTRIBUTION in METRICS.value,
    )
    data = "+".join(Path(path).name for path in cli_flags.config_from_flags().data.data)
    results = {}
    for variant in variants:
        results[variant] = [comparison.train_and_evaluate(variant, seed) for seed in seeds]
        reference, conversations = results[VARIANTS.value[0]], comparison.conversations
        metric_rows = seed_statistics.print_rows(
            variant, METRICS.value, results[variant], reference, conversations
        )
        row = {"data": data, "options": variant, "seeds": len(seeds)}
        row |= comparison.sizes | metric_rows
        if len(comparison.minutes[variant]) == len(seeds):
            row["minutes"] = seed_statistics.value_range(comparison.minutes[variant])
        update_results(RESULTS_JSON.value, [row], key=("data", "options"))
    for signature in comparison.signatures:
        if signature.partition("|")[0] in METRICS.value:
            print(signature)
    if PLOT_BY_LENGTH.value:
        plot_by_length(results, comparison)


def variant_config(variant: str):
    """Returns the config of a variant.

    Raises:
        ValueError: The variant changes an option that all variants share.
    """
    config = cli_flags.config_from_flags()
    changed = cli_flags.override_options(config, shlex.split(variant))
    for group, options in vars(changed).items():
        for name, value in vars(options).items():
            if name in SHARED_OPTIONS and value != getattr(getattr(config, group), name):
                raise ValueError(
                    f"--variant={variant}: {name} must be equal in all variants. Set it outside "
                    "--variant."
                )
    training = dataclasses.replace(changed.training, patience=0, restore_best_weights=True)
    return dataclasses.replace(changed, training=training)


def plot_by_length(results: dict[str, list[dict]], comparison: VariantComparison) -> None:
    """Plots the first metric by length of prompts, relative to the first variant."""
    from matplotlib.figure import Figure

    from attention_seq2seq.utils.plotting import save_figure

    name, reference = METRICS.value[0], VARIANTS.value[0]
    lengths = [len(normalize_text(prompt).split()) for prompt in comparison.prompts]
    groups = seed_statistics.group_by_length(lengths, NUM_GROUPS)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    print(f"{name} by the length of prompts, and divided by that of the first variant")
    for variant, seed_results in results.items():
        title = variant or "no added flags"
        group_values = seed_statistics.compare_groups(
            name, seed_results, results[reference], groups, comparison.conversations
        )
        if not group_values:
            print(f"  {title:34} cannot be compared")
            continue
        ratios = [
            value / reference_value if reference_value else np.nan
            for value, reference_value in group_values
        ]
        print(f"  {title:34}" + "".join(f"{value:>10.3f}" for value, _ in group_values))
        if variant != reference:
            print(f"  {'':34}" + "".join(f"{ratio:>10.3f}" for ratio in ratios))
        style = {"linestyle": "--", "color": "gray"} if variant == reference else {"marker": "o"}
        axes.plot(range(len(groups)), ratios, label=title, **style)
    ranges = [f"{lengths[group[0]]} to {lengths[group[-1]]}" for group in groups]
    print(
        f"  {'tokens of the prompt':34}" + "".join(f"{length_range:>10}" for length_range in ranges)
    )
    axes.set_xticks(range(len(groups)), ranges)
    axes.set_xlabel("length of the prompt (characters, or words of other scripts)")
    # Dollar signs in a flag must not start a formula.
    label = f"{name.replace('_', ' ')}, divided by that of {reference or 'no added flags'}"
    axes.set_ylabel(label, parse_math=False)
    for text in figure.legend(loc="outside upper left", fontsize="small").get_texts():
        text.set_parse_math(False)
    save_figure(figure, PLOT_BY_LENGTH.value)
    print(f"plot: {PLOT_BY_LENGTH.value}")


if __name__ == "__main__":
    console.run_main(main)
