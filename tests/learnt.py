"""What models of the default corpus have learnt."""

import re

from attention_seq2seq.chat import Chat
from attention_seq2seq.data.meals import meal_talk
from running import ROOT, script

PRESETS = ROOT / "experiments" / "presets"
QUESTION = "今天晚上吃什么"


def shares_of_demo(folder, *flags) -> dict[str, float]:
    """Trains as `make demo` does; the share of exact replies, by what evaluate.py names."""
    preset = f"--flagfile={PRESETS / 'demo.flags'}"
    done = script("train", f"--model_dir={folder}", preset, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    table = script("evaluate", f"--model_dir={folder}").stdout
    found = re.findall(r"^ *(.+?) with one reply +\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {name: float(share) for name, share in found}


def looks_at_the_words_themselves(reply) -> bool:
    """Whether time and verb, which begin a reply to a meal, have their largest weights on them."""
    return all(
        reply.prompt_tokens[weights.argmax()] == word
        for word, weights in zip(reply.tokens[:2], reply.attention_weights)
    )


def assert_words_come_from_themselves(reply):
    """In the answer to 今天晚上吃什么, 晚上 comes from 晚上 and 吃 from 吃: by contribution."""
    assert reply.tokens[:2] == ["晚上", "吃"]
    for word, shares in zip(reply.tokens[:2], reply.contributions):
        assert reply.prompt_tokens[shares.argmax()] == word
        assert shares.max() > 0.5


def share_of_meals_looked_at(model_dir) -> float:
    """Of the held-out meals, those in whose replies time and verb come from themselves.

    In the answer to 今天晚上吃什么 they must, by attention and by contribution.
    """
    chat = Chat.load(model_dir)
    (reply,) = chat.reply([QUESTION])
    assert_words_come_from_themselves(reply)
    assert looks_at_the_words_themselves(reply), reply.attention_weights.round(2)
    replies = chat.reply([pair.prompt for pair in meal_talk().validation])
    return sum(map(looks_at_the_words_themselves, replies)) / len(replies)
