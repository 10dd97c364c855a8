"""The demo memorizes small talk, generalizes to held-out meals, and aligns copied tokens."""

import pytest

from attention_seq2seq.chat import Chat
from helpers.expected_replies import (
    QUESTION,
    assert_copied_tokens_attributed,
    attends_to_copied_tokens,
    fraction_of_aligned_meals,
    train_and_evaluate_demo,
)
from helpers.result_rows import record_result

pytestmark = pytest.mark.slow

SEEDS = [*[(seed, "float32") for seed in (1, 2, 3, 4, 5)], (1, "bfloat16"), (2, "bfloat16")]


@pytest.mark.parametrize("seed, dtype", SEEDS)
def test_demo_config_memorizes_its_corpus_and_aligns_copied_tokens(tmp_path, seed, dtype):
    rates = train_and_evaluate_demo(tmp_path, f"--seed={seed}", f"--compute_dtype={dtype}")
    chat = Chat.load(tmp_path)
    (reply,) = chat.reply([QUESTION])
    aligned_fraction = fraction_of_aligned_meals(chat)
    print(f"\nseed {seed}, {dtype}: exact replies, percent: {rates}")
    print(f"held-out meals whose time and verb attend to themselves: {aligned_fraction:.1%}")
    row = {"seed": seed, "compute_dtype": dtype, "correct_attention": aligned_fraction}
    record_result("default_corpus", table="attention", **row)
    assert reply.text == "晚上吃烤鸭吧"
    assert attends_to_copied_tokens(reply)
    assert aligned_fraction >= 0.9
    assert_copied_tokens_attributed(reply)
    assert rates["training pairs"] >= 98
    assert rates["held-out meals"] == 100
