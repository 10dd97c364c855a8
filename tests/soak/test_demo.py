"""The demo, whole, with several seeds: what it knows, and where its attention lies."""

import pytest
from learnt import share_of_meals_looked_at, shares_of_demo

SEEDS = [(seed, "float32") for seed in (1, 2, 3, 4, 5)] + [(1, "bfloat16"), (2, "bfloat16")]


@pytest.mark.parametrize(("seed", "dtype"), SEEDS)
def test_the_demo_shows_what_the_article_is_about(tmp_path, seed, dtype):
    shares = shares_of_demo(tmp_path, f"--seed={seed}", f"--dtype={dtype}")
    looked_at = share_of_meals_looked_at(tmp_path)
    print(f"\nseed {seed}, {dtype}: exact replies, percent: {shares}; ", end="")
    print(f"held-out meals whose words are looked at: {looked_at:.1%}")
    assert shares["training prompts"] >= 98
    assert shares["held-out meals"] == 100
    assert looked_at >= 0.9
