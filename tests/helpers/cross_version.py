"""Checks that files of one version of TensorFlow work with another.

    python tests/helpers/cross_version.py write DIRECTORY
    OTHER_PYTHON tests/helpers/cross_version.py check DIRECTORY

`write` trains and exports two small models, and interrupts a training run with each optimizer,
50 updates before its end. `check` repeats the replies, resumes the runs, and prints the largest
differences. The exit status is 1 if any is too large. A directory can be checked several times.
"""

import dataclasses
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.default_corpus import load_corpus
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.serving.tflite import FLOAT_FILE, export_tflite
from attention_seq2seq.training.api import train
from attention_seq2seq.training.callbacks.base import Callback
from helpers.served_model import call_signature

# Real prompts, empty ones, emojis, Latin, and rare characters.
PROMPTS = [
    *("今天晚上吃什么", "早上喝什么", "周末中午买点什么", "明天晚上想吃啥", "你好", "谢谢", "再见"),
    *("你是谁", "你叫什么名字", "天气怎么样", "你会说中文吗", "什么是爱", "讲个笑话", "我很难过"),
    *(
        "",
        " ",
        "\n",
        "😀",
        "😀吃什么",
        "👨‍👩‍👧 晚上",
        "❤️",
        "hello",
        "Hello World 3.5%",
        "TensorFlow",
    ),
    *(
        "今晚eat什么",
        "１２３",
        "é",
        "한국어",
        "ありがとう",
        "今天" * 30,
        "，。！？",
        "晚上？！晚上",
    ),
    *(character * 3 for character in "龘齉爨饕餮魑魅魍魉㐀㐁𠀀𠀁丶乀亅卍〇囍"),
]
DECODING = {
    "greedy": DecodingConfig(),
    "beam": DecodingConfig(method="beam"),
    "sample": DecodingConfig(method="sample", sampling_seed=3),
}
# Text options of each model.
MODELS = {
    "unknown words": TextConfig(),
    "spelled words": TextConfig(vocabulary_size=600, oov="spell"),
}
# Optimizer to its learning rate.
OPTIMIZERS = {"lazy_adam": 0.001, "adam": 0.001, "sgd": 0.1}
LOG_PROB_TOLERANCE, WEIGHT_TOLERANCE = 5e-5, 1e-6
REMAINING_STEPS = 50


class StopRequest(Exception):
    """Raised to stop a training."""


class StopTraining(Callback):
    """Interrupts training after some updates."""

    def __init__(self, steps: int):
        self._steps = steps

    def on_step_end(self, info):
        if info.step == self._steps:
            raise StopRequest


def model_config(text: TextConfig) -> Config:
    """Returns the config of a chat model that learns its meals in some seconds."""
    training = TrainingConfig(
        epochs=6, batch_size=32, learning_rate=0.01, patience=0, compute_dtype="float32"
    )
    return Config(text=text, model=ModelConfig(units=48), training=training)


def resumed_config(optimizer: str) -> Config:
    """Returns a config that uses every part of the training state."""
    training = TrainingConfig(
        optimizer=optimizer,
        learning_rate=OPTIMIZERS[optimizer],
        epochs=10,
        batch_size=16,
        patience=0,
        averaging="ema",
        learning_rate_schedule="cosine",
        compute_dtype="float32",
    )
    return Config(model=ModelConfig(units=24, dropout=0.1), training=training)


def write(directory: Path) -> None:
    """Writes models, exports and expected results."""
    shutil.rmtree(directory, ignore_errors=True)
    corpus, _ = load_corpus((), False, 0.0, 1)
    for name, text in MODELS.items():
        folder = directory / name
        train(corpus.training, folder / "model", model_config(text), [], progress=False)
        export_saved_model(folder / "model", folder / "served", progress=False)
        export_tflite(folder / "model", folder / "lite")
        replies = {method: model_replies(folder / "model", method) for method in DECODING}
        replies["lite"] = lite_replies(folder)
        (folder / "replies.json").write_text(json.dumps(replies), encoding="utf-8")
    for optimizer in OPTIMIZERS:
        write_training_runs(directory / optimizer, resumed_config(optimizer))


def write_training_runs(directory: Path, config: Config) -> None:
    """Writes a complete training run, and the same run without its last updates."""
    pairs = meal_dialogues().training[: 10 * config.training.batch_size]
    train(pairs, directory / "complete", config, [], progress=False)
    # A checkpoint is written after the callbacks.
    stop_training = StopTraining(10 * config.training.epochs - REMAINING_STEPS + 1)
    with pytest.raises(StopRequest):
        train(
            *(pairs, directory / "interrupted", config, []),
            progress=False,
            callbacks=[stop_training],
            checkpoint_minutes=0,
        )


def check(directory: Path) -> bool:
    """Prints the differences from the results of `write`, and returns whether they are small."""
    results = []
    for name in MODELS:
        print(f"{name}:")
        results += check_replies(directory / name)
    for optimizer in OPTIMIZERS:
        difference = resume(directory / optimizer, resumed_config(optimizer))
        print(f"{optimizer}, {REMAINING_STEPS} updates: weights differ by up to {difference:.1e}")
        results.append(difference <= WEIGHT_TOLERANCE)
    return all(results)


def check_replies(directory: Path) -> list[bool]:
    """Compares the replies of a model and its exports with those of `write`."""
    expected = json.loads((directory / "replies.json").read_text(encoding="utf-8"))
    served = tf.saved_model.load(str(directory / "served"))
    results = [compare("TensorFlow Lite", lite_replies(directory), expected.pop("lite"))]
    for name, replies in expected.items():
        results.append(compare(f"model, {name}", model_replies(directory / "model", name), replies))
        results.append(compare(f"SavedModel, {name}", served_replies(served, name), replies))
    return results


def resume(directory: Path, config: Config) -> float:
    """Resumes the interrupted run, and returns the largest difference from the complete one."""
    resumed = directory / f"resumed_{tf.__version__}"
    shutil.rmtree(resumed, ignore_errors=True)
    shutil.copytree(directory / "interrupted", resumed)
    pairs = meal_dialogues().training[: 10 * config.training.batch_size]
    train(pairs, resumed, config, [], progress=False)
    return largest_difference(read_weights(resumed), read_weights(directory / "complete"))


def model_replies(model_dir: Path, name: str) -> list:
    """Returns pairs of text and log-probability."""
    replies = Chat.load(model_dir).reply(PROMPTS, DECODING[name])
    return [[reply.text, float(reply.log_prob)] for reply in replies]


def served_replies(served, name: str) -> list:
    """Returns pairs of text and log-probability from a SavedModel."""
    options = dataclasses.asdict(DECODING[name])
    inputs = {"prompt": PROMPTS, **{key: options[key] for key in ("method", "sampling_seed")}}
    outputs = call_signature(served, "generate", inputs)
    replies = zip(outputs["reply"], outputs["log_prob"])
    return [[texts[0].decode(), log_probs[0]] for texts, log_probs in replies]


def lite_replies(directory: Path) -> list:
    """Returns pairs of text and 0, since a TensorFlow Lite model has no log-probability."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: .*\s.*LiteRT interpreter")
        interpreter = tf.lite.Interpreter(str(directory / "lite" / FLOAT_FILE))
    chat, run = Chat.load(directory / "model"), interpreter.get_signature_runner()
    limit = chat.config.data.max_source_length
    replies = []
    for prompt in PROMPTS:
        ids = chat.tokenizer.source.encode(prompt, limit)[:limit]
        outputs = run(
            source_ids=np.array([ids + [0] * (limit - len(ids))], np.int32),
            source_length=np.array([len(ids)], np.int32),
        )
        reply_ids = outputs["reply_ids"][0, : outputs["reply_length"][0]]
        replies.append([chat.tokenizer.target.decode(reply_ids.tolist()), 0.0])
    return replies


def compare(title: str, results: list, expected: list) -> bool:
    """Prints how many texts are equal and how far log-probabilities differ."""
    num_equal = sum(a[0] == b[0] for a, b in zip(results, expected, strict=True))
    difference = np.max([abs(a[1] - b[1]) for a, b in zip(results, expected)])
    print(
        f"{title}: {num_equal} of {len(expected)} texts equal, log-probabilities differ by up to "
        f"{difference:.1e}"
    )
    return num_equal == len(expected) and difference <= LOG_PROB_TOLERANCE


def read_weights(model_dir: Path) -> dict[str, np.ndarray]:
    """Returns the last weights of a training."""
    with np.load(model_dir / "last.npz") as archive:
        return dict(archive)


def largest_difference(weights: dict, expected: dict) -> float:
    """Returns the largest absolute difference of two sets of weights."""
    assert weights.keys() == expected.keys()
    return float(np.max([np.max(np.abs(weights[name] - expected[name])) for name in expected]))


if __name__ == "__main__":
    assert len(PROMPTS) == 51
    print(f"{sys.argv[1]} {sys.argv[2]} with TensorFlow {tf.__version__}", flush=True)
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        sys.exit(not check(Path(sys.argv[2])))
