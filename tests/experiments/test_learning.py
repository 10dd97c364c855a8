"""What trained models can do: the demo's preset on three seeds, and attention that looks."""

import re

import pytest

from attention_seq2seq.chat import Chat
from running import ROOT, script

PRESETS = ROOT / "experiments" / "presets"


def assert_words_come_from_themselves(model_dir):
    """In the answer to 今天晚上吃什么, 晚上 comes from 晚上 and 吃 from 吃."""
    (reply,) = Chat.load(model_dir).reply(["今天晚上吃什么"])
    assert reply.tokens[:2] == ["晚上", "吃"]
    for row, word in enumerate(("晚上", "吃")):
        assert reply.prompt_tokens[reply.contributions[row].argmax()] == word
        assert reply.contributions[row].max() > 0.5


def test_the_demo_preset_memorises_small_talk_and_generalises_meals(tmp_path):
    done = script("train", f"--model_dir={tmp_path}", f"--flagfile={PRESETS / 'demo.flags'}")
    assert (done.returncode, done.stderr) == (0, "")
    table = script("evaluate", f"--model_dir={tmp_path}").stdout
    shares = dict(re.findall(r"^(.+?) with one reply +\d+ +([\d.]+)%$", table, re.MULTILINE))
    assert float(shares["training prompts"]) >= 95
    assert float(shares["held-out meals"]) >= 90
    assert_words_come_from_themselves(tmp_path)


@pytest.mark.parametrize("seed", [2, 3])
def test_words_come_from_themselves_whatever_the_seed(tmp_path, seed):
    """Meals are learnt long before all of small talk is memorised: fewer epochs will do."""
    done = script(
        "train",
        f"--model_dir={tmp_path}",
        f"--flagfile={PRESETS / 'demo.flags'}",
        "--epochs=15",
        f"--seed={seed}",
    )
    assert done.returncode == 0
    assert_words_come_from_themselves(tmp_path)


def test_attention_learns_to_look_at_the_mirrored_position(tmp_path):
    done = script("reversal", f"--model_dir={tmp_path}", f"--flagfile={PRESETS / 'reversal.flags'}")
    assert (done.returncode, done.stderr) == (0, "")
    seconds = int(re.search(r"training, seconds +(\d+)", done.stdout)[1])
    exact = float(re.search(r"exactly +([\d.]+)% of 1000", done.stdout)[1])
    looking = float(re.search(r"mirrored position +([\d.]+)%", done.stdout)[1])
    assert exact >= 99
    assert looking >= 98
    assert seconds <= 90
