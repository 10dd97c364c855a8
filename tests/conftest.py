"""Fixtures for all tests: two small trained models, one of them exported, and prompts."""

import fcntl
import os
import pickle
import random
import signal
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# One test process per core: more threads in each would only compete for the cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")

import pytest

# A shell starts jobs in the background with Ctrl-C ignored. The scripts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

MAX_SOURCE_LENGTH = 20
# Examples that train and export a model, as the blocks of the README do.
SLOW_EXAMPLES = ("export_saved_model", "Chat.stream", "api.train")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, pytest.DoctestItem) and item.name.endswith(SLOW_EXAMPLES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def build_once(tmp_path_factory):
    """Returns a function that builds a folder in one test process, for all of them."""
    base = tmp_path_factory.getbasetemp()
    # Each of several processes has a subfolder.
    shared_dir = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def build(name, write):
        folder, marker = shared_dir / f"once_{name}", shared_dir / f"once_{name}.done"
        with (shared_dir / f"once_{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not marker.exists():
                write(folder)
                marker.touch()
        return folder

    return build


@pytest.fixture(scope="session")
def meals_dir(build_once):
    """Folder of a small model trained on meal dialogues, with aligned attention. Read-only."""
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.config.training import TrainingConfig
    from attention_seq2seq.data.synthetic.meals import meal_dialogues
    from attention_seq2seq.training.api import train

    config = Config(
        model=ModelConfig(units=48, embedding_range=5.0),
        training=TrainingConfig(
            epochs=8,
            batch_size=32,
            learning_rate=0.01,
            learning_rate_schedule="cosine",
            source_word_dropout=0.1,
            patience=0,
            compute_dtype="float32",
        ),
    )
    pairs = meal_dialogues()
    return build_once(
        "meals",
        lambda folder: train(pairs.training, folder, config, pairs.validation, progress=False),
    )


@pytest.fixture(scope="session")
def chat(meals_dir):
    """The model in `meals_dir`."""
    from attention_seq2seq.chat import Chat

    return Chat.load(meals_dir)


@pytest.fixture(scope="session")
def talk_dir(build_once):
    """Folder of a small model trained on small talk with a context turn. Read-only."""
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.config.data import DataConfig
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.config.text import TextConfig
    from attention_seq2seq.config.training import TrainingConfig
    from attention_seq2seq.data.default_corpus import load_corpus
    from attention_seq2seq.data.synthetic.meals import meal_dialogues
    from attention_seq2seq.training.api import train

    corpus, _ = load_corpus((), False, 0.0, 1)
    meals = {(pair.prompt, pair.reply) for pair in meal_dialogues().training}
    pairs = [pair for pair in corpus.training if (pair.prompt, pair.reply) not in meals]
    config = Config(
        data=DataConfig(max_source_length=MAX_SOURCE_LENGTH, max_target_length=30),
        text=TextConfig(context_turns=1, min_count=2),
        model=ModelConfig(units=64),
        training=TrainingConfig(
            epochs=16,
            batch_size=32,
            learning_rate=0.01,
            patience=0,
            restore_best_weights=False,
            optimizer="adam",
            compute_dtype="float32",
        ),
    )
    return build_once("talk", lambda folder: train(pairs, folder, config, [], progress=False))


@pytest.fixture(scope="session")
def talk_chat(talk_dir):
    """The model in `talk_dir`."""
    from attention_seq2seq.chat import Chat

    return Chat.load(talk_dir)


@pytest.fixture(scope="session")
def spelled_dir(build_once):
    """Folder of a small model that spells most words, with two vocabularies. Read-only."""
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.config.data import DataConfig
    from attention_seq2seq.config.model import ModelConfig
    from attention_seq2seq.config.text import TextConfig
    from attention_seq2seq.config.training import TrainingConfig
    from attention_seq2seq.data.default_corpus import load_corpus
    from attention_seq2seq.training.api import train

    corpus, _ = load_corpus((), False, 0.0, 1)
    config = Config(
        data=DataConfig(max_source_length=MAX_SOURCE_LENGTH, max_target_length=30),
        text=TextConfig(context_turns=1, share_vocabulary=False, vocabulary_size=600, oov="spell"),
        model=ModelConfig(units=48),
        training=TrainingConfig(
            epochs=8, batch_size=32, learning_rate=0.01, patience=0, compute_dtype="float32"
        ),
    )
    return build_once(
        "spelled", lambda folder: train(corpus.training, folder, config, [], progress=False)
    )


@pytest.fixture(scope="session")
def spelled_chat(spelled_dir):
    """The model in `spelled_dir`."""
    from attention_seq2seq.chat import Chat

    return Chat.load(spelled_dir)


@pytest.fixture(scope="session")
def export_dir(talk_dir, build_once):
    """Folder of the exported model of `talk_dir`. Read-only."""
    from attention_seq2seq.serving.saved_model.export import export_saved_model

    return build_once("export", lambda folder: export_saved_model(talk_dir, folder, progress=False))


@pytest.fixture(scope="session")
def saved_model(export_dir):
    """The exported model in `export_dir`."""
    import tensorflow as tf

    return tf.saved_model.load(str(export_dir))


@pytest.fixture(scope="session")
def prompts():
    """1,000 prompts of one or two turns: OOV tokens, overlong, empty and odd ones included."""
    from attention_seq2seq.data.default_corpus import load_corpus

    corpus, _ = load_corpus((), False, 0.0, 1)
    turns = sorted({side for pair in corpus.training for side in (pair.prompt, pair.reply)})
    rng = random.Random(1)
    odd_prompts = [
        "",
        " ",
        "\n",
        "龘龘",
        "hello World 3.5%",
        "😀吃什么",
        "Ａ。，é한",
        "今天" * 30,
        "a\0b\r\nc",
    ]
    singles = rng.sample(turns, 500)
    doubles = [f"{rng.choice(turns)}\n{rng.choice(turns)}" for _ in range(400)]
    return (
        singles + doubles + [rng.choice(turns)[:4] + odd_prompt for odd_prompt in odd_prompts * 12]
    )[: 1000 - 9] + odd_prompts


@pytest.fixture(scope="session")
def run_in_subprocess(tmp_path_factory):
    """Returns a function that calls an exported model in a process with TensorFlow only."""

    def run(export_dir, calls, python=sys.executable):
        work_dir = tmp_path_factory.mktemp("calls")
        (work_dir / "calls").write_bytes(pickle.dumps(calls, protocol=4))
        script = Path(__file__).parent / "helpers" / "served_model.py"
        command = [python, script, export_dir, work_dir / "calls", work_dir / "outputs"]
        subprocess.run([*map(str, command)], check=True, cwd=work_dir)
        return pickle.loads((work_dir / "outputs").read_bytes())

    return run
