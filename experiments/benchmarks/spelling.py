"""Cost of spelling: times of texts without OOV words, and training rates of corpora."""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.batching import train_batches
from attention_seq2seq.data.datasets import InMemoryPairs
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.serving.saved_model.module import ServingModule
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import BOS
from attention_seq2seq.training.objective import Seq2SeqObjective
from attention_seq2seq.training.optimizers import make_optimizer
from attention_seq2seq.training.train_step import TrainStep

PROMPTS = ["今天晚上吃什么"]
DECODING = DecodingConfig(max_length=8, min_length=8)
BATCH_SIZE, MAX_LENGTH = 64, 60


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


def print_training_rates(
    paths: Sequence[str], units: int, vocabulary_size: int, repeats: int
) -> list[dict]:
    """Prints words per second in training with unknown tokens and with spelling.

    Both models train on the same pairs. Their updates alternate.

    Args:
        paths: corpus files.
        units: width of the models.
        vocabulary_size: number of tokens.
        repeats: number of rounds of ten updates.
    """
    pairs, _ = read_pairs(paths)
    tokenizers = {
        oov: Seq2SeqTokenizer.build(pairs, TextConfig(vocabulary_size=vocabulary_size, oov=oov))
        for oov in ("unk", "spell")
    }
    encoded = {
        oov: [
            (tokenizer.source.encode(pair.prompt), tokenizer.target.encode(pair.reply))
            for pair in pairs
        ]
        for oov, tokenizer in tokenizers.items()
    }
    is_short = [max(map(len, pair)) <= MAX_LENGTH for pair in encoded["spell"]]
    short = {oov: list(itertools.compress(rows, is_short)) for oov, rows in encoded.items()}
    num_tokens = {oov: sum(len(ids) for row in rows for ids in row) for oov, rows in short.items()}
    runs = {
        oov: TrainingRun(rows, len(tokenizers[oov].source.vocabulary), units)
        for oov, rows in short.items()
    }
    rates = {oov: [] for oov in runs}
    for _ in range(repeats):
        for oov, run in runs.items():
            # Without spelling, each word is a token.
            rate = run.tokens_per_second() * num_tokens["unk"] / num_tokens[oov]
            rates[oov].append(rate)
    rows = []
    for oov, values in rates.items():
        ratio = statistics.median(b / a for a, b in zip(rates["unk"], values))
        words_per_second = statistics.median(values)
        tokens_per_word = num_tokens[oov] / num_tokens["unk"]
        print(
            f"training, {oov:8}{words_per_second:>10,.0f} words/s, ratio {ratio:.2f}, "
            f"{tokens_per_word:.3f} tokens per word"
        )
        row = {"words_per_second": words_per_second, "tokens_per_word": tokens_per_word}
        rows.append({"table": "spelling", "options": f"training, {oov}", "ratio": ratio, **row})
    return rows


class TrainingRun:
    """A model and its batches.

    Args:
        pairs: ids of prompts and replies.
        vocabulary_size: number of tokens.
        units: width of the model.
    """

    def __init__(self, pairs: list, vocabulary_size: int, units: int):
        batches = train_batches(InMemoryPairs(*zip(*pairs)), BATCH_SIZE, epochs=99, seed=1)
        model = make_model(ModelConfig(units=units), vocabulary_size, vocabulary_size)
        options = TrainingConfig(compute_dtype="float32")
        optimizer = make_optimizer(options, 1)
        optimizer.build(model.named_weights())
        objective = Seq2SeqObjective(model, BOS, options)
        self._train_step = TrainStep(objective, optimizer, batches.element_spec)
        self._batches = iter(batches)
        self.tokens_per_second()

    def tokens_per_second(self) -> float:
        """Trains on ten batches."""
        num_tokens, start_time = 0, time.perf_counter()
        for batch in itertools.islice(self._batches, 10):
            gradients, _ = self._train_step.gradients([batch])
            self._train_step.apply(gradients)
            num_tokens += int(tf.reduce_sum(batch["source_length"] + batch["target_length"]))
        return num_tokens / (time.perf_counter() - start_time)


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
