"""Checks of models trained on the default corpus."""

import re

import numpy as np

from attention_seq2seq.data.synthetic.meals import meal_dialogues
from helpers.scripts import run_script

QUESTION = "今天晚上吃什么"


def train_and_evaluate_demo(folder, *flags: str) -> dict[str, float]:
    """Trains like `make demo`, and returns the exact match rates that evaluate.py prints [%].

    Args:
        folder: model folder.
        *flags: additional flags of train.py.
    """
    result = run_script("train", f"--model_dir={folder}", "--config=demo", *flags)
    assert (result.returncode, result.stderr) == (0, "")
    table = run_script("evaluate", f"--model_dir={folder}").stdout
    rows = re.findall(r"^ *(.+?) {2,}\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {name: float(rate) for name, rate in rows}


def assert_copied_tokens_attributed(reply):
    """Asserts that 晚上 and 吃 of the reply are attributed to the same tokens of the prompt."""
    assert reply.tokens[:2] == ["晚上", "吃"]
    for token, contributions in zip(reply.tokens[:2], reply.contributions):
        assert reply.prompt_tokens[contributions.argmax()] == token
        assert contributions.max() > 0.5


def attends_to_copied_tokens(reply) -> bool:
    """Returns whether time and verb of a meal reply attend most to the same prompt tokens."""
    positions = reply.attention_weights[:2].argmax(axis=1)
    return [reply.prompt_tokens[position] for position in positions] == list(reply.tokens[:2])


def fraction_of_aligned_meals(chat) -> float:
    """Returns the fraction of held-out meals whose replies attend to their copied tokens."""
    replies = chat.reply([pair.prompt for pair in meal_dialogues().validation])
    return float(np.mean([attends_to_copied_tokens(reply) for reply in replies]))
