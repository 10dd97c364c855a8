"""Measures the quality of a model's replies, and optionally compares it with a baseline.

    attention-seq2seq evaluate --model_dir=models/demo
    attention-seq2seq evaluate --model_dir=models/mine --data=test.tsv
    attention-seq2seq evaluate --model_dir=a --data=test.tsv --baseline=b

Evaluate on pairs that were not used for training or for selecting the best epoch. Omit --data only
for a model that was trained on the default corpus: its held-out meals are then used.

The range after a metric is its 95% confidence interval: how far the value may be off because the
prompts are a sample. p is the probability of a difference at least this large between two equally
good models. Below 0.05, a difference is usually called significant. --helpfull describes the
metrics.
"""

import logging
from pathlib import Path

from absl import flags

from attention_seq2seq.cli import corpora
from attention_seq2seq.cli.flags import define_path, define_paths
from attention_seq2seq.cli.metric_formats import format_metric
from attention_seq2seq.cli.paths import require_model_dirs, require_parent_dir
from attention_seq2seq.cli.reply_flags import decoding_from_flags, define_reply_flags, load_chat
from attention_seq2seq.utils import files
from attention_seq2seq.utils.native_output import import_tensorflow

REQUIRED_FLAGS = ("model_dir",)
COMMON_FLAGS = (
    "data",
    "baseline",
    "json",
    "skip_bad_lines",
    "method",
    "beam_width",
)
DETAILS = """
Metrics compare each reply with the most similar reply of the data. Tokens are Chinese characters
and lowercased words of other scripts.

  perplexity, character_perplexity
      how unexpected the replies of the data are, per token of the model and
      per character; lower is better, 1 is a certain prediction
  oov_rate
      fraction of tokens of the data outside of the vocabulary; lower is better
  exact_match
      fraction of replies that equal a reply of the data; higher is better
  token_error_rate
      edits per token between reply and data, for pronunciations the phoneme
      error rate; lower is better
  bleu, chrf, rouge_l
      similarity to the data by common n-grams of tokens, n-grams of
      characters and subsequences, as a percentage; higher is better
  length_ratio
      length of the replies relative to the data; 1 is best
  prompt_bigram_overlap
      fraction of token pairs copied from the prompt; lower is better in a chat
  distinct_1, distinct_2
      distinct tokens and token pairs, as a fraction of all; higher is more
      diverse; depends on the number of replies
  most_common_ratio
      fraction of replies that equal the most common reply; lower is better

Intervals are bootstrap intervals over conversations. p comes from a permutation test on the same
prompts. Perplexities are compared on prompts without OOV tokens.
"""

log = logging.getLogger(__name__)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_reply_flags(flag_values)
    define_paths(
        "data",
        [],
        "corpus files in the formats of train, but no prepared dataset; if omitted, the held-out "
        "meals of the default corpus",
        flag_values=flag_values,
    )
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
    define_path(
        "json",
        None,
        "JSON file for metrics and replies; an existing file is replaced",
        flag_values=flag_values,
    )


def run(args: flags.FlagValues) -> None:
    """Evaluates a model and prints its metrics."""
    require_parent_dir(args.json)
    corpora.require_corpus_files(args.data)
    require_model_dirs([*args.model_dir, *args.baseline])

    import_tensorflow()
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import evaluate

    # sacrebleu logs each step of its tests.
    logging.getLogger("sacrebleu").setLevel(logging.WARNING)
    decoding = decoding_from_flags(args)
    if decoding.num_return_sequences > 1:
        log.warning("--num_return_sequences has no effect: only the best reply is evaluated.")
    require_default_corpus([] if args.data else args.model_dir)
    model_dirs = [args.model_dir, *([args.baseline] if args.baseline else [])]
    chats = [load_chat(ensemble_dirs, decoding) for ensemble_dirs in model_dirs]
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
    names = list(dict.fromkeys(name for estimates in estimates_by_model for name in estimates))
    columns = [["", *names]]
    for title, estimates in zip(titles, estimates_by_model):
        columns.append(format_column(title[-25:], [(n, estimates.get(n)) for n in names]))
    if p_values:
        columns.append(["p", *(f"{p_values[n]:.3f}" if n in p_values else "" for n in names)])
    widths = [max(map(len, column)) for column in columns]
    for name, *cells in zip(*columns):
        row = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:]))
        print(f"{name:{widths[0]}}{row}".rstrip())


def require_default_corpus(model_dirs: list[str]) -> None:
    """Checks that models were trained on the default corpus.

    Raises:
        ValueError: a model was trained on other pairs.
    """
    for model_dir in model_dirs:
        if not corpora.is_trained_on_default_corpus(model_dir):
            raise ValueError(
                f"{model_dir} was not trained on the default corpus, so --data is required. Give "
                "pairs that were not used for training."
            )


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


def format_column(title: str, estimates: list[tuple]) -> list[str]:
    """Formats metrics with their intervals, so that values and intervals are aligned.

    Args:
        title: title of the column.
        estimates: name and `Estimate` of each metric; None for a missing one.

    Example:
        >>> from attention_seq2seq.evaluation.evaluate import Estimate
        >>> estimates = [("perplexity", Estimate(48064.0, 2.5, 3)), ("distinct_1", Estimate(0.5))]
        >>> format_column("model", estimates)
        ['model', '48064.000 (2.500 to 3.000)', '    0.500                 ']
    """
    values, intervals = [], []
    for name, estimate in estimates:
        texts = [format_metric(name, x) for x in estimate or () if x is not None]
        values.append(texts[0] if texts else "")
        intervals.append(f" ({' to '.join(texts[1:])})" if texts[1:] else "")
    value_width, interval_width = max(map(len, values)), max(map(len, intervals))
    cells = [f"{v:>{value_width}}{i:<{interval_width}}" for v, i in zip(values, intervals)]
    return [title, *cells]


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
