"""The demo, whole: it memorises small talk, and generalises meals."""

from learnt import shares_of_demo


def test_the_demo_preset_memorises_small_talk_and_generalises_meals(tmp_path):
    shares = shares_of_demo(tmp_path)
    print(f"\nexact replies, percent: {shares}")
    assert shares["training prompts"] >= 95
    assert shares["held-out meals"] >= 90
