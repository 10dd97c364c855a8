"""Measures how fast things are, beside the other way of doing the same, in one run.

    python experiments/benchmark.py decode
    python experiments/benchmark.py talk --model_dir=models/chat
    python experiments/benchmark.py serve
    python experiments/benchmark.py serve --model_dir=models/chat
    python experiments/benchmark.py prepare --data=a.tsv,b.tsv
    python experiments/benchmark.py train --data=a.tsv,b.tsv
    python experiments/benchmark.py train --data=a.tsv,b.tsv --peers=WORK
    python experiments/benchmark.py minutes --data=a.tsv,b.tsv --peers=WORK
    python experiments/benchmark.py input --data=a.tsv,b.tsv
    python experiments/benchmark.py pieces
    python experiments/benchmark.py vocabulary
    python experiments/benchmark.py scaling --data=a.tsv,b.tsv

decode: milliseconds a call of greedy decoding and of beam search, ids to ids, beside the decoders
of TensorFlow Addons on the same weights; and what one call saves over one call for each prompt.
Ours always gives log-probabilities and attention weights too; "greedy, explained" has TensorFlow
Addons give them as well, which it cannot in beam search. Machines are noisy: read the ratios.

talk: from the start of chat.py to its first reply, and the milliseconds of each reply after it,
text to text through a pipe, for prompts of the corpus the model was trained on.

serve: an exported model, text to text, beside the same in memory, and TensorFlow Lite, ids to ids;
how long it takes to load, how large it is. Without --model_dir a model of random weights whose
replies all have --words words.

prepare: how fast prepare.py is beside jieba alone with as many processes, on --num_pairs pairs
sampled from the corpora, each made unique by a number; one epoch of a small model from the shards;
and the memory of each. Ten minutes or more.

train: target words a second of train.py's own loop, from files, in float32 and in bfloat16, beside
the way of the tutorials of TensorFlow Addons, and with --peers beside OpenNMT-tf and Joey NMT,
installed below that folder as experiments/peers.py says. The same pairs, cap on lengths (30 words),
batches (64 pairs), clipping and threads for all; each in turn, --repeats times.

minutes: how long train.py takes to the validation perplexity that OpenNMT-tf comes to in --minutes
on the same files, with options that make a model good soon, and with none but those of all systems;
the end of a reply and unknown words are counted as any word.

input: pairs a second that a model which does nothing is given, from TFRecords and from text, beside
those that are trained on.

pieces: milliseconds of each piece of an update, beside the plain way of doing the same.

vocabulary: milliseconds an update with 100, 8,000 and 100,000 words.

scaling: pairs a second of one worker and of two, each with one core of this machine, and the share
of the time that they spend exchanging gradients; and what that makes of eight machines, by a
formula, for networks of two speeds and for vocabularies of 8,000 and 100,000 words.
"""

import contextlib
import tempfile
import warnings
from pathlib import Path

from absl import app, flags, logging

import console

UNITS = flags.DEFINE_integer("units", 256, "width of the model [units]", lower_bound=1)
VOCABULARY = flags.DEFINE_integer("vocabulary", 8000, "words of the model", lower_bound=20)
WORDS = flags.DEFINE_integer("words", 10, "length of prompts and replies [words]", lower_bound=1)
REPEATS = flags.DEFINE_integer(
    "repeats",
    None,
    "calls or trainings of each way, taken in turn; the median counts (default: 15 calls, 3 "
    "trainings)",
    lower_bound=1,
)

MODEL_DIR = console.define_path("model_dir", None, "talk, serve: the folder of a trained model")

THREADS = flags.DEFINE_integer(
    "threads", 0, "serve: threads of TensorFlow; 0: as many as it takes by itself", lower_bound=0
)

DATA = console.define_paths(
    "data", [], "prepare, train, minutes, input, scaling: corpus files [paths]"
)
NUM_PAIRS = flags.DEFINE_integer(
    "num_pairs", 2_000_000, "prepare: how many pairs are sampled [pairs]", lower_bound=1000
)

PEERS = console.define_path(
    "peers", None, "train, minutes: where other systems are installed [path]"
)
MINUTES = flags.DEFINE_float(
    "minutes", 15, "minutes: how long OpenNMT-tf trains [minutes]", lower_bound=0.1
)
STEPS = flags.DEFINE_list(
    "steps", ["100", "400"], "train: the step after which time is taken, and the last"
)


def main(argv) -> None:
    """Runs the benchmark that was named."""
    benchmarks = {
        "decode": decode,
        "talk": talk,
        "serve": serve,
        "prepare": prepare,
        "train": train,
        "minutes": minutes,
        "input": input_,
        "pieces": pieces,
        "vocabulary": vocabulary,
        "scaling": scaling,
    }
    # The end of life of TensorFlow Addons is known here and of no use to whoever measures.
    warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\) has ended")
    if len(argv) != 2 or argv[1] not in benchmarks:
        raise app.UsageError(
            f"got {' '.join(argv[1:]) or 'no name'}; name one of: {', '.join(benchmarks)}."
        )
    benchmarks[argv[1]]()


def decode() -> None:
    """Prints a table: ours, TensorFlow Addons', and the ratio."""
    from answering_times import Decoding

    Decoding(UNITS.value, VOCABULARY.value, WORDS.value, REPEATS.value or 15).print_table()


def talk() -> None:
    """Prints how long one waits."""
    from answering_times import print_waiting

    if not MODEL_DIR.value:
        raise ValueError("talk talks with a trained model; give its folder, --model_dir=DIR.")
    print_waiting(MODEL_DIR.value)


def serve() -> None:
    """Prints a table, and what is paid once."""
    from serving_times import print_table, set_threads, write_endless_model

    # TensorFlow reports every file that an export writes.
    logging.set_verbosity(logging.WARNING)
    set_threads(THREADS.value)
    with tempfile.TemporaryDirectory() as folder, console.silent_errors():
        model_dir = MODEL_DIR.value
        if not model_dir:
            model_dir = Path(folder) / "model"
            write_endless_model(model_dir, UNITS.value, VOCABULARY.value)
            print(f"{UNITS.value} units, {VOCABULARY.value} words, {WORDS.value} words a reply")
        print_table(Path(model_dir), Path(folder), WORDS.value)


def prepare() -> None:
    """Prints rates and memory."""
    from preparing_times import print_times

    if not DATA.value:
        raise ValueError("prepare samples from corpora; name their files, --data=FILE,FILE.")
    with tempfile.TemporaryDirectory() as folder:
        print_times(DATA.value, NUM_PAIRS.value, Path(folder))


def train() -> None:
    """Prints a table of rates, ratios and memory."""
    from peers import EVERY
    from training_times import print_table

    if len(STEPS.value) != 2 or not all(step.isdigit() for step in STEPS.value):
        raise ValueError(f"--steps={','.join(STEPS.value)}; expected two numbers, as in 100,400.")
    first, last = map(int, STEPS.value)
    if not 0 < first < last:
        raise ValueError(f"--steps={first},{last}; the first must be from 1 to {last - 1}.")
    if PEERS.value and (first % EVERY or last % EVERY):
        raise ValueError(
            f"--steps={first},{last}; with --peers both must be multiples of {EVERY}, the steps "
            "between two lines of the others' logs."
        )
    with work() as folder:
        print_table(
            folder, PEERS.value, UNITS.value, VOCABULARY.value, (first, last), REPEATS.value or 3
        )


def minutes() -> None:
    """Prints how long it takes to be as good."""
    from training_times import print_minutes

    if not PEERS.value:
        raise ValueError("minutes needs OpenNMT-tf; say where it is installed, --peers=WORK.")
    with work() as folder:
        print_minutes(folder, PEERS.value, UNITS.value, VOCABULARY.value, MINUTES.value)


def input_() -> None:
    """Prints pairs a second."""
    from input_times import print_times
    from training_times import LONGEST, trained_pairs

    with work() as folder:
        training = trained_pairs(folder, UNITS.value, VOCABULARY.value)
        print_times(DATA.value, VOCABULARY.value, LONGEST, folder / "prepared", training)


def pieces() -> None:
    """Prints milliseconds of each."""
    from piece_times import print_table

    console.silence_retracing()
    print_table(UNITS.value, VOCABULARY.value, REPEATS.value or 15)


def scaling() -> None:
    """Prints pairs a second of one worker and of two, and what more machines would bring."""
    from scaling_times import print_table

    with work() as folder:
        print_table(folder, UNITS.value)


def vocabulary() -> None:
    """Prints milliseconds an update."""
    from vocabulary_times import print_table

    console.silence_retracing()
    print_table(UNITS.value, REPEATS.value or 15)


@contextlib.contextmanager
def work():
    """A folder with the corpora as every system reads them."""
    from training_times import write_work

    if not DATA.value:
        raise ValueError("it takes corpora; name their files, --data=FILE,FILE.")
    with tempfile.TemporaryDirectory() as folder:
        write_work(DATA.value, VOCABULARY.value, Path(folder))
        yield Path(folder)


if __name__ == "__main__":
    console.run(main, takes_names=True)
