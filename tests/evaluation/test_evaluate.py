import math

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config, ModelConfig, TextConfig, TrainingConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.comparison import comparable
from attention_seq2seq.evaluation.evaluate import evaluate, exact_replies, with_one_reply
from attention_seq2seq.evaluation.metrics import exact_match, largest_at
from attention_seq2seq.evaluation.significance import ratio
from attention_seq2seq.evaluation.stats import tokens_of
from attention_seq2seq.text.vocabulary import UNK
from attention_seq2seq.training.api import train


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


def p_values_of(one, other) -> dict[str, float]:
    return {name: both.p_value() for name, both in one.beside(other).items()}


MEALS = [
    ("今天晚上吃什么", "晚上吃烤鸭吧"),
    ("周末早上喝什么", "早上喝豆浆吧"),
    ("周末早上喝什么", "不知道"),
    ("周末早上喝什么", " 不知道 "),
    ("今天中午吃什么", "晚上吃"),
]


def test_what_is_measured_is_what_can_be_counted_by_hand(chat):
    found = evaluate(chat, MEALS)
    assert found.prompts == ["今天晚上吃什么", "周末早上喝什么", "今天中午吃什么"]
    assert found.references[1] == ["早 上 喝 豆 浆 吧", "不 知 道"]
    assert found.replies[:2] == ["晚上吃烤鸭吧", "早上喝豆浆吧"]
    third = found.replies[2]
    measured = found.measured()
    assert measured["exact_match"].value == pytest.approx(2 / 3)
    wrong = metrics.edits(list(third), list("晚上吃"))
    assert measured["error_rate"].value == pytest.approx(wrong / (6 + 6 + 3))
    assert measured["length_ratio"].value == pytest.approx((12 + len(third)) / 15)
    for name in ("perplexity", "exact_match", "bleu", "chrf", "rouge_l"):
        assert measured[name].low <= measured[name].value <= measured[name].high
    assert measured["commonest"] == (pytest.approx(1 / 3), None, None)
    assert all("tok:zh" in text for text in found.signatures if text.startswith("bleu"))


def test_bleu_and_chrf_are_sacrebleus_with_all_references(chat):
    found = evaluate(chat, MEALS)
    columns = [[texts[0] for texts in found.references], [None, found.references[1][1], None]]
    for name, metric in (("bleu", BLEU(tokenize="zh")), ("chrf", CHRF())):
        expected = metric.corpus_score(found.replies, columns).score
        measured = found.measured()[name]
        assert 100 * measured.value == pytest.approx(expected)
        assert 0 <= measured.low <= measured.value <= measured.high <= 1 + 1e-9


def test_bleu_is_left_out_where_no_reply_is_long_enough_for_it(chat):
    measured = evaluate(chat, [("今天晚上吃什么", "不知道")]).measured()
    assert "bleu" not in measured
    assert measured["chrf"].low is None


def test_perplexity_is_that_of_every_word_and_end(chat):
    pairs = MEALS[:2]
    found = evaluate(chat, pairs).measured()
    plain = DecodingConfig(length_penalty=0.0)
    loss = -sum(chat.score([a for a, _ in pairs], [b for _, b in pairs], plain))
    words = sum(len(chat.tokenizer.target.encode(reply)) for _, reply in pairs)
    assert found["perplexity"].value == pytest.approx(math.exp(loss / words))
    assert found["character_perplexity"].value == pytest.approx(math.exp(loss / (6 + 6 + 2)))


def test_a_model_beside_itself_and_beside_a_worse_one(chat):
    pairs = meal_dialogues().training[:60]
    greedy = evaluate(chat, pairs)
    assert set(p_values_of(greedy, evaluate(chat, pairs)).values()) == {1.0}
    short = evaluate(chat, pairs, DecodingConfig(maximum_length=2))
    p_values = p_values_of(greedy, short)
    assert p_values["perplexity"] == 1
    assert max(p_values[name] for name in ("exact_match", "bleu", "chrf", "rouge_l")) < 0.01
    with pytest.raises(ValueError, match="not asked the same prompts"):
        greedy.beside(evaluate(chat, pairs[:9]))


def test_one_reply_of_many_that_differs_is_no_difference(chat):
    pairs = meal_dialogues().training[:60]
    one, other = evaluate(chat, pairs), evaluate(chat, pairs)
    for name in ("exact_match", "rouge_l", "bleu", "chrf"):
        sums = other.counted[name].sums.copy()
        sums[0] = 0.5 * sums[0]
        other.counted[name] = other.counted[name]._replace(sums=sums)
    assert min(p_values_of(one, other).values()) > 0.4


def test_a_metric_that_one_of_them_has_not_is_not_compared(chat):
    """Of replies of one token there are no pairs of tokens that could be echoes."""
    pairs = meal_dialogues().training[:20]
    whole, short = evaluate(chat, pairs), evaluate(chat, pairs)
    del short.counted["echo"]
    assert "echo" not in whole.beside(short)
    assert "echo" not in short.beside(whole)


def test_perplexities_are_compared_on_words_that_both_know():
    loss, words = np.array([2.0, 3.0, 9.0]), np.array([2.0, 3.0, 4.0])

    def counted(unknown, words=words):
        return {"perplexity": ratio(loss, words, np.exp), "unknown": ratio(unknown, words)}

    one, other = counted(np.array([0.0, 1.0, 0.0])), counted(np.zeros(3))
    talks = np.array([0, 1, 2])
    both = comparable("perplexity", one, other, talks)
    assert both.one.value == both.other.value == pytest.approx(math.exp(11 / 6))
    assert both.conversations.tolist() == [0, 2]
    assert comparable("perplexity", one, counted(np.zeros(3), words + 1), talks) is None
    assert comparable("perplexity", one, counted(np.ones(3)), talks) is None


def test_of_several_references_the_nearest_counts_wherever_it_stands(chat):
    """For each metric by hand: 晚上吃烤鸭吧 is said to the first prompt, six characters."""
    asked = "今天晚上吃什么"
    last = evaluate(chat, [(asked, "不知道"), (asked, "晚上吃烤鸭吧")]).measured()
    assert last["exact_match"].value == last["rouge_l"].value == last["length_ratio"].value == 1
    assert last["error_rate"].value == 0
    near = evaluate(chat, [(asked, "不知道"), (asked, "晚上吃烤鸡"), (asked, "好")]).measured()
    assert near["exact_match"].value == 0
    # One to exchange and one to leave out of 晚上吃烤鸭吧; four of it stand in the reference.
    assert near["error_rate"].value == pytest.approx(2 / 5)
    assert near["rouge_l"].value == pytest.approx(2 * 4 / (6 + 5))
    assert near["length_ratio"].value == pytest.approx(6 / 5)


def test_an_unknown_word_is_one_character_and_is_counted(chat):
    asked = "今天晚上吃什么"
    pairs = [(asked, "晚上吃饕餮餮"), (asked, "晚上吃烤鸭吧")]
    said = [chat.tokenizer.target.tokenize(reply) for _, reply in pairs]
    ids = [chat.tokenizer.target.encode(reply) for _, reply in pairs]
    unknown = [word for word, i in zip(said[0], ids[0]) if i == UNK]
    assert unknown and max(map(len, unknown)) > 1
    measured = evaluate(chat, pairs).measured()
    words = sum(map(len, ids))
    assert measured["unknown"].value == pytest.approx(len(unknown) / words)
    characters = 6 - len("".join(unknown)) + len(unknown) + 1 + 6 + 1
    loss = words * math.log(measured["perplexity"].value)
    expected = math.exp(loss / characters)
    assert measured["character_perplexity"].value == pytest.approx(expected)


def test_characters_are_counted_alike_where_blanks_are_words(tmp_path):
    pairs = [("吃什么", "吃 KFC 吧 Hello World"), ("喝什么", "喝茶")]
    found = []
    for segmentation in ("jieba", "characters"):
        config = Config(
            text=TextConfig(segmentation, segmentation),
            model=ModelConfig(units=8),
            training=TrainingConfig(epochs=1, patience=0),
        )
        history = train(pairs, tmp_path / segmentation, config, pairs, progress=False)
        evaluation = evaluate(Chat.load(tmp_path / segmentation), pairs)
        found.append(evaluation)
        measured = evaluation.measured()["character_perplexity"].value
        assert measured == pytest.approx(history["val_character_perplexity"][0], rel=1e-4)
    assert "character_perplexity" in found[0].beside(found[1])
    assert "perplexity" not in found[0].beside(found[1])
    counts = found[0].counted["character_perplexity"].sums[:, 1]
    assert counts.tolist() == [len("吃KFC吧HelloWorld") + 1, 3]


def test_what_is_drawn_are_conversations(chat):
    """Prompts of one conversation are answered equally well here; so there are two, not sixty."""
    pairs = meal_dialogues().training[:60]
    alone = evaluate(chat, [Pair(p.prompt, p.reply, n) for n, p in enumerate(pairs)])
    talks = evaluate(chat, [Pair(p.prompt, p.reply, n // 30) for n, p in enumerate(pairs)])
    assert talks.conversations.tolist() == [0] * 30 + [1] * 30
    few, many = talks.measured()["perplexity"], alone.measured()["perplexity"]
    assert few.value == many.value
    # Of two conversations only one, or only the other, is drawn as often as one time in four.
    halves = [
        evaluate(chat, half).measured()["perplexity"].value for half in (pairs[:30], pairs[30:])
    ]
    assert sorted(halves) == pytest.approx([few.low, few.high])
    assert (many.low, many.high) != pytest.approx((few.low, few.high))
    short = DecodingConfig(maximum_length=2)
    assert p_values_of(alone, evaluate(chat, pairs, short))["chrf"] < 0.01
    # Of two conversations every second drawing exchanges both or none.
    assert p_values_of(talks, evaluate(chat, pairs, short))["chrf"] > 0.3


def test_models_of_other_words_are_expected_to_say_the_same(chat, talker):
    pairs = [("今天晚上吃什么", "晚上 吃，烤鸭 吧"), ("Hello", "Hello, World")]
    one, other = evaluate(chat, pairs), evaluate(talker, pairs)
    assert one.references == [["晚 上 吃 , 烤 鸭 吧"], ["hello , world"]]
    assert 0 <= p_values_of(one, other)["rouge_l"] <= 1


def test_a_model_that_reads_earlier_turns_is_given_them(talker):
    pairs = [("你好", "你好呀"), ("你好呀", "吃了吗")]
    assert evaluate(talker, pairs).prompts == ["你好", "你好\n你好呀"]


def test_nothing_to_evaluate_on_is_said(chat, caplog):
    with pytest.raises(ValueError, match="no pairs to evaluate on: 0 given"):
        evaluate(chat, [])
    with pytest.raises(ValueError, match="1 given, 1 of them without a word in the reply"):
        evaluate(chat, [("今天", "\u200b")])
    found = evaluate(chat, [("今天晚上吃什么", "\u200b"), *MEALS[:1]])
    assert found.references == [["晚 上 吃 烤 鸭 吧"]]
    assert "1 pairs left out: no word in the reply" in caplog.text


@pytest.mark.parametrize("wrong", ["你好", ("a", 3), {"a": 1, "b": 2}], ids=repr)
def test_what_is_no_pair_is_refused_with_its_position(chat, wrong):
    with pytest.raises(ValueError, match=r"pairs\[1\] is .*, no pair; expected"):
        evaluate(chat, [("a", "b"), wrong])
    with pytest.raises(ValueError, match=r"pairs\[1\] is .*, no pair; expected"):
        exact_replies(chat, [("a", "b"), wrong])


def test_each_later_chinese_character_is_a_token():
    assert tokens_of("𠀀𠮷ok𪚥") == ["𠀀", "𠮷", "ok", "𪚥"]
    later = ["鿍", "鿎", "\u4db6", "\ufa6b", "\ufa6c"]
    assert tokens_of("".join(later)) == later
