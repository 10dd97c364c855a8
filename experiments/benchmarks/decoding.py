"""Decoding times compared with TensorFlow Addons, and latencies of chat.py."""

import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.cli import corpora
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams, PackedParams
from attention_seq2seq.models.seq2seq import make_model
from experiments.benchmarks.baselines.tfa_decoders import TFADecoders

BATCH_SIZES = (1, 64)
BEAM_WIDTH = 5
BOS_ID, EOS_ID = 1, 2


class DecodingBenchmark:
    """Decoding with random weights. Replies never end, so that all decoders take equal steps.

    Args:
        units: width of the model.
        vocabulary_size: number of tokens.
        length: length of prompts and replies [tokens].
        repeats: number of calls of each decoder.
    """

    def __init__(self, units: int, vocabulary_size: int, length: int, repeats: int):
        self.units, self.vocabulary_size, self.length = units, vocabulary_size, length
        self.repeats = repeats
        tf.keras.utils.set_random_seed(1)
        self.model = make_model(ModelConfig(units=units), vocabulary_size, vocabulary_size)
        bias = self.model.decoder.output_projection.bias
        bias.assign(tf.one_hot(EOS_ID, vocabulary_size) * -1e9)

    def print_table(self) -> list[dict]:
        """Prints and returns the times of both implementations and their ratio."""
        generator = SequenceGenerator(self.model, BOS_ID, EOS_ID)
        tfa_decoders = TFADecoders(self.model, BOS_ID, EOS_ID, BEAM_WIDTH)
        print(f"{self.units} units, {self.vocabulary_size} tokens, replies of {self.length}\n")
        print(f"{'milliseconds a call':20}{'batch':>6}{'this project':>14}{'TFA':>9}{'ratio':>12}")
        rows, batching_ratios = [], {}
        for method, tfa_search, name in (
            ("greedy", tfa_decoders.greedy, "greedy"),
            ("greedy", tfa_decoders.greedy_with_attention, "greedy, explained"),
            ("beam", tfa_decoders.beam, f"beam {BEAM_WIDTH}"),
        ):
            search = generator.methods[method]
            params, package_times = self._params(method), []
            for batch_size in BATCH_SIZES:
                ids, length = self._prompts(batch_size)
                package_time, tfa_time = self._median_times(
                    partial(search, ids, length, ids, params),
                    partial(tfa_search, ids, length, self.length),
                )
                package_times.append(package_time)
                row = {"decoding": name, "batch": batch_size, "ms": package_time}
                rows.append(row | {"tfa_ms": tfa_time, "ratio": package_time / tfa_time})
                print(
                    f"{name:20}{batch_size:>6}{package_time:>14.1f}{tfa_time:>9.1f}"
                    f"{package_time / tfa_time:>12.2f}"
                )
            batching_ratios[name] = package_times[1] / (BATCH_SIZES[1] * package_times[0])
            rows[-1]["batching_ratio"] = batching_ratios[name]
        print(f"\none batch of {BATCH_SIZES[1]} prompts / {BATCH_SIZES[1]} single calls")
        for name, ratio in batching_ratios.items():
            print(f"{name:49}{ratio:>12.2f}")
        return rows

    def _params(self, method: str) -> PackedParams:
        """Returns the parameters of `Chat`, which suppress all special tokens except EOS."""
        decoding = DecodingConfig(method=method, beam_width=BEAM_WIDTH, length_penalty=0)
        return DecodingParams.from_config(decoding, self.length, (0, 1, 3, 4)).pack()

    def _prompts(self, batch_size: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns ids int32[batch, source_time] and lengths int32[batch]."""
        shape = [batch_size, self.length]
        ids = tf.random.stateless_uniform(shape, [1, 2], 5, self.vocabulary_size, tf.int32)
        return ids, tf.fill([batch_size], self.length)

    def _median_times(self, *searches) -> list[float]:
        """Returns the median milliseconds of a call, with searches in turn after tracing calls."""
        for search in searches:
            for _ in range(2):
                ids = get_ids(search())
            if self.length not in ids.shape:
                raise ValueError(
                    f"A reply has other than {self.length} steps; expected equal lengths."
                )
        times = [[] for _ in searches]
        for _ in range(self.repeats):
            for search, search_times in zip(searches, times):
                start_time = time.perf_counter()
                get_ids(search()).numpy()
                search_times.append(1000 * (time.perf_counter() - start_time))
        return [statistics.median(search_times) for search_times in times]


def get_ids(outputs):
    """Returns the ids from the outputs of a search, which are the ids or begin with them."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def print_latencies(model_dir: str) -> list[dict]:
    """Prints the latencies of chat.py on prompts of the model's corpus.

    Returns:
        One row.
    """
    config = Config.load(model_dir)
    corpus = corpora.load_training_corpus(config)
    prompts = [pair.prompt.replace("\n", " ") for pair in corpus.validation or corpus.training]
    script = Path(__file__).parents[1] / "chat.py"
    with subprocess.Popen(
        [sys.executable, str(script), f"--model_dir={model_dir}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        first_time, *reply_times = [time_reply(process, prompt) for prompt in prompts[:201]]
        process.stdin.close()
    print(f"from the start to the first reply [s]        {first_time:>8.1f}")
    median = 1000 * statistics.median(reply_times)
    percentile = 1000 * statistics.quantiles(reply_times, n=20)[-1]
    print(f"replies after it, milliseconds: median       {median:>8.1f}")
    print(f"                                95 of 100    {percentile:>8.1f}")
    row = {"model": Path(model_dir).name, "units": config.model.units}
    return [row | {"first_reply_seconds": first_time, "median_ms": median, "p95_ms": percentile}]


def time_reply(process, prompt: str) -> float:
    """Returns the seconds until chat.py replies to a prompt."""
    start_time = time.perf_counter()
    process.stdin.write(f"{prompt}\n")
    process.stdin.flush()
    process.stdout.readline()
    return time.perf_counter() - start_time
