"""Trains on short strings, and measures on longer ones what is still done right, and why.

    python experiments/longer.py --work_dir=work --task=reverse \
        --flagfile=experiments/presets/reversal.flags
    python experiments/longer.py --work_dir=work --task=copy --attentions=luong,none \
        --png=copy.png --flagfile=experiments/presets/reversal.flags

The strings trained on have 8 to 16 symbols of 20, those measured on up to 40. For each range of
lengths three shares: strings that come out exactly right; symbols that need no mending (one less
the symbols to put in, leave out or exchange); and symbols to be said at whose step attention lay
mostly on where they stand. Means of all seeds, the lowest and the highest beside the first. A
training that was stopped goes on; one that has ended is not done again.
"""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from absl import flags

import console

WORK_DIR = flags.DEFINE_string("work_dir", None, "where models are kept [path]", required=True)
TASK = flags.DEFINE_enum("task", "reverse", ["reverse", "copy"], "what is to be done")
ATTENTIONS = flags.DEFINE_list(
    "attentions",
    ["luong", "bahdanau", "luong_monotonic", "none"],
    "those compared, see --attention",
)
SEEDS = flags.DEFINE_list("seeds", ["1", "2", "3"], "the seeds to train with")
TRAINING_PAIRS = flags.DEFINE_integer(
    "training_pairs", 20000, "strings to train on [strings]", lower_bound=1
)
UNSEEN_PAIRS = flags.DEFINE_integer(
    "unseen_pairs", 300, "strings to measure on, of each range [strings]", lower_bound=1
)
PNG = flags.DEFINE_string("png", None, "draw the shares by length [path]")
console.define_config_flags()

RANGES = ((8, 16), (17, 20), (21, 24), (25, 30), (31, 40))


class Shares(NamedTuple):
    """What a model comes to on strings of some lengths.

    Attributes:
        exact: strings that came out right.
        symbols: symbols that need no mending.
        looking: symbols to be said at whose step the largest weight lay on where they stand; None:
            there is no attention.
    """

    exact: float
    symbols: float
    looking: float | None


def main(_) -> None:
    """Trains, measures, prints."""
    seeds = console.seeds_of(SEEDS.value)
    console.make_repeatable()
    console.silence_retracing()
    config = console.config_from_flags()
    variants = {
        attention: console.with_options(config, [f"--attention={attention}"])
        for attention in ATTENTIONS.value
    }
    found = {}
    for attention, options in variants.items():
        found[attention] = [measured(options, int(seed)) for seed in seeds]
        print_rows(attention, found[attention])
    if PNG.value:
        draw(found)


def places_of(text: str) -> range:
    """Where in a string what is to be said stands, in the order in which it is to be said."""
    return range(len(text))[:: -1 if TASK.value == "reverse" else 1]


def pairs_of(strings: list[str]) -> list:
    """With what each is to become."""
    from attention_seq2seq.data.pairs import Pair

    return [
        Pair(text, "".join(text[place] for place in places_of(text)), number)
        for number, text in enumerate(strings)
    ]


def measured(config, seed: int) -> list[Shares]:
    """What a training comes to, for each range of lengths."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.reversal import random_strings
    from attention_seq2seq.training.trainer import train

    training = dataclasses.replace(config.training, seed=seed)
    config = dataclasses.replace(config, training=training)
    folder = Path(WORK_DIR.value) / f"{TASK.value},{config.model.attention},seed={seed}"
    strings = random_strings(TRAINING_PAIRS.value, seed=1)
    train(pairs_of(strings), folder, config, ())
    chat = Chat.load(folder)
    known = set(strings)
    shares = []
    for number, (shortest, longest) in enumerate(RANGES):
        unseen = random_strings(UNSEEN_PAIRS.value, 2 + number, shortest, longest)
        shares.append(shares_of(chat, pairs_of([text for text in unseen if text not in known])))
    return shares


def shares_of(chat, pairs) -> Shares:
    """Of a model on pairs."""
    from attention_seq2seq import metrics

    replies = chat.reply([pair.prompt for pair in pairs])
    mending = sum(metrics.edits(reply.text, pair.reply) for reply, pair in zip(replies, pairs))
    num_symbols = sum(len(pair.reply) for pair in pairs)
    looked = sum(
        int(row.argmax()) == place
        for reply, pair in zip(replies, pairs)
        for place, row in zip(places_of(pair.prompt), reply.attention_weights)
        if chat.model.attends
    )
    return Shares(
        metrics.exact_match([reply.text for reply in replies], [pair.reply for pair in pairs]),
        max(0.0, 1 - mending / num_symbols),
        looked / num_symbols if chat.model.attends else None,
    )


def print_rows(attention: str, of_seeds: list[list[Shares]]) -> None:
    """A line for each range of lengths."""
    print(f"\n{TASK.value}, --attention={attention}, {len(of_seeds)} seeds")
    print(f"  {'symbols':10}{'exact':>24}{'symbols right':>16}{'looking there':>16}")
    for (shortest, longest), of_range in zip(RANGES, zip(*of_seeds)):
        exact = [shares.exact for shares in of_range]
        print(
            f"  {f'{shortest} to {longest}':10}"
            f"{f'{mean(exact):.1%} ({min(exact):.1%} to {max(exact):.1%})':>24}"
            f"{mean([shares.symbols for shares in of_range]):>16.1%}",
            end="",
        )
        if looking := [shares.looking for shares in of_range if shares.looking is not None]:
            print(f"{mean(looking):>16.1%}", end="")
        print()
    print(flush=True)


def mean(values: list[float]) -> float:
    """Of the seeds."""
    return sum(values) / len(values)


def draw(found: dict[str, list[list[Shares]]]) -> None:
    """Two pictures beside each other: what is right, and where attention lies."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    titles = {
        "symbols": "symbols that need no mending",
        "looking": "symbols that attention lay on at their step",
    }
    for axes, (name, title) in zip(figure.subplots(1, 2, sharey=True), titles.items()):
        for attention, of_seeds in found.items():
            shares = [[getattr(one, name) for one in of_range] for of_range in zip(*of_seeds)]
            if all(None not in of_range for of_range in shares):
                axes.plot(range(len(RANGES)), [*map(mean, shares)], marker="o", label=attention)
        axes.set_title(title)
        axes.set_xticks(range(len(RANGES)), [f"{low} to {high}" for low, high in RANGES])
        axes.set_xlabel("symbols of a string; trained on 8 to 16")
        axes.set_ylim(0, 1.02)
        axes.legend()
    figure.savefig(PNG.value, dpi=160)
    print(f"as a picture: {PNG.value}")


if __name__ == "__main__":
    console.run(main)
