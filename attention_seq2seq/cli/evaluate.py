"""Measures the quality of the replies of a model, and compares it with a baseline.

    attention-seq2seq evaluate --model_dir=models/demo
    attention-seq2seq evaluate --model_dir=models/mine --data=test.tsv
    attention-seq2seq evaluate --model_dir=models/mine --baseline=models/other

Evaluate on pairs that were not used for training or for selecting the best epoch. Without --data,
the held-out meals of the default corpus are used.

Intervals are 95% bootstrap intervals over conversations. p is the p-value of a permutation test
of the two models on the same prompts. All replies to a prompt are references, and the most
similar reference counts. Metrics of replies use Chinese characters and lowercased words of other
scripts as tokens. For pronunciations, token_error_rate is the phoneme error rate. oov_rate is the
fraction of reference tokens that are not in the vocabulary. Perplexities are compared on prompts
without such tokens.
"""

import logging
from pathlib import Path

from absl import flags

from attention_seq2seq.cli import corpora
from attention_seq2seq.cli.flags import (
    define_path,
    define_paths,
    define_reply_flags,
    options_from_flags,
)
from attention_seq2seq.cli.metric_formats import format_metric
from attention_seq2seq.cli.paths import require_parent_dir
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils import files

COMMON_FLAGS = (
    "model_dir",
    "data",
    "baseline",
    "json",
    "skip_bad_lines",
    "method",
    "beam_width",
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_reply_flags(flag_values)
    define_paths("data", [], "corpus files in the formats of train", flag_values=flag_values)
    flags.DEFINE_bool(
        "skip_bad_lines",
        False,
        "whether to skip and count malformed lines instead of raising an error",
        flag_values=flag_values,
    )
    define_paths(
        "baseline",
        [],
        "directory of a model to compare with; several, separated by commas, form an ensemble",
        flag_values=flag_values,
    )
    define_path("json", None, "JSON file for metrics and replies", flag_values=flag_values)


def run(args: flags.FlagValues) -> None:
    """Evaluates a model and prints its metrics."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import evaluate

    require_parent_dir(args.json)
    # sacrebleu logs each step of its tests.
    logging.getLogger("sacrebleu").setLevel(logging.WARNING)
    decoding = options_from_flags(DecodingConfig, args)
    model_dirs = [args.model_dir, *([args.baseline] if args.baseline else [])]
    chats = [Chat.load(*ensemble_dirs) for ensemble_dirs in model_dirs]
    exact_match_rates = {}
    if args.data:
        pairs, skipped = read_pairs(args.data, args.skip_bad_lines)
        corpora.print_skipped_lines(skipped)
    else:
        pairs = default_corpus_parts()["held-out meals"]
        exact_match_rates = print_exact_match_rates(chats[0])
    evaluations = [evaluate(chat, pairs, decoding) for chat in chats]
    estimates_by_model = [evaluation.metrics() for evaluation in evaluations]
    comparisons = evaluations[0].compare(evaluations[1]) if args.baseline else {}
    p_values = {name: pair.p_value() for name, pair in comparisons.items()}
    print(f"{len(evaluations[0].prompts)} prompts\n")
    print_metrics(column_titles(model_dirs), estimates_by_model, p_values)
    print_comparisons(comparisons, evaluations[0])
    print("\n" + "\n".join(evaluations[0].signatures))
    if args.json:
        content = json_content(args.data, model_dirs, evaluations, estimates_by_model, p_values)
        files.write_json(Path(args.json), content | exact_match_rates, indent=1)


def print_metrics(titles: list[str], estimates_by_model: list[dict], p_values: dict) -> None:
    """Prints a table of metrics: a column for each model, and p-values."""
    print(f"{'':21}" + "".join(f"{title[-25:]:>26}" for title in titles), end="")
    print(f"{'p':>7}" if p_values else "")
    for name in dict.fromkeys(name for estimates in estimates_by_model for name in estimates):
        row = "".join(
            f"{format_estimate(name, estimates.get(name)):>26}" for estimates in estimates_by_model
        )
        print(f"{name:21}{row}" + (f"{p_values[name]:>7.3f}" if name in p_values else ""))


def column_titles(model_dirs: list[list[str]]) -> list[str]:
    """Returns the directory names of the models, or their paths if names are equal."""
    names = ["+".join(Path(path).name for path in ensemble_dirs) for ensemble_dirs in model_dirs]
    return names if len(set(names)) == len(names) else list(map("+".join, model_dirs))


def print_comparisons(comparisons: dict, evaluation) -> None:
    """Prints the metrics that are compared on a subset of the prompts."""
    for name, pair in comparisons.items():
        if len(pair.conversations) < len(evaluation.prompts):
            print(
                f"{name}: {pair.candidate.value:.3f} and {pair.baseline.value:.3f} on the "
                f"{len(pair.conversations)} prompts without OOV tokens in the references"
            )


def format_estimate(name: str, estimate) -> str:
    """Formats a metric with its interval."""
    if estimate is None:
        return ""
    value, *limits = (format_metric(name, x) for x in estimate if x is not None)
    return f"{value} ({' to '.join(limits)})" if limits else f"{value}{'':17}"


def json_content(data, model_dirs, evaluations, estimates_by_model, p_values) -> dict:
    """Returns metrics, p-values, prompts, references and replies."""
    model_content = {
        ",".join(ensemble_dirs): {
            "metrics": {name: estimate._asdict() for name, estimate in estimates.items()},
            "replies": evaluation.replies,
        }
        for ensemble_dirs, evaluation, estimates in zip(model_dirs, evaluations, estimates_by_model)
    }
    return {
        "data": data,
        "prompts": evaluations[0].prompts,
        "references": evaluations[0].references,
        "signatures": evaluations[0].signatures,
        "p_values": p_values,
        "models": model_content,
    }


def print_exact_match_rates(chat) -> dict[str, list[dict]]:
    """Prints and returns the exact match rate on each part of the default corpus."""
    from attention_seq2seq.evaluation.evaluate import exact_match_rate, unambiguous_pairs

    print(f"{'exact match, prompts with one reply':38}{'prompts':>8}{'rate':>9}")
    parts = []
    for name, pairs in default_corpus_parts().items():
        unambiguous = unambiguous_pairs(pairs)
        rate = exact_match_rate(chat, unambiguous)
        print(f"{name:38}{len(unambiguous):>8}{rate:>9.1%}")
        parts.append({"part": name.strip(), "prompts": len(unambiguous), "exact_match": rate})
    print()
    return {"default_corpus": parts}


def default_corpus_parts() -> dict:
    """Returns the pairs of the default corpus by part."""
    from attention_seq2seq.data.default_corpus import default_corpus, small_talk
    from attention_seq2seq.data.synthetic.meals import meal_dialogues

    corpus, meals = default_corpus(), meal_dialogues()
    return {
        "training pairs": corpus.training,
        "  small talk": small_talk(),
        "  meals": meals.training,
        "held-out meals": meals.validation,
    }
