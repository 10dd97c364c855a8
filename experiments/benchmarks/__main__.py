"""Measures how fast things are, beside the other way of doing the same, in one run.

    python -m experiments.benchmarks decoding
    python -m experiments.benchmarks latency --model_dir=models/chat
    python -m experiments.benchmarks serving
    python -m experiments.benchmarks serving --model_dir=models/chat
    python -m experiments.benchmarks preprocessing --data=a.tsv,b.tsv
    python -m experiments.benchmarks training --data=a.tsv,b.tsv
    python -m experiments.benchmarks training --data=a.tsv,b.tsv --baselines_dir=WORK
    python -m experiments.benchmarks time_to_quality --data=a.tsv,b.tsv --baselines_dir=WORK
    python -m experiments.benchmarks input_pipeline --data=a.tsv,b.tsv
    python -m experiments.benchmarks ops
    python -m experiments.benchmarks vocabulary_size
    python -m experiments.benchmarks scaling --data=a.tsv,b.tsv

decoding: milliseconds a call of greedy decoding and of beam search, ids to ids, beside the decoders
of TensorFlow Addons on the same weights; and what one call saves over one call for each prompt.
Ours always gives log-probabilities and attention weights too; "greedy, explained" has TensorFlow
Addons give them as well, which it cannot in beam search. Machines are noisy: read the ratios.

latency: from the start of chat.py to its first reply, and the milliseconds of each reply after it,
text to text through a pipe, for prompts of the corpus the model was trained on.

serving: an exported model, text to text, beside the same in memory, and TensorFlow Lite, ids to
ids; how long it takes to load, how large it is. Without --model_dir a model of random weights whose
replies all have --length words.

preprocessing: how fast prepare.py is beside jieba alone with as many processes, on --num_pairs
pairs sampled from the corpora, each made unique by a number; one epoch of a small model from the
shards; and the memory of each. Ten minutes or more.

training: target words a second of train.py's own loop, from files, in float32 and in bfloat16,
beside the way of the tutorials of TensorFlow Addons, and with --baselines_dir beside OpenNMT-tf and
Joey NMT, installed below that folder as experiments/benchmarks/baselines/common.py says. The same
pairs, cap on lengths (30 words), batches (64 pairs), clipping and threads for all; each in turn,
--repeats times.

time_to_quality: how long train.py takes to the validation perplexity that OpenNMT-tf comes to in
--minutes on the same files, with options that make a model good soon, and with none but those of
all systems; the end of a reply and unknown words are counted as any word.

input_pipeline: pairs a second that a model which does nothing is given, from TFRecords and from
text, beside those that are trained on.

ops: milliseconds of each piece of an update, beside the plain way of doing the same.

vocabulary_size: milliseconds an update with 100, 8,000 and 100,000 words.

scaling: pairs a second of one worker and of two, each with one core of this machine, and the share
of the time that they spend exchanging gradients; and what that makes of eight machines, by a
formula, for networks of two speeds and for vocabularies of 8,000 and 100,000 words.
"""

import contextlib
import tempfile
import warnings
from pathlib import Path

from absl import app, flags, logging

import common
import config_flags
import console

UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "tokens in the vocabulary of the model", lower_bound=20
)
LENGTH = flags.DEFINE_integer("length", 10, "length of prompts and replies [tokens]", lower_bound=1)
REPEATS = flags.DEFINE_integer(
    "repeats",
    None,
    "calls or trainings of each way, taken in turn; the median counts (default: 15 calls, 3 "
    "trainings)",
    lower_bound=1,
)

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "latency, serving: the folder of a trained model"
)

THREADS = flags.DEFINE_integer(
    "threads", 0, "serving: threads of TensorFlow; 0: as many as it takes by itself", lower_bound=0
)

DATA = config_flags.define_paths("data", [], "corpus files, for all that train or prepare [paths]")
NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs", 2_000_000, "preprocessing: how many pairs are sampled [pairs]", lower_bound=1000
)

BASELINES_DIR = config_flags.define_path(
    "baselines_dir", None, "training, time_to_quality: where other systems are installed [path]"
)
MINUTES = flags.DEFINE_float(
    "minutes", 15, "time_to_quality: how long OpenNMT-tf trains [minutes]", lower_bound=0.1
)
STEPS = flags.DEFINE_list(
    "steps", ["100", "400"], "training: the step after which time is taken, and the last"
)


def main(argv) -> None:
    """Runs the benchmark that was named."""
    benchmarks = {
        "decoding": run_decoding,
        "latency": run_latency,
        "serving": run_serving,
        "preprocessing": run_preprocessing,
        "training": run_training,
        "time_to_quality": run_time_to_quality,
        "input_pipeline": run_input_pipeline,
        "ops": run_ops,
        "vocabulary_size": run_vocabulary_size,
        "scaling": run_scaling,
    }
    # The end of life of TensorFlow Addons is known here and of no use to whoever measures.
    warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\) has ended")
    if len(argv) != 2 or argv[1] not in benchmarks:
        raise app.UsageError(
            f"got {' '.join(argv[1:]) or 'no name'}; name one of: {', '.join(benchmarks)}."
        )
    benchmarks[argv[1]]()


def run_decoding() -> None:
    """Prints a table: ours, TensorFlow Addons', and the ratio."""
    from experiments.benchmarks.decoding import DecodingBenchmark

    DecodingBenchmark(
        UNITS.value, VOCABULARY_SIZE.value, LENGTH.value, REPEATS.value or 15
    ).print_table()


def run_latency() -> None:
    """Prints how long one waits."""
    from experiments.benchmarks.decoding import print_latencies

    if not MODEL_DIR.value:
        raise ValueError("latency needs a trained model; give its folder, --model_dir=DIR.")
    print_latencies(MODEL_DIR.value)


def run_serving() -> None:
    """Prints a table, and what is paid once."""
    from experiments.benchmarks.serving import print_table, set_threads, write_random_model

    # TensorFlow reports every file that an export writes.
    logging.set_verbosity(logging.WARNING)
    set_threads(THREADS.value)
    with tempfile.TemporaryDirectory() as folder, console.suppress_stderr():
        model_dir = MODEL_DIR.value
        if not model_dir:
            model_dir = Path(folder) / "model"
            write_random_model(model_dir, UNITS.value, VOCABULARY_SIZE.value)
            print(
                f"{UNITS.value} units, {VOCABULARY_SIZE.value} words, {LENGTH.value} words a reply"
            )
        print_table(Path(model_dir), Path(folder), LENGTH.value)


def run_preprocessing() -> None:
    """Prints rates and memory."""
    from experiments.benchmarks.preprocessing import print_times

    if not DATA.value:
        raise ValueError("preprocessing samples from corpora; name their files, --data=FILE,FILE.")
    with tempfile.TemporaryDirectory() as folder:
        print_times(DATA.value, NUM_PAIRS.value, Path(folder))


def run_training() -> None:
    """Prints a table of rates, ratios and memory."""
    from experiments.benchmarks.baselines.common import LOG_INTERVAL
    from experiments.benchmarks.training import print_table

    if len(STEPS.value) != 2 or not all(step.isdigit() for step in STEPS.value):
        raise ValueError(f"--steps={','.join(STEPS.value)}; expected two numbers, as in 100,400.")
    first_step, last_step = map(int, STEPS.value)
    if not 0 < first_step < last_step:
        raise ValueError(
            f"--steps={first_step},{last_step}; the first must be from 1 to {last_step - 1}."
        )
    if BASELINES_DIR.value and (first_step % LOG_INTERVAL or last_step % LOG_INTERVAL):
        raise ValueError(
            f"--steps={first_step},{last_step}; with --baselines_dir both must be multiples "
            f"of {LOG_INTERVAL}, the steps between two lines of the others' logs."
        )
    with corpus_dir() as folder:
        print_table(
            folder,
            BASELINES_DIR.value,
            UNITS.value,
            VOCABULARY_SIZE.value,
            (first_step, last_step),
            REPEATS.value or 3,
        )


def run_time_to_quality() -> None:
    """Prints how long it takes to be as good."""
    from experiments.benchmarks.training import print_time_to_quality

    if not BASELINES_DIR.value:
        raise ValueError(
            "time_to_quality needs OpenNMT-tf; say where it is installed, --baselines_dir=WORK."
        )
    with corpus_dir() as folder:
        print_time_to_quality(
            folder, BASELINES_DIR.value, UNITS.value, VOCABULARY_SIZE.value, MINUTES.value
        )


def run_input_pipeline() -> None:
    """Prints pairs a second."""
    from experiments.benchmarks.input_pipeline import print_rates
    from experiments.benchmarks.training import MAX_LENGTH, measure_pair_rates

    with corpus_dir() as folder:
        training_rates = measure_pair_rates(folder, UNITS.value, VOCABULARY_SIZE.value)
        print_rates(
            DATA.value, VOCABULARY_SIZE.value, MAX_LENGTH, folder / "prepared", training_rates
        )


def run_ops() -> None:
    """Prints milliseconds of each."""
    from experiments.benchmarks.ops import print_table

    common.suppress_retracing_warnings()
    print_table(UNITS.value, VOCABULARY_SIZE.value, REPEATS.value or 15)


def run_scaling() -> None:
    """Prints pairs a second of one worker and of two, and what more machines would bring."""
    from experiments.benchmarks.scaling import print_table

    with corpus_dir() as folder:
        print_table(folder, UNITS.value)


def run_vocabulary_size() -> None:
    """Prints milliseconds an update."""
    from experiments.benchmarks.vocabulary_size import print_table

    common.suppress_retracing_warnings()
    print_table(UNITS.value, REPEATS.value or 15)


@contextlib.contextmanager
def corpus_dir():
    """A folder with the corpora as every system reads them."""
    from experiments.benchmarks.training import write_corpora

    if not DATA.value:
        raise ValueError("it takes corpora; name their files, --data=FILE,FILE.")
    with tempfile.TemporaryDirectory() as folder:
        write_corpora(DATA.value, VOCABULARY_SIZE.value, Path(folder))
        yield Path(folder)


if __name__ == "__main__":
    console.run_main(main, has_subcommand=True)
