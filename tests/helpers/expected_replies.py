"""What models of the default corpus have learnt."""

import re

import numpy as np

from attention_seq2seq.data.synthetic.meals import meal_dialogues
from helpers.scripts import ROOT, run_script

CONFIGS_DIR = ROOT / "experiments" / "configs"
QUESTION = "今天晚上吃什么"


def train_and_evaluate_demo(folder, *flags: str) -> dict[str, float]:
    """Trains as `make demo` does; the share of exact replies, by what evaluate.py names.

    Args:
        folder: for the model.
        flags: beside those of the config.
    """
    config_flag = f"--flagfile={CONFIGS_DIR / 'demo.flags'}"
    done = run_script("train", f"--model_dir={folder}", config_flag, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    table = run_script("evaluate", f"--model_dir={folder}").stdout
    rows = re.findall(r"^ *(.+?) with one reply +\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {name: float(rate) for name, rate in rows}


def assert_copied_tokens_attributed(reply):
    """In the answer to 今天晚上吃什么, 晚上 comes from 晚上 and 吃 from 吃: by contribution."""
    assert reply.tokens[:2] == ["晚上", "吃"]
    for token, contributions in zip(reply.tokens[:2], reply.contributions):
        assert reply.prompt_tokens[contributions.argmax()] == token
        assert contributions.max() > 0.5


def attends_to_copied_tokens(reply) -> bool:
    """Whether the largest weights of time and verb of a meal's reply lie on these words."""
    positions = reply.attention_weights[:2].argmax(axis=1)
    return [reply.prompt_tokens[position] for position in positions] == list(reply.tokens[:2])


def fraction_of_aligned_meals(chat) -> float:
    """Of the held-out meals, those whose replies look at their words."""
    replies = chat.reply([pair.prompt for pair in meal_dialogues().validation])
    return float(np.mean([attends_to_copied_tokens(reply) for reply in replies]))
