"""Cost of spelling for texts without OOV words."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.serving.saved_model.module import ServingModule
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer

PROMPTS = ["今天晚上吃什么"]
DECODING = DecodingConfig(max_length=8, min_length=8)


def print_table(units: int, repeats: int) -> list[dict]:
    """Prints milliseconds per call with unknown tokens and with spelling, for the same model.

    Both models have the same vocabulary, which has all words of the corpus and of the prompt, and
    the same weights. Their calls alternate.

    Args:
        units: width of the model.
        repeats: number of rounds.
    """
    corpus, _ = load_corpus((), False, 0.0, 1)
    vocabulary = Seq2SeqTokenizer.build(corpus.training, TextConfig(oov="spell")).source.vocabulary
    calls = {}
    with tempfile.TemporaryDirectory() as directory:
        for oov in ("unk", "spell"):
            tf.keras.utils.set_random_seed(1)
            config = Config(text=TextConfig(oov=oov), model=ModelConfig(units=units))
            model = make_model(config.model, len(vocabulary), len(vocabulary))
            chat = Chat(Seq2SeqTokenizer(config.text, vocabulary, vocabulary), model, config)
            calls[oov] = make_calls(chat, corpus.training, Path(directory))
        rows = []
        for name in calls["unk"]:
            times = {oov: [] for oov in calls}
            for _ in range(repeats):
                for oov, functions in calls.items():
                    times[oov].append(milliseconds(functions[name]))
            medians = {oov: statistics.median(values) for oov, values in times.items()}
            ratio = statistics.median(b / a for a, b in zip(*times.values()))
            print(
                f"{name:22}{medians['unk']:10.2f} ms{medians['spell']:10.2f} ms, ratio {ratio:.3f}",
                flush=True,
            )
            rows.append(
                {"table": "spelling", "options": name, "ms": medians["spell"], "ratio": ratio}
            )
    return rows


def make_calls(chat: Chat, pairs, directory: Path) -> dict[str, Callable]:
    """Returns the functions to measure, after a first call of each."""
    module = ServingModule(chat, DECODING, ServingLimits(), directory, lambda: None)
    prompts, replies = tf.constant(PROMPTS), tf.constant([pairs[0].reply])
    calls = {
        "reply": lambda: chat.reply(PROMPTS, DECODING),
        "stream": lambda: list(chat.stream(PROMPTS[0], DECODING)),
        "served reply": lambda: module.serving_default(prompts),
        "served attribution": lambda: module.attribute(prompts, replies),
        "encoding of 100 pairs": lambda: [
            (chat.tokenizer.source.encode(pair.prompt), chat.tokenizer.target.encode(pair.reply))
            for pair in pairs[:100]
        ],
    }
    for call in calls.values():
        call()
    return calls


def milliseconds(call: Callable) -> float:
    """Returns the wall time of a call [ms]."""
    start_time = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start_time)
