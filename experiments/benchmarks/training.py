"""Training speed compared with the TFA tutorials, OpenNMT-tf and Joey NMT."""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.normalization import Normalizer
from attention_seq2seq.text.segmentation import segment_by_jieba
from attention_seq2seq.text.vocabulary import SPECIALS, Vocabulary
from experiments.benchmarks.baselines import common, joeynmt, opennmt
from experiments.benchmarks.worker import worker_command, worker_environment

SEED = 1
DEV_PAIRS = 1000
MAX_LENGTH = 30
IMPLEMENTATIONS = {
    "tutorial": "tfa.seq2seq, tutorials",
    "float32": "this project, float32",
    "bfloat16": "this project, bfloat16",
}
BFLOAT16 = IMPLEMENTATIONS["bfloat16"]
# Options for fast convergence: a learning rate as large as averaged weights permit, and dropout
# against early overfitting.
TUNED_OPTIONS = ("--dropout=0.2", "--learning_rate=0.002", "--averaging=ema")


def write_corpora(paths: Sequence[str], vocabulary_size: int, directory: Path) -> None:
    """Writes shuffled, tokenized corpora in the formats of all systems.

    Texts are normalized and segmented by jieba, with blanks between tokens, so that all systems
    read the same tokens. All systems have the vocabulary of this project, with their own special
    tokens.
    """
    normalize, dictionary = Normalizer(lowercase=True), JiebaDictionary()

    def tokenize_text(text: str) -> str:
        return " ".join(segment_by_jieba(normalize(text), dictionary))

    pairs = [
        (tokenize_text(pair.prompt), tokenize_text(pair.reply)) for pair in read_pairs(paths)[0]
    ]
    pairs = [pair for pair in pairs if all(pair)]
    random.Random(SEED).shuffle(pairs)
    # Each system drops long training pairs itself.
    dev = [pair for pair in pairs[:DEV_PAIRS] if max(len(s.split()) for s in pair) <= MAX_LENGTH]
    training = pairs[DEV_PAIRS:]
    for name, rows in (("dev", dev), ("train", training)):
        write_lines(directory / f"{name}.tsv", ("\t".join(row) for row in rows))
        for side, texts in zip(("src", "tgt"), zip(*rows)):
            write_lines(directory / f"{name}.{side}", texts)
    vocabulary = Vocabulary.build(
        (side.split() for row in training for side in row), vocabulary_size
    )
    tokens = vocabulary.tokens(range(len(SPECIALS), len(vocabulary)))
    common.write_vocabularies(tokens, directory)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Writes lines into a file."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def print_table(
    directory: Path,
    baselines_dir: str | None,
    units: int,
    vocabulary_size: int,
    steps: tuple[int, int],
    repeats: int,
) -> list[dict]:
    """Runs all implementations in turn, `repeats` times; prints medians, ranges and ratios.

    Args:
        directory: directory written by `write_corpora`.
        baselines_dir: directory where OpenNMT-tf and Joey NMT are installed, or None.
        units: width of the model.
        vocabulary_size: number of tokens.
        steps: last step before the timing, and last step of the timing.
        repeats: number of runs of each implementation.

    Returns:
        A row for each implementation.
    """
    runs = {
        name: make_worker_run(run, directory, units, vocabulary_size, steps)
        for run, name in IMPLEMENTATIONS.items()
    }
    if baselines_dir:
        arguments = (Path(baselines_dir), directory, units, MAX_LENGTH, *steps)
        runs["OpenNMT-tf"] = lambda: opennmt.train(*arguments)
        runs["Joey NMT"] = lambda: joeynmt.train(*arguments)
    peaks, _ = run_worker("peak", directory, units, vocabulary_size)
    num_pairs = len(read_pairs([str(directory / "train.tsv")])[0])
    print(
        f"{units} units, {vocabulary_size} tokens, batches of 64, steps {steps[0]} to {steps[1]};"
    )
    print(f"{num_pairs:,} pairs; {common.num_threads()} threads; large")
    print(f"matrix products at most {peaks['float32'] / 1e9:.0f} GFLOP/s in float32,")
    print(f"{peaks['bfloat16'] / 1e9:.0f} in bfloat16\n", flush=True)
    speeds = {name: [] for name in runs}
    for repeat in range(repeats):
        for name, run in runs.items():
            speeds[name].append(run())
            rate = speeds[name][-1].tokens_per_second
            print(f"  {repeat + 1}. {name:24}{rate:>8,.0f} tokens/s", file=sys.stderr, flush=True)
    flops = flops_per_target_token(
        units, vocabulary_size, source_tokens_per_target_token(directory)
    )
    reference = "OpenNMT-tf" if baselines_dir else IMPLEMENTATIONS["tutorial"]
    print(f"{'target tokens/s':24}{'median':>8}{'range':>16}{'ratio':>7}", end="")
    print(f"{'ms/step':>9}{'peak':>6}{'MB':>7}")
    rates = {name: [speed.tokens_per_second for speed in speeds[name]] for name in speeds}
    rows = []
    for name, run_speeds in speeds.items():
        peak = peaks["bfloat16" if name == BFLOAT16 else "float32"]
        median = statistics.median(rates[name])
        row = {
            "units": units,
            "vocabulary_size": vocabulary_size,
            "has_amx": has_amx(),
            "system": name,
            "pairs": num_pairs,
            "tokens_per_second": {
                "value": median,
                "low": min(rates[name]),
                "high": max(rates[name]),
            },
            "ratio": median / statistics.median(rates[reference]),
            "ratios": ratios(rates[name], rates[reference]),
            "tutorial_ratios": ratios(rates[name], rates[IMPLEMENTATIONS["tutorial"]]),
            "ms": 1000 * statistics.median(speed.seconds_per_step for speed in run_speeds),
            "fraction_of_peak": median * flops / peak,
            "peak_gflops": peak / 1e9,
            "mflop_per_token": flops / 1e6,
            "megabytes": max(speed.megabytes for speed in run_speeds),
        }
        rows.append(row)
        rate_range = f"{min(rates[name]):,.0f}-{max(rates[name]):,.0f}"
        print(
            f"{name:24}{median:>8,.0f}{rate_range:>16}{row['ratio']:>7.2f}{row['ms']:>9.0f}"
            f"{row['fraction_of_peak']:>6.0%}{row['megabytes']:>7,.0f}",
            flush=True,
        )
    print(f"\nratio: to {reference}. peak: {flops / 1e6:.1f} MFLOP a target word, of the products")
    print("named above.")
    return rows


def ratios(rates: list[float], reference_rates: list[float]) -> list[float]:
    """Returns the ratio of each round, in which all implementations run in turn."""
    return [rate / reference for rate, reference in zip(rates, reference_rates)]


def has_amx() -> bool:
    """Returns whether the processor has AMX, which makes bfloat16 faster."""
    return "amx_tile" in Path("/proc/cpuinfo").read_text("utf-8")


def measure_pair_rates(directory: Path, units: int, vocabulary_size: int) -> dict[str, float]:
    """Returns the training rate of each compute dtype [pairs/s]."""
    pairs, _ = read_pairs([str(directory / "train.tsv")])
    target_lengths = [
        len(pair.reply.split()) + 1 for pair in pairs if longest_side(pair) <= MAX_LENGTH
    ]
    rates = {}
    for implementation in ("float32", "bfloat16"):
        result, _ = run_worker(
            implementation, directory, units, vocabulary_size, "--first_step=50", "--last_step=250"
        )
        rates[implementation] = result["words"] / statistics.mean(target_lengths)
    return rates


def longest_side(pair) -> int:
    """Returns the number of tokens of the longer one of prompt and reply."""
    return max(len(pair.prompt.split()), len(pair.reply.split()))


def print_time_to_quality(
    directory: Path, baselines_dir: str, units: int, vocabulary_size: int, minutes: float
) -> list[dict]:
    """Prints the time to the perplexity that OpenNMT-tf reaches in some minutes.

    Returns:
        A row for each run.
    """
    perplexity, steps = opennmt.perplexity_after(
        Path(baselines_dir), directory, units, MAX_LENGTH, minutes
    )
    print(f"OpenNMT-tf after {minutes:g} minutes, {steps} steps: perplexity {perplexity:.2f}")
    rows = [{"system": "OpenNMT-tf", "options": "", "perplexity": perplexity}]
    rows[0] |= {"minutes": minutes, "updates": steps}
    for implementation, options in (("bfloat16", TUNED_OPTIONS), ("float32", ())):
        start_time = time.perf_counter()
        stop_flags = f"--target_perplexity={perplexity}", f"--options={','.join(options)}"
        result, _ = run_worker(implementation, directory, units, vocabulary_size, *stop_flags)
        duration = (time.perf_counter() - start_time) / 60
        best_perplexity = min(result["perplexity"])
        suffix = "" if best_perplexity <= perplexity else ", not reached"
        print(
            f"{' '.join((IMPLEMENTATIONS[implementation], *options))}: {best_perplexity:.2f} after "
            f"{duration:.1f} minutes, {len(result['perplexity'])} epochs{suffix}",
            flush=True,
        )
        row = {"system": IMPLEMENTATIONS[implementation], "options": " ".join(options)}
        row |= {"perplexity": best_perplexity, "minutes": duration}
        rows.append(row | {"epochs": len(result["perplexity"]), "reaches_target": not suffix})
    return rows


def make_worker_run(
    implementation: str, directory: Path, units: int, vocabulary_size: int, steps
) -> Callable:
    """Returns a function that trains a model in a worker process."""

    def train() -> common.TrainingSpeed:
        flags = f"--first_step={steps[0]}", f"--last_step={steps[1]}"
        result, megabytes = run_worker(implementation, directory, units, vocabulary_size, *flags)
        return common.TrainingSpeed(result["words"], result["seconds"], megabytes)

    return train


def run_worker(
    implementation: str, directory: Path, units: int, vocabulary_size: int, *flags
) -> tuple[dict, float]:
    """Runs training_worker.py; returns its results, and its peak memory [MB].

    Raises:
        ValueError: The worker failed.
    """
    command = worker_command(
        "training_worker",
        f"--implementation={implementation}",
        f"--corpus_dir={directory.resolve()}",
        f"--units={units}",
        f"--vocabulary_size={vocabulary_size}",
        f"--max_length={MAX_LENGTH}",
        *flags,
    )
    log, megabytes = common.run_process(command, directory, environment=worker_environment())
    try:
        return json.loads(log.splitlines()[-1]), megabytes
    except (ValueError, IndexError):
        raise ValueError(f"{implementation}: training failed:\n{log[-2000:]}") from None


def source_tokens_per_target_token(directory: Path) -> float:
    """Returns the ratio of source to target tokens in the training pairs, EOS included."""
    pairs, _ = read_pairs([str(directory / "train.tsv")])
    pairs = [pair for pair in pairs if longest_side(pair) <= MAX_LENGTH]
    num_target_tokens = sum(len(pair.reply.split()) + 1 for pair in pairs)
    return sum(len(pair.prompt.split()) for pair in pairs) / num_target_tokens


def flops_per_target_token(units: int, vocabulary_size: int, source_tokens: float) -> float:
    """Returns the FLOP that training needs per target token.

    Only matrix products are counted, without padding, at two operations per multiply-add. Each
    source token needs the LSTM (2 units x 4 units) and the key (units x units). Each target token
    needs the LSTM (3 units x 4 units), the attention vector (2 units x units) and the logits
    (units x vocab). Scores and contexts are below 1% and omitted. The backward pass takes twice
    the operations of the forward pass.
    """
    source = 8 * units**2 + units**2
    target = 12 * units**2 + 2 * units**2 + units * vocabulary_size
    return 3 * 2 * (source_tokens * source + target)
