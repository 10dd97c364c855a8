"""How fast exported models answer, text to text, beside the model in memory."""

import multiprocessing
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config, ModelConfig, TextConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.data.default_corpus import default_corpus
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.models.weights import save_weights
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.tflite import FLOAT_FILE, INT8_FILE, export_lite
from attention_seq2seq.text.jieba_dictionary import JiebaDictionary
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, Vocabulary

BATCH_SIZES = (1, 8, 64)
METHODS = ("greedy", "beam")
NUM_CALLS = 101


class Times(NamedTuple):
    """Milliseconds that calls took."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        """The percentiles."""
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        return cls(*(1000 * cuts[percent - 1] for percent in (50, 95, 99)))

    def __str__(self) -> str:
        return f"{self.p50:>9.1f}{self.p95:>9.1f}{self.p99:>9.1f}"


def set_threads(threads: int) -> None:
    """For all that is measured; 0 leaves it to TensorFlow."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def write_endless_model(folder: Path, units: int, num_words: int) -> None:
    """A model of random weights whose replies never end by themselves, so all are of one length.

    Its words are the most frequent ones of jieba's dictionary.
    """
    keras.utils.set_random_seed(1)
    counts = JiebaDictionary().counts
    words = sorted(counts, key=lambda word: (-counts[word], word))[: num_words - len(SPECIALS)]
    config = Config(text=TextConfig(vocabulary_size=num_words), model=ModelConfig(units=units))
    vocabulary = Vocabulary(words)
    model = make_model(config.model, num_words, num_words)
    model.decoder.output_projection.bias.assign(tf.one_hot(EOS, num_words) * -1e9)
    folder.mkdir()
    config.save(folder)
    Seq2SeqTokenizer(config.text, vocabulary, vocabulary).save(folder)
    save_weights(model, folder / f"{config.training.answer_with}.npz")


def prompts_of(tokenizer: Seq2SeqTokenizer, num_words: int) -> list[str]:
    """Prompts of that many words: the default corpus' words, in its order."""
    words = [
        word
        for pair in default_corpus().training
        for word in tokenizer.source.tokenize(pair.prompt)
    ]
    texts = ["".join(words[i : i + num_words]) for i in range(0, len(words), num_words)]
    # Joined anew, some words are cut otherwise.
    return [text for text in texts if len(tokenizer.source.tokenize(text)) == num_words]


def print_table(model_dir: Path, work_dir: Path, num_words: int) -> None:
    """Exports a model in both formats, measures, and prints."""
    chat = Chat.load(model_dir)
    prompts = prompts_of(chat.tokenizer, num_words)
    decoding = DecodingConfig(maximum_length=num_words, length_penalty=0.0)
    begin = time.perf_counter()
    export_saved_model(model_dir, work_dir / "saved_model", decoding, progress=False)
    print(f"\nexport                {time.perf_counter() - begin:>8.1f} seconds")
    print_loading(work_dir / "saved_model", prompts[0])
    served = tf.saved_model.load(str(work_dir / "saved_model"))

    print(f"\n{'milliseconds':24}{'batch':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'words':>8}")
    for method in METHODS:
        options = DecodingConfig(
            method=method, maximum_length=num_words, length_penalty=0.0, beam_width=5
        )
        for batch_size in BATCH_SIZES:
            ways = {
                "exported": lambda batch, method=method: ask(served, method, batch),
                "in memory": lambda batch, options=options: [
                    len(reply.tokens) for reply in chat.reply(batch, options)
                ],
            }
            taken = in_turn(ways, prompts, batch_size)
            for way, (times, words) in taken.items():
                name = f"{method}{' 5' * (method == 'beam')}, {way}"
                print(f"{name:24}{batch_size:>6}{times}{words:>8.1f}")
    print_lite(model_dir, work_dir / "lite", chat, prompts, decoding)


def print_loading(folder: Path, prompt: str) -> None:
    """What is paid once, in a process of its own."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    with multiprocessing.get_context("spawn").Pool(1) as process:
        loaded, first, megabytes = process.apply(load_times, (str(folder), prompt))
    print(f"load                  {loaded:>8.1f} seconds")
    print(f"first call            {first:>8.1f} seconds")
    print(f"memory                {megabytes:>8.0f} MB")
    print(f"folder                {size / 1e6:>8.1f} MB")


def load_times(folder: str, prompt: str) -> tuple[float, float, float]:
    """Seconds of loading and of the first call, and megabytes that both have taken."""
    before, begin = memory(), time.perf_counter()
    served = tf.saved_model.load(folder)
    loaded = time.perf_counter()
    served.serving_default(tf.constant([prompt]))["reply"].numpy()
    first = time.perf_counter()
    return loaded - begin, first - loaded, memory() - before


def ask(served, method: str, batch: list[str]) -> list[int]:
    """How many words each reply has, of an exported model."""
    if method == "greedy":
        outputs = served.serving_default(tf.constant(batch))
        outputs["reply"].numpy()
        return outputs["reply_length"].numpy().tolist()
    specs = served.signatures["reply"].structured_input_signature[1]
    params = {
        name: tf.constant(-1 if spec.dtype.is_numeric else [""] * spec.shape.rank or "", spec.dtype)
        for name, spec in specs.items()
        if name != "prompt"
    }
    outputs = served.reply(tf.constant(batch), {**params, "method": tf.constant(method)})
    outputs["reply"].numpy()
    return outputs["reply_length"].numpy()[:, 0].tolist()


def in_turn(ways: dict, prompts: list[str], batch_size: int) -> dict:
    """Of each way its times and the mean length of its replies; the first calls do not count."""
    seconds, lengths = {way: [] for way in ways}, {way: [] for way in ways}
    for number in range(NUM_CALLS + 2):
        first = number * batch_size % (len(prompts) - batch_size)
        batch = prompts[first : first + batch_size]
        for way, answer in ways.items():
            begin = time.perf_counter()
            found = answer(batch)
            taken = time.perf_counter() - begin
            if number >= 2:
                seconds[way].append(taken)
                lengths[way] += found
    return {way: (Times.of(seconds[way]), statistics.mean(lengths[way])) for way in ways}


def print_lite(model_dir, folder: Path, chat: Chat, prompts: list[str], decoding) -> None:
    """The rows of the TensorFlow Lite models: ids to ids, one prompt at a time."""
    export_lite(model_dir, folder, DecodingConfig(maximum_length=decoding.maximum_length))
    limit = chat.config.data.max_source_length
    expected = chat.reply(prompts[:1000], decoding)
    for name, file in (("floats", FLOAT_FILE), ("bytes", INT8_FILE)):
        reply = tf.lite.Interpreter(str(folder / file)).get_signature_runner()
        seconds, lengths, same = [], [], 0
        for prompt, full in zip(prompts, expected):
            ids = chat.tokenizer.source.encode(prompt, limit)[:limit]
            padded = np.array([ids + [0] * (limit - len(ids))], np.int32)
            begin = time.perf_counter()
            found = reply(source_ids=padded, source_length=np.array([len(ids)], np.int32))
            seconds.append(time.perf_counter() - begin)
            said = found["reply_ids"][0, : found["reply_length"][0]].tolist()
            lengths.append(len([i for i in said if i != EOS]))
            same += chat.tokenizer.target.decode(said) == full.text
        label = f"greedy, Lite, {name}"
        print(f"{label:24}{1:>6}{Times.of(seconds)}{statistics.mean(lengths):>8.1f}")
        print(
            f"  {(folder / file).stat().st_size / 1e6:.1f} MB; "
            f"{same} of {len(expected)} replies are those in memory"
        )


def memory() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
