"""Trained models memorize, generalize and attend to the right positions."""

import json
import re
from itertools import pairwise

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.training.api import train
from helpers.expected_replies import (
    QUESTION,
    assert_copied_tokens_attributed,
    attends_to_copied_tokens,
    fraction_of_aligned_meals,
)
from helpers.scripts import run_script

NAMES = "春夏秋冬东南西北"


def test_copied_tokens_are_attributed_to_their_sources(chat):
    assert_copied_tokens_attributed(chat.reply([QUESTION])[0])


def test_attention_aligns_copied_tokens(chat):
    assert attends_to_copied_tokens(chat.reply([QUESTION])[0])
    assert fraction_of_aligned_meals(chat) >= 0.9


@pytest.mark.slow
def test_attention_aligns_mirrored_positions(tmp_path):
    result = run_script(
        "studies.reversal",
        f"--model_dir={tmp_path / 'model'}",
        "--config=reversal",
        "--compute_dtype=float32",
        f"--results_json={tmp_path / 'results.json'}",
    )
    # There are no diagnostic warnings.
    assert (result.returncode, result.stderr) == (0, "")
    seconds = int(re.search(r"training time \[s\] +(\d+)", result.stdout)[1])
    exact_match_percent = float(re.search(r"exactly +([\d.]+)% of 1000", result.stdout)[1])
    alignment_percent = float(re.search(r"mirrored position +([\d.]+)%", result.stdout)[1])
    assert exact_match_percent >= 99
    assert alignment_percent >= 98
    assert seconds <= 90
    (row,) = json.loads((tmp_path / "results.json").read_text("utf-8"))["rows"]
    assert row["options"] == "--compute_dtype=float32"
    assert f"{row['exact_match']:.1%}" == f"{exact_match_percent}%"
    assert f"{row['mirrored_alignment']:.1%}" == f"{alignment_percent}%"
    assert round(row["seconds"]) == seconds


@pytest.mark.slow
def test_replies_depend_on_earlier_turns_in_the_prompt(tmp_path):
    """All conversations end with the same prompt; the first turn determines the reply."""
    pairs = []
    for conversation, name in enumerate(NAMES):
        turns = [f"我叫小{name}", f"你好小{name}", "我叫什么", f"你叫小{name}"]
        pairs += [Pair(*exchange, conversation) for exchange in pairwise(turns)]
    options = TrainingConfig(
        epochs=120,
        batch_size=4,
        learning_rate=0.01,
        learning_rate_schedule="cosine",
        source_word_dropout=0.0,
        patience=0,
        compute_dtype="float32",
    )
    text = TextConfig(source_tokenizer="characters", target_tokenizer="characters", context_turns=2)
    # With a zero initial state, one seed in five always replies with the same name.
    model = ModelConfig(units=64, initial_state="encoder")
    config = Config(text=text, model=model, training=options)
    train(pairs, tmp_path, config, (), progress=False)
    prompts = [f"我叫小{name}\n你好小{name}\n我叫什么" for name in NAMES]
    replies = [reply.text for reply in Chat.load(tmp_path).reply(prompts)]
    assert replies == [f"你叫小{name}" for name in NAMES]
