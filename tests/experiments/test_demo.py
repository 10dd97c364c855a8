"""The demo, whole: it memorises small talk, generalises meals, and looks where words come from."""

import pytest

from attention_seq2seq.chat import Chat
from helpers.expected_replies import (
    QUESTION,
    assert_copied_tokens_attributed,
    attends_to_copied_tokens,
    fraction_of_aligned_meals,
    train_and_evaluate_demo,
)

pytestmark = pytest.mark.slow

SEEDS = [*[(seed, "float32") for seed in (1, 2, 3, 4, 5)], (1, "bfloat16"), (2, "bfloat16")]


@pytest.mark.parametrize("seed, dtype", SEEDS)
def test_the_demo_config_learns_its_corpus_and_looks_at_words(tmp_path, seed, dtype):
    rates = train_and_evaluate_demo(tmp_path, f"--seed={seed}", f"--compute_dtype={dtype}")
    chat = Chat.load(tmp_path)
    (reply,) = chat.reply([QUESTION])
    looked_at = fraction_of_aligned_meals(chat)
    print(f"\nseed {seed}, {dtype}: exact replies, percent: {rates}")
    print(f"largest weights of time and verb on themselves: {looked_at:.1%} of the held-out meals")
    assert reply.text == "晚上吃烤鸭吧"
    assert attends_to_copied_tokens(reply)
    assert looked_at >= 0.9
    assert_copied_tokens_attributed(reply)
    assert rates["training prompts"] >= 98
    assert rates["held-out meals"] == 100
