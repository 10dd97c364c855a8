"""What models of the default corpus have learnt."""

import re

from running import ROOT, script

PRESETS = ROOT / "experiments" / "presets"
QUESTION = "今天晚上吃什么"


def shares_of_demo(folder) -> dict[str, float]:
    """Trains as `make demo` does; the share of exact replies, by what evaluate.py names."""
    flags = f"--flagfile={PRESETS / 'demo.flags'}"
    done = script("train", f"--model_dir={folder}", flags)
    assert (done.returncode, done.stderr) == (0, "")
    table = script("evaluate", f"--model_dir={folder}").stdout
    found = re.findall(r"^ *(.+?) with one reply +\d+ +([\d.]+)%$", table, re.MULTILINE)
    return {name: float(share) for name, share in found}


def assert_words_come_from_themselves(reply):
    """In the answer to 今天晚上吃什么, 晚上 comes from 晚上 and 吃 from 吃: by contribution."""
    assert reply.tokens[:2] == ["晚上", "吃"]
    for word, shares in zip(reply.tokens[:2], reply.contributions):
        assert reply.prompt_tokens[shares.argmax()] == word
        assert shares.max() > 0.5
