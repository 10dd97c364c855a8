"""Measures how good a trained model's replies are, with intervals, beside a baseline's.

    python experiments/evaluate.py --model_dir=models/demo
    python experiments/evaluate.py --model_dir=models/mine --data=held_out.tsv --json=numbers.json
    python experiments/evaluate.py --model_dir=models/mine --baseline=models/other

Give pairs that the model was neither trained on nor chosen by: its own validation pairs chose the
epoch that answers, unless it was trained with --restore_best_weights=false. Without --data: of the
default corpus the held-out meals, which are such validation pairs; and for a model of it how many
replies are exactly right, small talk and meals apart.

A prompt may stand in several lines: all its replies are right, and the nearest counts. Perplexity
is that of the replies given, oov_rate the share of their words that the model does not know and
that cost it little; all the rest is of what the model says. Tokens are single Chinese characters
and what stands between blanks of everything else, in lower case. exact_match: replies that are one
of those expected; what is missing to 100 % is the word error rate where prompts are spellings and
replies pronunciations. token_error_rate: tokens to put in, leave out or exchange, of those
expected; of pronunciations the phoneme error rate. Intervals are of 95 %, by drawing conversations
anew, with all their prompts. p: how probable such a difference would be if it did not matter which
model is which; it is of these two models, another seed makes others. Perplexities are compared on
prompts whose replies have no word that is unknown to one of them, and what they are there is
printed below; perplexities of words only where both models have the same.
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
DATA = config_flags.define_paths("data", [], "corpus files, as for train.py [paths]")
SKIP_BAD_LINES = flags.DEFINE_bool(
    "skip_bad_lines", False, "leave out lines that cannot be read, and count them"
)
BASELINE = config_flags.define_paths(
    "baseline",
    [],
    "the folder of a model to compare with, or of several that answer together [paths]",
)
JSON = config_flags.define_path("json", None, "write what was measured into this file, too [path]")
config_flags.define_flags(DecodingConfig)


def main(_) -> None:
    """Prints the tables."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import evaluate

    common.require_parent_dir(JSON.value)
    # It tells each step of its tests.
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
    """What stands above the numbers of each: its folders' names, if that tells them apart."""
    names = ["+".join(Path(folder).name for folder in folders) for folders in model_dirs]
    return names if len(set(names)) == len(names) else list(map("+".join, model_dirs))


def print_comparisons(comparisons: dict, evaluation) -> None:
    """What is compared on fewer prompts than it is measured on."""
    for name, pair in comparisons.items():
        if len(pair.conversations) < len(evaluation.prompts):
            print(
                f"{name}: {pair.candidate.value:.3f} and {pair.baseline.value:.3f} on the "
                f"{len(pair.conversations)} prompts compared, whose replies have no unknown word"
            )


def format_estimate(name: str, estimate) -> str:
    """A number with its interval."""
    if estimate is None:
        return ""
    value, *limits = (
        metric_formats.format_metric(name, value) for value in estimate if value is not None
    )
    return f"{value} ({' to '.join(limits)})" if limits else f"{value}{'':17}"


def write_json(model_dirs, evaluations, estimates_by_model, p_values) -> None:
    """Everything that is printed, and the replies."""
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
    """How many prompts of the default corpus are answered word for word."""
    from attention_seq2seq.evaluation.evaluate import exact_match_rate, unambiguous_pairs

    print(f"{'exact replies to':34}{'prompts':>8}{'share':>9}")
    for name, pairs in default_groups().items():
        unambiguous = unambiguous_pairs(pairs)
        rate = exact_match_rate(chat, unambiguous)
        print(f"{name + ' with one reply':34}{len(unambiguous):>8}{rate:>9.1%}")
    print()


def default_groups() -> dict:
    """The parts of the default corpus."""
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
