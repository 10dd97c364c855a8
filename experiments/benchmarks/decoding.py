"""How long answering takes: beside TensorFlow Addons' decoders, and for one who talks."""

import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import tensorflow as tf

import common
from attention_seq2seq.config.config import Config, ModelConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.models.seq2seq import make_model
from experiments.benchmarks.baselines.tfa_decoders import TFADecoders

BATCH_SIZES = (1, 64)
BEAM_WIDTH = 5
BEGIN, END = 1, 2


class Decoding:
    """Random weights, and replies that never end by themselves: all ways take equal steps.

    Args:
        units: width of the model.
        num_words: of the vocabulary.
        length: words of prompts and replies.
        repeats: calls of each way.
    """

    def __init__(self, units: int, num_words: int, length: int, repeats: int):
        self.units, self.num_words, self.length = units, num_words, length
        self.repeats = repeats
        tf.keras.utils.set_random_seed(1)
        self.model = make_model(ModelConfig(units=units), num_words, num_words)
        bias = self.model.decoder.output_projection.bias
        bias.assign(tf.one_hot(END, num_words) * -1e9)

    def print_table(self) -> None:
        """Prints ours, TensorFlow Addons', and the ratio."""
        ours = SequenceGenerator(self.model, BEGIN, END)
        theirs = TFADecoders(self.model, BEGIN, END, BEAM_WIDTH)
        print(f"{self.units} units, {self.num_words} words, replies of {self.length} words\n")
        print(f"{'milliseconds a call':20}{'batch':>6}{'ours':>9}{'TFA':>9}{'ours / TFA':>12}")
        saved = {}
        for method, their_search, name in (
            ("greedy", theirs.greedy, "greedy"),
            ("greedy", theirs.greedy_explained, "greedy, explained"),
            ("beam", theirs.beam, f"beam {BEAM_WIDTH}"),
        ):
            our_search = ours.methods[method]
            params, took = self._params(method), []
            for batch_size in BATCH_SIZES:
                ids, length = self._prompts(batch_size)
                mine, other = self._medians(
                    partial(our_search, ids, length, ids, params),
                    partial(their_search, ids, length, self.length),
                )
                took.append(mine)
                print(f"{name:20}{batch_size:>6}{mine:>9.1f}{other:>9.1f}{mine / other:>12.2f}")
            saved[name] = took[1] / (BATCH_SIZES[1] * took[0])
        print(f"\none call for {BATCH_SIZES[1]} prompts / a call for each")
        for name, ratio in saved.items():
            print(f"{name:44}{ratio:>12.2f}")

    def _params(self, method: str) -> DecodingParams:
        """What `Chat` searches with: the special words but the end are forbidden."""
        decoding = DecodingConfig(method=method, beam_width=BEAM_WIDTH, length_penalty=0)
        return DecodingParams.from_config(decoding, self.length, forbidden_ids=(0, 1, 3, 4))

    def _prompts(self, batch_size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids int32[batch, words] and lengths int32[batch]."""
        shape = [batch_size, self.length]
        ids = tf.random.stateless_uniform(shape, [1, 2], 5, self.num_words, tf.int32)
        return ids, tf.fill([batch_size], self.length)

    def _medians(self, *ways) -> list[float]:
        """Milliseconds a call, the ways in turn; the first calls are not counted: they trace."""
        for way in ways:
            for _ in range(2):
                ids = first_tensor(way())
            if self.length not in ids.shape:
                raise ValueError(
                    f"a reply took other than {self.length} steps; nothing to compare."
                )
        times = [[] for _ in ways]
        for _ in range(self.repeats):
            for way, taken in zip(ways, times):
                begin = time.perf_counter()
                first_tensor(way()).numpy()
                taken.append(1000 * (time.perf_counter() - begin))
        return [statistics.median(taken) for taken in times]


def first_tensor(found):
    """The ids, of a search that gives them alone or first."""
    return found[0] if isinstance(found, tuple) else found


def print_waiting(model_dir: str) -> None:
    """Prints how long one waits for chat.py, for prompts of the corpus of a model."""
    corpus = common.load_training_corpus(Config.load(model_dir))
    prompts = [pair.prompt.replace("\n", " ") for pair in corpus.validation or corpus.training]
    chat = Path(__file__).parents[1] / "chat.py"
    with subprocess.Popen(
        [sys.executable, str(chat), f"--model_dir={model_dir}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        first, *others = [answer_time(running, prompt) for prompt in prompts[:201]]
        running.stdin.close()
    print(f"from the start to the first reply, seconds   {first:>8.1f}")
    print(f"replies after it, milliseconds: median       {1000 * statistics.median(others):>8.1f}")
    print(
        f"                                95 of 100    "
        f"{1000 * statistics.quantiles(others, n=20)[-1]:>8.1f}"
    )


def answer_time(running, prompt: str) -> float:
    """Seconds until a prompt sent to chat.py is answered."""
    begin = time.perf_counter()
    running.stdin.write(f"{prompt}\n")
    running.stdin.flush()
    running.stdout.readline()
    return time.perf_counter() - begin
