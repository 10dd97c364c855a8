"""Latency of exported models compared with the model in memory, text to text."""

import multiprocessing
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.models.weights import save_weights
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.tflite import FLOAT_FILE, INT8_FILE, export_tflite
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, Vocabulary

BATCH_SIZES = (1, 8, 64)
METHODS = ("greedy", "beam")
NUM_CALLS = 101


class LatencyPercentiles(NamedTuple):
    """Percentiles of the latency [ms]."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def from_seconds(cls, seconds: list[float]) -> "LatencyPercentiles":
        """Computes the percentiles of durations in seconds."""
        percentiles = statistics.quantiles(seconds, n=100, method="inclusive")
        return cls(*(1000 * percentiles[percent - 1] for percent in (50, 95, 99)))

    def __str__(self) -> str:
        return f"{self.p50:>9.1f}{self.p95:>9.1f}{self.p99:>9.1f}"


def set_threads(threads: int) -> None:
    """Sets the number of TensorFlow threads; 0 is TensorFlow's default."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def write_random_model(directory: Path, units: int, vocabulary_size: int) -> None:
    """Writes a model with random weights whose replies all have the maximum length.

    The vocabulary has the most frequent words of jieba's dictionary.
    """
    keras.utils.set_random_seed(1)
    counts = JiebaDictionary().counts
    tokens = sorted(counts, key=lambda token: (-counts[token], token))[
        : vocabulary_size - len(SPECIALS)
    ]
    config = Config(
        text=TextConfig(vocabulary_size=vocabulary_size), model=ModelConfig(units=units)
    )
    vocabulary = Vocabulary(tokens)
    model = make_model(config.model, vocabulary_size, vocabulary_size)
    model.decoder.output_projection.bias.assign(tf.one_hot(EOS, vocabulary_size) * -1e9)
    directory.mkdir()
    config.save(directory)
    Seq2SeqTokenizer(config.text, vocabulary, vocabulary).save(directory)
    save_weights(model, directory / config.training.weights_file)


def make_prompts(tokenizer: Seq2SeqTokenizer, num_tokens: int) -> list[str]:
    """Returns prompts of `num_tokens` tokens from the default corpus."""
    tokens = [
        token
        for pair in default_corpus().training
        for token in tokenizer.source.tokenize(pair.prompt)
    ]
    texts = ["".join(tokens[i : i + num_tokens]) for i in range(0, len(tokens), num_tokens)]
    # Some concatenations are tokenized differently.
    return [text for text in texts if len(tokenizer.source.tokenize(text)) == num_tokens]


def print_table(model_dir: Path, work_dir: Path, num_tokens: int) -> list[dict]:
    """Exports a model in both formats, and prints latencies.

    Returns:
        A row for each latency and each TensorFlow Lite model, and one for the costs of loading.
    """
    chat = Chat.load(model_dir)
    prompts = make_prompts(chat.tokenizer, num_tokens)
    decoding = DecodingConfig(max_length=num_tokens, length_penalty=0.0)
    start_time = time.perf_counter()
    export_saved_model(model_dir, work_dir / "saved_model", decoding, progress=False)
    print(f"\nexport                {time.perf_counter() - start_time:>8.1f} seconds")
    rows = [print_loading(work_dir / "saved_model", prompts[0])]
    served = tf.saved_model.load(str(work_dir / "saved_model"))

    print(f"\n{'milliseconds':24}{'batch':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'tokens':>8}")
    for method in METHODS:
        options = DecodingConfig(
            method=method, max_length=num_tokens, length_penalty=0.0, beam_width=5
        )
        for batch_size in BATCH_SIZES:
            methods = {
                "exported": lambda batch, method=method: count_reply_tokens(served, method, batch),
                "in memory": lambda batch, options=options: [
                    len(reply.tokens) for reply in chat.reply(batch, options)
                ],
            }
            results = time_in_turn(methods, prompts, batch_size)
            for method_name, (times, mean_length) in results.items():
                name = f"{method}{' 5' * (method == 'beam')}, {method_name}"
                print(f"{name:24}{batch_size:>6}{times}{mean_length:>8.1f}")
                rows.append({"table": "latency", "decoding": name, "batch": batch_size})
                rows[-1] |= times._asdict()
    return rows + print_tflite(model_dir, work_dir / "lite", chat, prompts, decoding)


def print_loading(directory: Path, prompt: str) -> dict:
    """Prints and returns the costs of loading, measured in a new process."""
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    with multiprocessing.get_context("spawn").Pool(1) as process:
        loading, first_call, megabytes = process.apply(measure_loading, (str(directory), prompt))
    print(f"load                  {loading:>8.1f} seconds")
    print(f"first call            {first_call:>8.1f} seconds")
    print(f"memory                {megabytes:>8.0f} MB")
    print(f"directory                {size / 1e6:>8.1f} MB")
    return {
        "table": "costs",
        "load_seconds": loading,
        "first_call_seconds": first_call,
        "megabytes": megabytes,
        "directory_megabytes": size / 1e6,
    }


def measure_loading(directory: str, prompt: str) -> tuple[float, float, float]:
    """Returns the seconds of loading and of the first call, and their memory [MB]."""
    initial_megabytes, start_time = memory_megabytes(), time.perf_counter()
    served = tf.saved_model.load(directory)
    loaded_time = time.perf_counter()
    served.serving_default(tf.constant([prompt]))["reply"].numpy()
    first_call_time = time.perf_counter()
    return (
        loaded_time - start_time,
        first_call_time - loaded_time,
        memory_megabytes() - initial_megabytes,
    )


def count_reply_tokens(served, method: str, batch: list[str]) -> list[int]:
    """Calls an exported model; returns the length of each reply [tokens]."""
    if method == "greedy":
        outputs = served.serving_default(tf.constant(batch))
        outputs["reply"].numpy()
        return outputs["reply_length"].numpy().tolist()
    specs = served.signatures["generate"].structured_input_signature[1]
    params = {
        name: tf.constant(-1 if spec.dtype.is_numeric else [""] * spec.shape.rank or "", spec.dtype)
        for name, spec in specs.items()
        if name != "prompt"
    }
    outputs = served.generate(tf.constant(batch), {**params, "method": tf.constant(method)})
    outputs["reply"].numpy()
    return outputs["reply_length"].numpy()[:, 0].tolist()


def time_in_turn(runs: dict, prompts: list[str], batch_size: int) -> dict:
    """Calls functions in turn; returns latencies and mean reply lengths after a warm-up."""
    seconds, lengths = {name: [] for name in runs}, {name: [] for name in runs}
    for index in range(NUM_CALLS + 2):
        start = index * batch_size % (len(prompts) - batch_size)
        batch = prompts[start : start + batch_size]
        for name, run in runs.items():
            start_time = time.perf_counter()
            reply_lengths = run(batch)
            duration = time.perf_counter() - start_time
            if index >= 2:
                seconds[name].append(duration)
                lengths[name] += reply_lengths
    return {
        name: (LatencyPercentiles.from_seconds(seconds[name]), statistics.mean(lengths[name]))
        for name in runs
    }


def print_tflite(
    model_dir, directory: Path, chat: Chat, prompts: list[str], decoding
) -> list[dict]:
    """Prints latencies of the TensorFlow Lite models, ids to ids, with batches of one.

    Returns:
        Two rows for each model: its latency, and its size with the number of equal replies.
    """
    rows = []
    export_tflite(model_dir, directory, DecodingConfig(max_length=decoding.max_length))
    limit = chat.config.data.max_source_length
    expected = chat.reply(prompts[:1000], decoding)
    for name, file in (("float32", FLOAT_FILE), ("int8", INT8_FILE)):
        run_model = tf.lite.Interpreter(str(directory / file)).get_signature_runner()
        seconds, lengths, num_equal = [], [], 0
        for prompt, expected_reply in zip(prompts, expected):
            ids = chat.tokenizer.source.encode(prompt, limit)[:limit]
            padded = np.array([ids + [0] * (limit - len(ids))], np.int32)
            start_time = time.perf_counter()
            outputs = run_model(source_ids=padded, source_length=np.array([len(ids)], np.int32))
            seconds.append(time.perf_counter() - start_time)
            reply_ids = outputs["reply_ids"][0, : outputs["reply_length"][0]].tolist()
            lengths.append(len([i for i in reply_ids if i != EOS]))
            num_equal += chat.tokenizer.target.decode(reply_ids) == expected_reply.text
        label = f"greedy, Lite, {name}"
        times = LatencyPercentiles.from_seconds(seconds)
        print(f"{label:24}{1:>6}{times}{statistics.mean(lengths):>8.1f}")
        megabytes = (directory / file).stat().st_size / 1e6
        print(f"  {megabytes:.1f} MB; {num_equal} of {len(expected)} replies are those in memory")
        rows.append({"table": "latency", "decoding": label, "batch": 1} | times._asdict())
        row = {"table": "tflite", "file": file, "megabytes": megabytes}
        rows.append(row | {"replies": len(expected), "equal_replies": num_equal})
    return rows


def memory_megabytes() -> float:
    """Returns the resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
