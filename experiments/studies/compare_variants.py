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
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from absl import flags

import common
import config_flags
import console
from attention_seq2seq.config.decoding import DecodingConfig
from experiments.studies import seed_statistics

ATTRIBUTION = "attention_attribution_correlation"

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
    [
        "perplexity",
        "character_perplexity",
        "oov_rate",
        "exact_match",
        "token_error_rate",
        "bleu",
        "chrf",
        "rouge_l",
        "prompt_bigram_overlap",
        "length_ratio",
        "distinct_1",
        "distinct_2",
        "most_common_ratio",
        ATTRIBUTION,
    ],
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
    comparison = Comparison(variants)
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


class Comparison:
    """Trainings on the same pairs, measured on the same others.

    Args:
        variants: the options of each.

    Raises:
        ValueError: there is nothing to train on or to report on, or a metric is unknown.
    """

    def __init__(self, variants: dict):
        from attention_seq2seq.data.preprocessing.manifest import is_prepared_dir
        from attention_seq2seq.data.readers import read_pairs
        from attention_seq2seq.data.splitting import split_by_conversation

        self._variants = variants
        config = next(iter(variants.values()))
        if is_prepared_dir(config.data.data):
            raise ValueError("--data names a prepared corpus; give the corpus files themselves.")
        corpus = common.load_training_corpus(config)
        if TEST_DATA.value:
            test, skipped = read_pairs(TEST_DATA.value, config.data.skip_bad_lines)
            common.print_skipped_lines(skipped)
        else:
            split = split_by_conversation(
                corpus.training, TEST_FRACTION.value, config.training.seed
            )
            corpus, test = corpus._replace(training=split.training), split.validation
        # The training leaves out the others of a variant itself, which would then have fewer.
        is_short_enough = make_length_filter(variants.values())
        self._training = list(filter(is_short_enough, corpus.training))
        self._validation = list(filter(is_short_enough, corpus.validation))
        seen_prompts = {
            normalize_text(pair.prompt) for pair in [*corpus.training, *corpus.validation]
        }
        self._test = [
            pair
            for pair in test
            if normalize_text(pair.prompt) not in seen_prompts and is_short_enough(pair)
        ]
        print(
            f"{len(self._training):,} pairs to train on, {len(self._validation):,} to choose on, "
            f"{len(self._test):,} to report on; {len(test) - len(self._test):,} others are not "
            "reported on: too long, or their prompt is trained on or chosen by",
            flush=True,
        )
        if not self._training or not self._validation or not self._test:
            raise ValueError("there are no pairs for one of these; give more, or larger fractions.")
        training_replies = {normalize_text(pair.reply) for pair in self._training}
        fraction = sum(normalize_text(pair.reply) in training_replies for pair in self._test) / len(
            self._test
        )
        print(f"{fraction:.1%} of the replies to report on are trained on, to other prompts")
        #: What is reported on, each once, and in which conversation it stands.
        self.prompts, self.conversations = [], np.array([], int)
        #: How sacrebleu counts.
        self.signatures = []

    def train_and_evaluate(self, variant: str, seed: int) -> dict:
        """What a training of a variant comes to: by the name of a metric what was counted.

        Of metrics that are not made of sums over prompts it is the number alone.
        """
        from attention_seq2seq.chat import Chat
        from attention_seq2seq.evaluation.evaluate import (
            attention_attribution_correlation,
            evaluate,
        )
        from attention_seq2seq.training.api import train

        config = self._variants[variant]
        training = dataclasses.replace(config.training, seed=seed)
        config = dataclasses.replace(config, training=training)
        name = variant.replace("--", "").replace("/", "_").replace(" ", ",") or "as given"
        folder = Path(WORK_DIR.value) / f"{name},seed={seed}"
        start_time = time.monotonic()
        train(self._training, folder, config, self._validation)
        print(f"{folder.name}: {(time.monotonic() - start_time) / 60:.1f} minutes", flush=True)
        chat, decoding = Chat.load(folder), config_flags.options_from_flags(DecodingConfig)
        evaluation = evaluate(chat, self._test, decoding)
        self.prompts, self.conversations = evaluation.prompts, evaluation.conversations
        self.signatures = evaluation.signatures
        metrics = {name: estimate.value for name, estimate in evaluation.metrics().items()}
        metrics |= evaluation.stats
        if ATTRIBUTION in METRICS.value and chat.model.has_attention:
            metrics[ATTRIBUTION] = attention_attribution_correlation(
                chat, evaluation.prompts, decoding
            )
        return metrics


def make_length_filter(configs: Iterable):
    """A function of a pair: whether it is short enough for all of them."""
    from attention_seq2seq.text.tokenizer import PairTokenizer, load_user_dictionary

    pair_tokenizers = {}
    for config in configs:
        limits = config.data.max_source_length, config.data.max_target_length
        if (config.text, limits) not in pair_tokenizers:
            user_words = load_user_dictionary(config.text)
            pair_tokenizers[config.text, limits] = PairTokenizer(config.text, user_words)

    def is_short_enough(pair) -> bool:
        for (_, (longest_prompt, longest_reply)), pair_tokenizer in pair_tokenizers.items():
            token_pair = pair_tokenizer.tokenize_pair(pair)
            if not 1 <= len(token_pair.reply) <= longest_reply:
                return False
            if sum(map(len, token_pair.turns)) > longest_prompt:
                return False
        return True

    return is_short_enough


def normalize_text(prompt: str) -> str:
    """A prompt, the same however it is written."""
    from attention_seq2seq.evaluation.stats import metric_tokens

    return " ".join(metric_tokens(prompt))


def plot_by_length(results: dict[str, list[dict]], comparison: Comparison) -> None:
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
