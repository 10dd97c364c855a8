"""What models of the default corpus have learnt."""

import re

from attention_seq2seq.chat import Chat
from running import ROOT, script

PRESETS = ROOT / "experiments" / "presets"


def shares_of_demo(folder) -> dict[str, float]:
    """Trains as `make demo` does; the share of exact replies, by what evaluate.py names."""
    flags = f"--flagfile={PRESETS / 'demo.flags'}"
    done = script("train", f"--model_dir={folder}", flags)
    assert (done.returncode, done.stderr) == (0, "")
    table = script("evaluate", f"--model_dir={folder}").stdout
    assert_words_come_from_themselves(folder)
    found = re.findall(r"^ *(.+?) with one reply +\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {name: float(share) for name, share in found}


def assert_words_come_from_themselves(model_dir):
    """In the answer to 今天晚上吃什么, 晚上 comes from 晚上 and 吃 from 吃."""
    (reply,) = Chat.load(model_dir).reply(["今天晚上吃什么"])
    assert reply.tokens[:2] == ["晚上", "吃"]
    for row, word in enumerate(("晚上", "吃")):
        assert reply.prompt_tokens[reply.contributions[row].argmax()] == word
        assert reply.contributions[row].max() > 0.5
