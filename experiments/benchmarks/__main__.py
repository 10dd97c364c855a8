"""Benchmarks of speed and memory, compared with other implementations in the same run.

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
    python -m experiments.benchmarks spelling
    python -m experiments.benchmarks spelling --data=a.tsv,b.tsv
    python -m experiments.benchmarks scaling --data=a.tsv,b.tsv
    python -m experiments.benchmarks versions --second_python=PYTHON

decoding: milliseconds per call of greedy and beam search, ids to ids, compared with the decoders of
TensorFlow Addons with the same weights, and the gain of one batch over single prompts. This project
always returns log-probabilities and attention weights; in "greedy, explained", TensorFlow Addons
returns them too, which its beam search cannot. Timings are noisy: compare the ratios.

latency: seconds from the start of chat.py to its first reply, and milliseconds of each further
reply, text to text through a pipe, on prompts of the model's corpus.

serving: an exported model, text to text, compared with the model in memory, and TensorFlow Lite,
ids to ids; seconds of loading, and size. The default model has random weights, and its replies all
have --length tokens.

preprocessing: speed of prepare.py compared with jieba alone on as many processes, on --num_pairs
pairs sampled from the corpora and made unique by a number; an epoch of a small model on the shards;
and the memory of each. It takes ten minutes or more.

training: target tokens per second of train.py from files, in float32 and in bfloat16, compared with
the tutorials of TensorFlow Addons, and with --baselines_dir with OpenNMT-tf and Joey NMT, installed
below that directory as described in experiments/benchmarks/baselines/common.py. All have the same
pairs, maximum length (30 tokens), batch size (64 pairs), clipping and threads, and run in turn,
--repeats times.

time_to_quality: time of train.py to the validation perplexity that OpenNMT-tf reaches in --minutes
on the same files, with options for fast convergence, and with the options of all systems. EOS and
OOV tokens count like other tokens.

input_pipeline: pairs per second of the input pipeline without a model, from TFRecords and from
text, compared with training.

ops: milliseconds of each part of an update, compared with plain Keras and TensorFlow.

vocabulary_size: milliseconds per update with 100, 8,000 and 100,000 tokens.

spelling: milliseconds per call with --oov=spell for texts without OOV words, compared with the same
model with --oov=unk; and with --data, words per second in training with both.

scaling: pairs per second of one worker and of two workers, with a core of this machine each, and
the fraction of time for gradient exchange; and an estimate for eight machines, for networks of two
speeds and for vocabularies of 8,000 and 100,000 tokens.

versions: CPU milliseconds of an update and of a reply, and memory, compared with another Python
that has this package and another TensorFlow. Both run on one thread, in turn, --repeats times.
"""

import contextlib
import tempfile
import warnings
from pathlib import Path

from absl import app, flags, logging

import console
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.utils.native_output import suppress_stderr
from experiments.result_files import define_results_flag, update_results

UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY_SIZE = flags.DEFINE_integer(
    "vocabulary_size", 8000, "size of the vocabulary [tokens]", lower_bound=20
)
LENGTH = flags.DEFINE_integer("length", 10, "length of prompts and replies [tokens]", lower_bound=1)
REPEATS = flags.DEFINE_integer(
    "repeats",
    None,
    "number of calls or runs, whose median is printed; default: 15 calls, 101 calls and 21 rounds "
    "of spelling, or 3 runs",
    lower_bound=1,
)

MODEL_DIR = cli_flags.define_path(
    "model_dir", None, "latency, serving: directory of a trained model [path]"
)

THREADS = flags.DEFINE_integer(
    "threads", 0, "serving: number of TensorFlow threads; 0 is TensorFlow's default", lower_bound=0
)

DATA = cli_flags.define_paths("data", [], "corpus files for training and preprocessing [paths]")
NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs", 2_000_000, "preprocessing: number of sampled pairs [pairs]", lower_bound=1000
)

BASELINES_DIR = cli_flags.define_path(
    "baselines_dir", None, "training, time_to_quality: directory of the other systems [path]"
)
MINUTES = flags.DEFINE_float(
    "minutes", 15, "time_to_quality: duration of the OpenNMT-tf training [minutes]", lower_bound=0.1
)
SECOND_PYTHON = cli_flags.define_path(
    "second_python", None, "versions: interpreter of another virtual environment [path]"
)
STEPS = flags.DEFINE_list(
    "steps", ["100", "400"], "training: last step before the timing, and last step of the timing"
)
RESULTS_JSON = define_results_flag()

# Fields that identify a row of a benchmark. Those that its rows do not have are ignored.
KEY = (
    *("model", "threads", "table", "system", "options", "has_amx", "units", "vocabulary_size"),
    *("decoding", "part", "variant", "input", "workers", "gradients"),
    *("file", "batch", "tensorflow"),
)


def main(argv) -> None:
    """Runs a benchmark."""
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
        "spelling": run_spelling,
        "scaling": run_scaling,
        "versions": run_versions,
    }
    # TensorFlow Addons is a baseline here; its end of life is irrelevant.
    warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\) has ended")
    if len(argv) != 2 or argv[1] not in benchmarks:
        raise app.UsageError(
            f"got {' '.join(argv[1:]) or 'no name'}; name one of: {', '.join(benchmarks)}."
        )
    try:
        rows = benchmarks[argv[1]]()
    except ModuleNotFoundError as error:
        if error.name != "tensorflow_addons":
            raise
        raise ValueError(
            f"{argv[1]} compares with TensorFlow Addons, which this Python does not have. "
            "Use Python 3.10 or 3.11."
        ) from None
    update_results(RESULTS_JSON.value, rows, KEY)


def run_decoding() -> list[dict]:
    """Prints decoding times of both implementations and their ratio."""
    from experiments.benchmarks.decoding import DecodingBenchmark

    return DecodingBenchmark(
        UNITS.value, VOCABULARY_SIZE.value, LENGTH.value, REPEATS.value or 15
    ).print_table()


def run_latency() -> list[dict]:
    """Prints latencies of chat.py."""
    from experiments.benchmarks.decoding import print_latencies

    if not MODEL_DIR.value:
        raise ValueError("latency needs a trained model. Set --model_dir.")
    return print_latencies(MODEL_DIR.value)


def run_serving() -> list[dict]:
    """Prints latencies, and the costs of export and loading."""
    from experiments.benchmarks.serving import print_table, set_threads, write_random_model

    # TensorFlow logs every file that an export writes.
    logging.set_verbosity(logging.WARNING)
    set_threads(THREADS.value)
    with tempfile.TemporaryDirectory() as directory, suppress_stderr():
        model_dir = MODEL_DIR.value
        if not model_dir:
            model_dir = Path(directory) / "model"
            write_random_model(model_dir, UNITS.value, VOCABULARY_SIZE.value)
            print(f"{UNITS.value} units, {VOCABULARY_SIZE.value} tokens, replies of {LENGTH.value}")
        rows = print_table(Path(model_dir), Path(directory), LENGTH.value)
    name = Path(MODEL_DIR.value).name if MODEL_DIR.value else "random"
    return [{"model": name, "threads": THREADS.value, **row} for row in rows]


def run_preprocessing() -> list[dict]:
    """Prints rates and memory of prepare.py."""
    from experiments.benchmarks.preprocessing import print_times

    if not DATA.value:
        raise ValueError("preprocessing needs corpus files. Set --data.")
    with tempfile.TemporaryDirectory() as directory:
        return print_times(DATA.value, NUM_PAIRS.value, Path(directory))


def run_training() -> list[dict]:
    """Prints training rates, ratios and memory."""
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
    with corpus_dir("training") as directory:
        return print_table(
            directory,
            BASELINES_DIR.value,
            UNITS.value,
            VOCABULARY_SIZE.value,
            (first_step, last_step),
            REPEATS.value or 3,
        )


def run_time_to_quality() -> list[dict]:
    """Prints the time to the perplexity of OpenNMT-tf."""
    from experiments.benchmarks.training import print_time_to_quality

    if not BASELINES_DIR.value:
        raise ValueError("time_to_quality needs OpenNMT-tf. Set --baselines_dir.")
    with corpus_dir("time_to_quality") as directory:
        return print_time_to_quality(
            directory, BASELINES_DIR.value, UNITS.value, VOCABULARY_SIZE.value, MINUTES.value
        )


def run_input_pipeline() -> list[dict]:
    """Prints pairs per second of the input pipeline."""
    from experiments.benchmarks.input_pipeline import print_rates
    from experiments.benchmarks.training import MAX_LENGTH, measure_pair_rates

    with corpus_dir("input_pipeline") as directory:
        training_rates = measure_pair_rates(directory, UNITS.value, VOCABULARY_SIZE.value)
        return print_rates(
            DATA.value, VOCABULARY_SIZE.value, MAX_LENGTH, directory / "prepared", training_rates
        )


def run_ops() -> list[dict]:
    """Prints milliseconds of each part of an update."""
    from experiments.benchmarks.ops import print_table

    console.suppress_retracing_warnings()
    return print_table(UNITS.value, VOCABULARY_SIZE.value, REPEATS.value or 15)


def run_scaling() -> list[dict]:
    """Prints pairs per second of one and two workers, and estimates for more machines."""
    from experiments.benchmarks.scaling import print_table

    with corpus_dir("scaling") as directory:
        return print_table(directory, UNITS.value)


def run_versions() -> list[dict]:
    """Prints CPU times and memory with this TensorFlow and with another."""
    from experiments.benchmarks.versions import print_table

    if not SECOND_PYTHON.value:
        raise ValueError("versions needs another interpreter. Set --second_python.")
    return print_table(SECOND_PYTHON.value, REPEATS.value or 5)


def run_vocabulary_size() -> list[dict]:
    """Prints milliseconds per update by vocabulary size."""
    from experiments.benchmarks.vocabulary_size import print_table

    console.suppress_retracing_warnings()
    return print_table(UNITS.value, REPEATS.value or 15)


def run_spelling() -> list[dict]:
    """Prints milliseconds per call with unknown tokens and with spelling."""
    from experiments.benchmarks.spelling import print_table, print_training_rates

    console.suppress_retracing_warnings()
    rows = print_table(UNITS.value, REPEATS.value or 101)
    if DATA.value:
        rows += print_training_rates(
            DATA.value, UNITS.value, VOCABULARY_SIZE.value, REPEATS.value or 21
        )
    return rows


@contextlib.contextmanager
def corpus_dir(benchmark: str):
    """Yields a temporary directory with the corpora in the formats of all systems."""
    from experiments.benchmarks.training import write_corpora

    if not DATA.value:
        raise ValueError(f"{benchmark} needs corpus files. Set --data.")
    with tempfile.TemporaryDirectory() as directory:
        write_corpora(DATA.value, VOCABULARY_SIZE.value, Path(directory))
        yield Path(directory)


if __name__ == "__main__":
    console.run_main(main, has_subcommand=True)
