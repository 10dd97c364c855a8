import pytest

from attention_seq2seq.evaluation import exact_replies, with_one_reply
from attention_seq2seq.metrics import exact_match, largest_at


def test_only_prompts_with_one_reply_can_be_exact():
    pairs = [("a", "x"), ("a", "y"), ("b", "z"), ("b", "z"), ("c", "x", 3)]
    assert with_one_reply(pairs) == [("b", "z"), ("b", "z"), ("c", "x", 3)]


def test_exact_replies_counts_over_all_batches(chat):
    right, wrong = ("今天晚上吃什么", "晚上吃烤鸭吧"), ("今天晚上吃什么", "晚上吃烤鸭")
    assert exact_replies(chat, [right] * 5 + [wrong] * 3, batch_size=3) == 5 / 8


def test_how_the_reply_is_written_does_not_matter_but_its_words_do(chat):
    assert exact_replies(chat, [("今天晚上吃什么", " 晚上吃烤鸭吧 ")]) == 1.0


@pytest.mark.parametrize("metric", [exact_match, largest_at])
@pytest.mark.parametrize("given", [([], []), ([[1]], [])])
def test_nothing_to_measure_is_said(metric, given):
    with pytest.raises(ValueError, match="as many of one as of the other"):
        metric(*given)
