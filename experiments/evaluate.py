"""Measures how good a trained model's replies are, with intervals, beside a baseline's.

    python experiments/evaluate.py --model_dir=models/demo
    python experiments/evaluate.py --model_dir=models/mine --data=held_out.tsv --json=numbers.json
    python experiments/evaluate.py --model_dir=models/mine --baseline=models/other

Give pairs that the model was neither trained on nor chosen by: its own validation pairs chose the
epoch that answers, unless it was trained with --answer_with=last. Without --data: of the default
corpus the held-out meals, which are such validation pairs; and for a model of it how many replies
are exactly right, small talk and meals apart.

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

PERCENT = (
    "oov_rate",
    "exact_match",
    "token_error_rate",
    "bleu",
    "chrf",
    "rouge_l",
    "prompt_bigram_overlap",
    "most_common_ratio",
)


def main(_) -> None:
    """Prints the tables."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation.evaluate import evaluate

    common.require_parent_dir(JSON.value)
    # It tells each step of its tests.
    logging.getLogger("sacrebleu").setLevel(logging.WARNING)
    decoding = config_flags.options_from_flags(DecodingConfig)
    models = [MODEL_DIRS.value, *([BASELINE.value] if BASELINE.value else [])]
    chats = [Chat.load(*folders) for folders in models]
    if DATA.value:
        pairs, skipped = read_pairs(DATA.value, SKIP_BAD_LINES.value)
        common.print_skipped_lines(skipped)
    else:
        pairs = default_groups()["held-out meals"]
        print_exact_match_rates(chats[0])
    evaluations = [evaluate(chat, pairs, decoding) for chat in chats]
    found = [evaluation.metrics() for evaluation in evaluations]
    compared = evaluations[0].compare(evaluations[1]) if BASELINE.value else {}
    p_values = {name: both.p_value() for name, both in compared.items()}
    print(f"{len(evaluations[0].prompts)} prompts\n")
    print(f"{'':21}" + "".join(f"{title[-25:]:>26}" for title in titles(models)), end="")
    print(f"{'p':>7}" if p_values else "")
    for name in dict.fromkeys(name for of_one in found for name in of_one):
        row = "".join(f"{cell(name, of_one.get(name)):>26}" for of_one in found)
        print(f"{name:21}{row}" + (f"{p_values[name]:>7.3f}" if name in p_values else ""))
    print_compared(compared, evaluations[0])
    print("\n" + "\n".join(evaluations[0].signatures))
    if JSON.value:
        write_json(models, evaluations, found, p_values)


def titles(models: list[list[str]]) -> list[str]:
    """What stands above the numbers of each: its folders' names, if that tells them apart."""
    names = ["+".join(Path(folder).name for folder in folders) for folders in models]
    return names if len(set(names)) == len(names) else list(map("+".join, models))


def print_compared(compared: dict, evaluation) -> None:
    """What is compared on fewer prompts than it is measured on."""
    for name, both in compared.items():
        if len(both.conversations) < len(evaluation.prompts):
            print(
                f"{name}: {both.candidate.value:.3f} and {both.baseline.value:.3f} on the "
                f"{len(both.conversations)} prompts compared, whose replies have no unknown word"
            )


def cell(name: str, measured) -> str:
    """A number with its interval."""
    if measured is None:
        return ""
    form = "{:.1%}" if name in PERCENT else "{:.3f}"
    value, *limits = (form.format(number) for number in measured if number is not None)
    return f"{value} ({' to '.join(limits)})" if limits else f"{value}{'':17}"


def write_json(models, evaluations, found, p_values) -> None:
    """Everything that is printed, and the replies."""
    content_of = {
        ",".join(folders): {
            "metrics": {name: measured._asdict() for name, measured in of_one.items()},
            "replies": evaluation.replies,
        }
        for folders, evaluation, of_one in zip(models, evaluations, found)
    }
    content = {
        "data": DATA.value,
        "prompts": evaluations[0].prompts,
        "references": evaluations[0].references,
        "signatures": evaluations[0].signatures,
        "p_values": p_values,
        "models": content_of,
    }
    files.write_json(Path(JSON.value), content, indent=1)


def print_exact_match_rates(chat) -> None:
    """How many prompts of the default corpus are answered word for word."""
    from attention_seq2seq.evaluation.evaluate import exact_match_rate, unambiguous_pairs

    print(f"{'exact replies to':34}{'prompts':>8}{'share':>9}")
    for name, pairs in default_groups().items():
        answerable = unambiguous_pairs(pairs)
        share = exact_match_rate(chat, answerable)
        print(f"{name + ' with one reply':34}{len(answerable):>8}{share:>9.1%}")
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
