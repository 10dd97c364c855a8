"""Prints how many prompts of a corpus a trained model answers word for word.

    python experiments/evaluate.py --model_dir=models/demo
    python experiments/evaluate.py --model_dir=models/mine --data=mine.tsv

Without --data: the default corpus, small talk and meals apart, trained on and held out.
"""

from absl import flags

import console

MODEL_DIR = flags.DEFINE_string("model_dir", None, "the folder of a trained model", required=True)
DATA = flags.DEFINE_list("data", [], "corpus files, as for train.py [paths]")


def main(_) -> None:
    """Prints a table."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.evaluation import exact_replies, with_one_reply

    chat = Chat.load(MODEL_DIR.value)
    groups = {"all": read_pairs(DATA.value)[0]} if DATA.value else default_groups()
    print(f"{'exact replies to':34}{'prompts':>8}{'share':>9}")
    for name, pairs in groups.items():
        answerable = with_one_reply(pairs)
        if not answerable:
            raise ValueError(f"{name}: every prompt has several replies; none can be exact.")
        share = exact_replies(chat, answerable)
        print(f"{name + ' with one reply':34}{len(answerable):>8}{share:>9.1%}")


def default_groups() -> dict:
    """The parts of the default corpus."""
    from attention_seq2seq.data.corpora import default_corpus, small_talk
    from attention_seq2seq.data.meals import meal_talk

    corpus, meals = default_corpus(), meal_talk()
    return {
        "training prompts": corpus.training,
        "  of them small talk": small_talk(),
        "  of them meals": meals.training,
        "held-out meals": meals.validation,
    }


if __name__ == "__main__":
    console.run(main)
