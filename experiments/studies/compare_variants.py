r"""Trains variants of a model with several seeds each, and says which are better, and how surely.

    python -m experiments.studies.compare_variants --work_dir=work --data=chat.tsv --variant="" \
        --variant="--attention=none" --variant="--source_tokenizer=characters"
    python -m experiments.studies.compare_variants --work_dir=work --data=train.tsv \
        --test_data=test.tsv --variant=""

Each variant is flags of train.py, beside those that are given here for all; "" is none. All get the
same pairs, those that are short enough for every variant, in as many epochs, none stopped early.
The best epoch is chosen on pairs set aside for it (--validation_fraction), and answers, whatever
--restore_best_weights says; what is reported is measured on others (--test_data, or --test_fraction
of the conversations), none of whose prompts was trained on or chosen by. Their replies may have
been: how many were is printed.

p is that of the first variant beside each: how probable such a difference would be if it did not
matter which is which, conversations drawn, the seeds' replies to a prompt taken together. It knows
of no other seeds: a difference is called one only where p is below 0.05 and no seed of the one is
as good as a seed of the other; of twenty differences that are none, one has such a p. Perplexities
are compared on prompts whose replies have no word that is unknown to one of the two, and what they
are there is printed too. Distinct-n and most_common_ratio have no p. A training that was
stopped goes on; one that has ended is not done again.
"""

import dataclasses
import shlex
from pathlib import Path

import numpy as np
from absl import flags

import common
import config_flags
import console
import metric_formats
from attention_seq2seq.config.decoding import DecodingConfig
from experiments.studies import seed_statistics
from experiments.studies.variant_comparison import (
    ATTRIBUTION,
    VariantComparison,
    normalize_text,
)

WORK_DIR = config_flags.define_path("work_dir", None, "where models are kept [path]", required=True)
VARIANTS = flags.DEFINE_multi_string("variant", [""], "flags of one variant; several times")
SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "the seeds to train with")
TEST_DATA = config_flags.define_paths("test_data", [], "corpus files to report on [paths]")
TEST_FRACTION = flags.DEFINE_float(
    "test_fraction",
    0.1,
    "without --test_data: share of the conversations to report on",
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
    f"what is printed, see evaluate.py; several times. {ATTRIBUTION} is the rank correlation of "
    "attention weights with contributions, and takes long",
)
PLOT_BY_LENGTH = config_flags.define_path(
    "plot_by_length",
    None,
    "draw the first metric by the length of prompts, beside that of the first variant [path]",
)
config_flags.define_config_flags()
config_flags.define_flags(DecodingConfig)

# Prompts in each group of lengths are about as many.
NUM_GROUPS = 6

CORPUS_METRICS = ("distinct_1", "distinct_2", "most_common_ratio")

# What would make the variants' trainings different ones, or would be ignored.
SHARED_OPTIONS = (
    *("data", "validation_fraction", "seed", "epochs", "batch_size", "gradient_accumulation_steps"),
    *("context_turns", "restore_best_weights", "patience"),
)


def main(_) -> None:
    """Trains, measures, prints."""
    seeds = config_flags.parse_seeds(SEEDS.value)
    if len(set(VARIANTS.value)) < len(VARIANTS.value):
        raise ValueError("--variant: one was given twice; expected different ones.")
    common.require_image_path(PLOT_BY_LENGTH.value)
    if PLOT_BY_LENGTH.value and METRICS.value[0] in CORPUS_METRICS:
        raise ValueError(
            f"--plot_by_length draws the first --metric, {METRICS.value[0]}, which is not made of "
            "sums over prompts; give another one before it."
        )
    common.enable_determinism()
    common.suppress_retracing_warnings()
    variants = {variant: variant_config(variant) for variant in VARIANTS.value}
    comparison = VariantComparison(
        variants,
        config_flags.options_from_flags(DecodingConfig),
        work_dir=Path(WORK_DIR.value),
        test_data=TEST_DATA.value,
        test_fraction=TEST_FRACTION.value,
        has_attribution=ATTRIBUTION in METRICS.value,
    )
    results = {}
    for variant in variants:
        results[variant] = [comparison.train_and_evaluate(variant, seed) for seed in seeds]
        reference, conversations = results[VARIANTS.value[0]], comparison.conversations
        seed_statistics.print_rows(
            variant, METRICS.value, results[variant], reference, conversations
        )
    for signature in comparison.signatures:
        if signature.partition("|")[0] in METRICS.value:
            print(signature)
    if PLOT_BY_LENGTH.value:
        plot_by_length(results, comparison)


def variant_config(variant: str):
    """The options of a variant.

    Raises:
        ValueError: it is no variant of the same training.
    """
    config = config_flags.config_from_flags()
    changed = config_flags.override_options(config, shlex.split(variant))
    for group, options in vars(changed).items():
        for name, value in vars(options).items():
            if name in SHARED_OPTIONS and value != getattr(getattr(config, group), name):
                raise ValueError(
                    f"--variant={variant}: {name} is the same for all; give it beside the variants."
                )
    training = dataclasses.replace(changed.training, patience=0, restore_best_weights=True)
    return dataclasses.replace(changed, training=training)


def plot_by_length(results: dict[str, list[dict]], comparison: VariantComparison) -> None:
    """For each variant the first metric by the length of prompts, beside the first variant's."""
    from matplotlib.figure import Figure

    from attention_seq2seq.utils.plotting import save_figure

    name, reference = METRICS.value[0], VARIANTS.value[0]
    lengths = [len(normalize_text(prompt).split()) for prompt in comparison.prompts]
    groups = seed_statistics.group_by_length(lengths, NUM_GROUPS)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    print(f"{name} by the length of prompts, and divided by that of the first variant")
    for variant, seed_results in results.items():
        title = variant or "as given"
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
    # Two dollar signs in a flag are no formula.
    label = f"{name.replace('_', ' ')}, divided by that of {reference or 'as given'}"
    axes.set_ylabel(label, parse_math=False)
    for text in figure.legend(loc="outside upper left", fontsize="small").get_texts():
        text.set_parse_math(False)
    save_figure(figure, PLOT_BY_LENGTH.value)
    print(f"as a picture: {PLOT_BY_LENGTH.value}")


if __name__ == "__main__":
    console.run_main(main)
