"""How fast training is, beside the tutorials' way, OpenNMT-tf and Joey NMT on the same work."""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import JiebaSegmenter
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary
from experiments.benchmarks.baselines import common, joeynmt, opennmt
from experiments.benchmarks.worker import worker_command, worker_environment

SEED = 1
DEV_PAIRS = 1000
LONGEST = 30
WAYS = {"tutorial": "tfa.seq2seq, tutorial", "float32": "ours", "bfloat16": "ours, bfloat16"}
COARSE = WAYS["bfloat16"]
# What makes a model good soon, beside the options that all systems have: a step size as large as
# averaged weights bear, and dropout, so that it goes on to learn.
GOOD_SOON = ("--dropout=0.2", "--learning_rate=0.002", "--averaging=ema")


def write_work(paths: Sequence[str], num_words: int, folder: Path) -> None:
    """Corpora cut by jieba, shuffled, as each system reads them: with a blank between words.

    They are normalised before, as this project would do it, so that all read the same words. The
    vocabulary is that which it makes of the pairs to train on; its special words are its own.
    """
    segment, normalize = JiebaSegmenter().segment, Normalizer(lower_case=True)

    def words(text: str) -> str:
        return " ".join(segment(normalize(text)))

    pairs = [(words(pair.prompt), words(pair.reply)) for pair in read_pairs(paths)[0]]
    pairs = [pair for pair in pairs if all(pair)]
    random.Random(SEED).shuffle(pairs)
    # Of pairs to train on each system leaves the long ones out by itself.
    dev = [pair for pair in pairs[:DEV_PAIRS] if max(len(s.split()) for s in pair) <= LONGEST]
    training = pairs[DEV_PAIRS:]
    for name, rows in (("dev", dev), ("train", training)):
        write(folder / f"{name}.tsv", ("\t".join(row) for row in rows))
        for side, texts in zip(("src", "tgt"), zip(*rows)):
            write(folder / f"{name}.{side}", texts)
    vocabulary = Vocabulary.build((side.split() for row in training for side in row), num_words)
    kept = vocabulary.tokens(range(len(SPECIALS), len(vocabulary)))
    common.write_vocabularies(kept, folder)


def write(path: Path, lines: Iterable[str]) -> None:
    """One line each."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def print_table(
    folder: Path,
    peers_dir: str | None,
    units: int,
    num_words: int,
    steps: tuple[int, int],
    repeats: int,
) -> None:
    """Trains every way in turn, `repeats` times, and prints medians, ranges and ratios.

    Args:
        folder: from `write_work`.
        peers_dir: where OpenNMT-tf and Joey NMT are installed; None: without them.
        units: width of the model.
        num_words: of the vocabulary.
        steps: the step after which time is taken, and the last.
        repeats: of each.
    """
    ways = {name: own_way(way, folder, units, num_words, steps) for way, name in WAYS.items()}
    if peers_dir:
        given = (Path(peers_dir), folder, units, LONGEST, *steps)
        ways["OpenNMT-tf"] = lambda: opennmt.train(*given)
        ways["Joey NMT"] = lambda: joeynmt.train(*given)
    peaks, _ = run_way("peak", folder, units, num_words)
    print(f"{units} units, {num_words} words, batches of 64, steps {steps[0]} to {steps[1]};")
    print(f"{common.num_threads()} threads; large")
    print(f"matrix products at most {peaks['float32'] / 1e9:.0f} GFLOP/s in float32,")
    print(f"{peaks['bfloat16'] / 1e9:.0f} in bfloat16\n", flush=True)
    found = {name: [] for name in ways}
    for repeat in range(repeats):
        for name, way in ways.items():
            found[name].append(way())
            words = found[name][-1].words
            print(f"  {repeat + 1}. {name:24}{words:>8,.0f} words/s", file=sys.stderr, flush=True)
    flops = flops_of_a_word(units, num_words, source_words_a_target_word(folder))
    reference = "OpenNMT-tf" if peers_dir else WAYS["tutorial"]
    print(f"{'target words a second':24}{'median':>8}{'range':>16}{'ratio':>7}", end="")
    print(f"{'ms/step':>9}{'peak':>6}{'MB':>7}")
    base = statistics.median(one.words for one in found[reference])
    for name, ones in found.items():
        rates = sorted(one.words for one in ones)
        median = statistics.median(rates)
        peak = peaks["bfloat16" if name == COARSE else "float32"]
        print(
            f"{name:24}{median:>8,.0f}{f'{rates[0]:,.0f}-{rates[-1]:,.0f}':>16}"
            f"{median / base:>7.2f}{1000 * statistics.median(one.seconds for one in ones):>9.0f}"
            f"{median * flops / peak:>6.0%}{max(one.megabytes for one in ones):>7,.0f}",
            flush=True,
        )
    print(f"\nratio: to {reference}. peak: {flops / 1e6:.1f} MFLOP a target word, of the products")
    print("named above.")


def trained_pairs(folder: Path, units: int, num_words: int) -> dict[str, float]:
    """Pairs a second that are trained on, by name."""
    pairs, _ = read_pairs([str(folder / "train.tsv")])
    words = [len(pair.reply.split()) + 1 for pair in pairs if longest_side(pair) <= LONGEST]
    rates = {}
    for way in ("float32", "bfloat16"):
        found, _ = run_way(way, folder, units, num_words, "--first=50", "--last=250")
        rates[way] = found["words"] / statistics.mean(words)
    return rates


def longest_side(pair) -> int:
    """Words of the longer one of prompt and reply."""
    return max(len(pair.prompt.split()), len(pair.reply.split()))


def print_minutes(folder: Path, peers_dir: str, units: int, num_words: int, minutes: float) -> None:
    """Prints how long training takes to what OpenNMT-tf comes to in some minutes."""
    perplexity, steps = opennmt.perplexity_after(Path(peers_dir), folder, units, LONGEST, minutes)
    print(f"OpenNMT-tf after {minutes:g} minutes, {steps} steps: perplexity {perplexity:.2f}")
    for way, options in (("bfloat16", GOOD_SOON), ("float32", ())):
        begin = time.perf_counter()
        until = f"--until={perplexity}", f"--options={','.join(options)}"
        found, _ = run_way(way, folder, units, num_words, *until)
        took, reached = (time.perf_counter() - begin) / 60, min(found["perplexity"])
        print(
            f"{' '.join((WAYS[way], *options))}: {reached:.2f} after {took:.1f} minutes, "
            f"{len(found['perplexity'])} epochs{'' if reached <= perplexity else ', not reached'}",
            flush=True,
        )


def own_way(way: str, folder: Path, units: int, num_words: int, steps) -> Callable:
    """A training in a process of its own, in one of our ways or the tutorials'."""

    def train() -> common.Measured:
        flags = f"--first={steps[0]}", f"--last={steps[1]}"
        found, megabytes = run_way(way, folder, units, num_words, *flags)
        return common.Measured(found["words"], found["seconds"], megabytes)

    return train


def run_way(way: str, folder: Path, units: int, num_words: int, *flags) -> tuple[dict, float]:
    """Runs training_worker.py; what it printed, and megabytes.

    Raises:
        ValueError: it failed.
    """
    command = worker_command(
        "training_worker",
        f"--way={way}",
        f"--work={folder.resolve()}",
        f"--units={units}",
        f"--vocabulary_size={num_words}",
        f"--longest={LONGEST}",
        *flags,
    )
    log, megabytes = common.run(command, folder, environment=worker_environment())
    try:
        return json.loads(log.splitlines()[-1]), megabytes
    except (ValueError, IndexError):
        raise ValueError(f"{way}: the training failed:\n{log[-2000:]}") from None


def source_words_a_target_word(folder: Path) -> float:
    """How many there are, in the pairs that are trained on; the end of reply is a word."""
    pairs, _ = read_pairs([str(folder / "train.tsv")])
    pairs = [pair for pair in pairs if longest_side(pair) <= LONGEST]
    target_words = sum(len(pair.reply.split()) + 1 for pair in pairs)
    return sum(len(pair.prompt.split()) for pair in pairs) / target_words


def flops_of_a_word(units: int, num_words: int, source_words: float) -> float:
    """Operations that training on one target word cannot do without.

    Products of matrices only, padding not counted, a multiplication and an addition two: for each
    source word the LSTM (2 units x 4 units) and the key (units x units); for each target word the
    LSTM (3 units x 4 units), the attention vector (2 units x units) and the logits (units x
    vocabulary); scores and contexts are left out, being less than a hundredth. The way back takes
    as much for the inputs and as much for the weights: three times in all.
    """
    source = 8 * units**2 + units**2
    target = 12 * units**2 + 2 * units**2 + units * num_words
    return 3 * 2 * (source_words * source + target)
