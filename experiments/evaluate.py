"""Evaluates a trained model, with confidence intervals and a comparison with a baseline.

    python experiments/evaluate.py --model_dir=models/demo
    python experiments/evaluate.py --model_dir=models/mine --data=held_out.tsv --json=numbers.json
    python experiments/evaluate.py --model_dir=models/mine --baseline=models/other

The test pairs should be neither training nor validation pairs: validation pairs select the best
epoch, unless the model was trained with --restore_best_weights=false. Without --data, the model is
evaluated on the held-out meals of the default corpus, which are validation pairs. In addition, the
exact match rates of small talk and meals are printed.

Replies to the same prompt are alternative references, and the nearest one counts. Perplexity and
oov_rate (the fraction of OOV tokens, which cost little) are computed on the references, all other
metrics on the replies of the model. Metric tokens are single Chinese characters and, in other
scripts, lower-case strings between blanks. exact_match: fraction of replies that equal a reference;
for pronunciations of words, 100 % minus the word error rate. token_error_rate: edit distance,
divided by the length of the reference; for pronunciations, the phoneme error rate.

Intervals are 95 % bootstrap intervals over conversations. p is the p-value of a paired permutation
test. It applies to these two models; models of other seeds differ. Perplexities are compared on
prompts whose references have no OOV tokens in either model. Their values on these prompts are
printed below. Token perplexities are compared only if both models have the same tokens.
"""

import logging
from pathlib import Path

from absl import flags

import common
import config_flags
import console
import metric_formats
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils import files

MODEL_DIRS = config_flags.define_paths("model_dir", None, common.MODEL_DIRS_HELP, required=True)
DATA = config_flags.define_paths(
    "data", [], "corpus files with test pairs, in the formats of train.py [paths]"
)
SKIP_BAD_LINES = flags.DEFINE_bool("skip_bad_lines", False, "skip and count unreadable lines")
BASELINE = config_flags.define_paths(
    "baseline",
    [],
    "folder of the model to compare with; several folders form an ensemble [paths]",
)
JSON = config_flags.define_path("json", None, "JSON file for metrics and replies [path]")
config_flags.define_flags(DecodingConfig)


def main(_) -> None:
    """Evaluates the models and prints the metrics."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import evaluate

    common.require_parent_dir(JSON.value)
    # sacrebleu logs each step of its tests.
    logging.getLogger("sacrebleu").setLevel(logging.WARNING)
    decoding = config_flags.options_from_flags(DecodingConfig)
    model_dirs = [MODEL_DIRS.value, *([BASELINE.value] if BASELINE.value else [])]
    chats = [Chat.load(*folders) for folders in model_dirs]
    if DATA.value:
        pairs, skipped = read_pairs(DATA.value, SKIP_BAD_LINES.value)
        common.print_skipped_lines(skipped)
    else:
        pairs = default_groups()["held-out meals"]
        print_exact_match_rates(chats[0])
    evaluations = [evaluate(chat, pairs, decoding) for chat in chats]
    estimates_by_model = [evaluation.metrics() for evaluation in evaluations]
    comparisons = evaluations[0].compare(evaluations[1]) if BASELINE.value else {}
    p_values = {name: pair.p_value() for name, pair in comparisons.items()}
    print(f"{len(evaluations[0].prompts)} prompts\n")
    print(f"{'':21}" + "".join(f"{title[-25:]:>26}" for title in column_titles(model_dirs)), end="")
    print(f"{'p':>7}" if p_values else "")
    for name in dict.fromkeys(name for estimates in estimates_by_model for name in estimates):
        row = "".join(
            f"{format_estimate(name, estimates.get(name)):>26}" for estimates in estimates_by_model
        )
        print(f"{name:21}{row}" + (f"{p_values[name]:>7.3f}" if name in p_values else ""))
    print_comparisons(comparisons, evaluations[0])
    print("\n" + "\n".join(evaluations[0].signatures))
    if JSON.value:
        write_json(model_dirs, evaluations, estimates_by_model, p_values)


def column_titles(model_dirs: list[list[str]]) -> list[str]:
    """Returns the folder names of the models, or their paths if the names are equal."""
    names = ["+".join(Path(folder).name for folder in folders) for folders in model_dirs]
    return names if len(set(names)) == len(names) else list(map("+".join, model_dirs))


def print_comparisons(comparisons: dict, evaluation) -> None:
    """Prints the metrics that are compared on a part of the prompts."""
    for name, pair in comparisons.items():
        if len(pair.conversations) < len(evaluation.prompts):
            print(
                f"{name}: {pair.candidate.value:.3f} and {pair.baseline.value:.3f} on the "
                f"{len(pair.conversations)} prompts compared, whose replies have no unknown word"
            )


def format_estimate(name: str, estimate) -> str:
    """Formats an estimate with its interval."""
    if estimate is None:
        return ""
    value, *limits = (
        metric_formats.format_metric(name, value) for value in estimate if value is not None
    )
    return f"{value} ({' to '.join(limits)})" if limits else f"{value}{'':17}"


def write_json(model_dirs, evaluations, estimates_by_model, p_values) -> None:
    """Writes metrics, p-values, prompts, references and replies."""
    model_content = {
        ",".join(folders): {
            "metrics": {name: estimate._asdict() for name, estimate in estimates.items()},
            "replies": evaluation.replies,
        }
        for folders, evaluation, estimates in zip(model_dirs, evaluations, estimates_by_model)
    }
    content = {
        "data": DATA.value,
        "prompts": evaluations[0].prompts,
        "references": evaluations[0].references,
        "signatures": evaluations[0].signatures,
        "p_values": p_values,
        "models": model_content,
    }
    files.write_json(Path(JSON.value), content, indent=1)


def print_exact_match_rates(chat) -> None:
    """Prints the exact match rates of the default corpus."""
    from attention_seq2seq.evaluation.evaluate import exact_match_rate, unambiguous_pairs

    print(f"{'exact replies to':34}{'prompts':>8}{'fraction':>9}")
    for name, pairs in default_groups().items():
        unambiguous = unambiguous_pairs(pairs)
        rate = exact_match_rate(chat, unambiguous)
        print(f"{name + ' with one reply':34}{len(unambiguous):>8}{rate:>9.1%}")
    print()


def default_groups() -> dict:
    """Returns the parts of the default corpus by name."""
    from attention_seq2seq.data.default_corpus import default_corpus, small_talk
    from attention_seq2seq.data.synthetic.meals import meal_dialogues

    corpus, meals = default_corpus(), meal_dialogues()
    return {
        "training prompts": corpus.training,
        "  of them small talk": small_talk(),
        "  of them meals": meals.training,
        "held-out meals": meals.validation,
    }


if __name__ == "__main__":
    console.run_main(main)
