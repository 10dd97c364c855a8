import math

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.evaluation import metrics
from attention_seq2seq.evaluation.comparison import pair_stats
from attention_seq2seq.evaluation.corpus_metrics import metric_tokens
from attention_seq2seq.evaluation.evaluate import evaluate, exact_match_rate, unambiguous_pairs
from attention_seq2seq.evaluation.metrics import exact_match
from attention_seq2seq.evaluation.significance import ratio_metric
from attention_seq2seq.text.vocabulary import SPECIALS, UNK
from attention_seq2seq.training.api import train
from experiments.studies.study_metrics import alignment_accuracy


def test_unambiguous_pairs_have_a_prompt_with_a_single_reply():
    pairs = [("a", "x"), ("a", "y"), ("b", "z"), ("b", "z"), ("c", "x", 3)]
    assert unambiguous_pairs(pairs) == [("b", "z"), ("b", "z"), ("c", "x", 3)]


def test_exact_match_rate_counts_over_all_batches(chat):
    correct, incorrect = ("今天晚上吃什么", "晚上吃烤鸭吧"), ("今天晚上吃什么", "晚上吃烤鸭")
    assert exact_match_rate(chat, [correct] * 5 + [incorrect] * 3, batch_size=3) == 5 / 8


def test_exact_match_compares_tokens(chat):
    assert exact_match_rate(chat, [("今天晚上吃什么", " 晚上吃烤鸭吧 ")]) == 1.0


@pytest.mark.parametrize("metric", [exact_match, alignment_accuracy])
@pytest.mark.parametrize("args", [([], []), ([[1]], [])])
def test_empty_inputs_raise(metric, args):
    with pytest.raises(ValueError, match="expected equal numbers, at least one"):
        metric(*args)


def compute_p_values(candidate, baseline) -> dict[str, float]:
    return {name: pair.p_value() for name, pair in candidate.compare(baseline).items()}


MEALS = [
    ("今天晚上吃什么", "晚上吃烤鸭吧"),
    ("周末早上喝什么", "早上喝豆浆吧"),
    ("周末早上喝什么", "不知道"),
    ("周末早上喝什么", " 不知道 "),
    ("今天中午吃什么", "晚上吃"),
]


def test_metrics_match_hand_counted_values(chat):
    evaluation = evaluate(chat, MEALS)
    assert evaluation.prompts == ["今天晚上吃什么", "周末早上喝什么", "今天中午吃什么"]
    assert evaluation.references[1] == ["早 上 喝 豆 浆 吧", "不 知 道"]
    assert evaluation.replies[:2] == ["晚上吃烤鸭吧", "早上喝豆浆吧"]
    third_reply = evaluation.replies[2]
    estimates = evaluation.metrics()
    assert estimates["exact_match"].value == pytest.approx(2 / 3)
    num_edits = metrics.edit_distance(list(third_reply), list("晚上吃"))
    assert estimates["token_error_rate"].value == pytest.approx(num_edits / (6 + 6 + 3))
    assert estimates["length_ratio"].value == pytest.approx((12 + len(third_reply)) / 15)
    for name in ("perplexity", "exact_match", "bleu", "chrf", "rouge_l"):
        assert estimates[name].low <= estimates[name].value <= estimates[name].high
    assert estimates["most_common_ratio"] == (pytest.approx(1 / 3), None, None)
    assert all("tok:zh" in text for text in evaluation.signatures if text.startswith("bleu"))


def test_bleu_and_chrf_match_sacrebleu_with_all_references(chat):
    evaluation = evaluate(chat, MEALS)
    references = evaluation.references
    columns = [[texts[0] for texts in references], [None, references[1][1], None]]
    for name, scorer in (("bleu", BLEU(tokenize="zh")), ("chrf", CHRF())):
        expected = scorer.corpus_score(evaluation.replies, columns).score
        estimate = evaluation.metrics()[name]
        assert 100 * estimate.value == pytest.approx(expected)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-9


def test_bleu_is_left_out_if_no_reference_is_long_enough(chat):
    estimates = evaluate(chat, [("今天晚上吃什么", "不知道")]).metrics()
    assert "bleu" not in estimates
    assert estimates["chrf"].low is None


def test_perplexity_counts_every_token_and_end(chat):
    pairs = MEALS[:2]
    estimates = evaluate(chat, pairs).metrics()
    unnormalized = DecodingConfig(length_penalty=0.0)
    loss = -sum(chat.score([a for a, _ in pairs], [b for _, b in pairs], unnormalized))
    num_tokens = sum(len(chat.tokenizer.target.encode(reply)) for _, reply in pairs)
    assert estimates["perplexity"].value == pytest.approx(math.exp(loss / num_tokens))
    assert estimates["character_perplexity"].value == pytest.approx(math.exp(loss / (6 + 6 + 2)))


def test_a_model_compared_with_itself_and_with_a_worse_one(chat):
    pairs = meal_dialogues().training[:60]
    greedy = evaluate(chat, pairs)
    assert set(compute_p_values(greedy, evaluate(chat, pairs)).values()) == {1.0}
    short = evaluate(chat, pairs, DecodingConfig(max_length=2))
    p_values = compute_p_values(greedy, short)
    assert p_values["perplexity"] == 1
    assert max(p_values[name] for name in ("exact_match", "bleu", "chrf", "rouge_l")) < 0.01
    with pytest.raises(ValueError, match="their prompts or references differ"):
        greedy.compare(evaluate(chat, pairs[:9]))


def test_a_difference_on_a_single_prompt_is_not_significant(chat):
    pairs = meal_dialogues().training[:60]
    candidate, baseline = evaluate(chat, pairs), evaluate(chat, pairs)
    for name in ("exact_match", "rouge_l", "bleu", "chrf"):
        sums = baseline.stats[name].sums.copy()
        sums[0] = 0.5 * sums[0]
        baseline.stats[name] = baseline.stats[name]._replace(sums=sums)
    assert min(compute_p_values(candidate, baseline).values()) > 0.4


def test_a_metric_that_one_model_lacks_is_not_compared(chat):
    """If all replies have a single token, there are no bigrams."""
    pairs = meal_dialogues().training[:20]
    complete, incomplete = evaluate(chat, pairs), evaluate(chat, pairs)
    del incomplete.stats["prompt_bigram_overlap"]
    assert "prompt_bigram_overlap" not in complete.compare(incomplete)
    assert "prompt_bigram_overlap" not in incomplete.compare(complete)


def test_perplexities_are_compared_on_prompts_without_oov_tokens():
    loss, num_tokens = np.array([2.0, 3.0, 9.0]), np.array([2.0, 3.0, 4.0])

    def make_stats(num_oov, num_tokens=num_tokens):
        return {
            "perplexity": ratio_metric(loss, num_tokens, np.exp),
            "oov_rate": ratio_metric(num_oov, num_tokens),
        }

    candidate, baseline = make_stats(np.array([0.0, 1.0, 0.0])), make_stats(np.zeros(3))
    conversations = np.array([0, 1, 2])
    pair = pair_stats("perplexity", candidate, baseline, conversations)
    assert pair.candidate.value == pair.baseline.value == pytest.approx(math.exp(11 / 6))
    assert pair.conversations.tolist() == [0, 2]
    for incomparable in (make_stats(np.zeros(3), num_tokens + 1), make_stats(np.ones(3))):
        assert pair_stats("perplexity", candidate, incomparable, conversations) is None


def test_the_nearest_of_several_references_counts(chat):
    """Counted by hand: the reply to the prompt is 晚上吃烤鸭吧, six characters."""
    prompt = "今天晚上吃什么"
    exact_estimates = evaluate(chat, [(prompt, "不知道"), (prompt, "晚上吃烤鸭吧")]).metrics()
    assert (
        exact_estimates["exact_match"].value
        == exact_estimates["rouge_l"].value
        == exact_estimates["length_ratio"].value
        == 1
    )
    assert exact_estimates["token_error_rate"].value == 0
    near_estimates = evaluate(
        chat, [(prompt, "不知道"), (prompt, "晚上吃烤鸡"), (prompt, "好")]
    ).metrics()
    assert near_estimates["exact_match"].value == 0
    # One substitution and one deletion; four characters of the reply are in the reference.
    assert near_estimates["token_error_rate"].value == pytest.approx(2 / 5)
    assert near_estimates["rouge_l"].value == pytest.approx(2 * 4 / (6 + 5))
    assert near_estimates["length_ratio"].value == pytest.approx(6 / 5)


def test_an_oov_token_counts_as_one_character(chat):
    prompt = "今天晚上吃什么"
    pairs = [(prompt, "晚上吃饕餮餮"), (prompt, "晚上吃烤鸭吧")]
    tokens = [chat.tokenizer.target.tokenize(reply) for _, reply in pairs]
    ids = [chat.tokenizer.target.encode(reply) for _, reply in pairs]
    oov_tokens = [token for token, i in zip(tokens[0], ids[0]) if i == UNK]
    assert oov_tokens and max(map(len, oov_tokens)) > 1
    estimates = evaluate(chat, pairs).metrics()
    num_tokens = sum(map(len, ids))
    assert estimates["oov_rate"].value == pytest.approx(len(oov_tokens) / num_tokens)
    num_characters = 6 - len("".join(oov_tokens)) + len(oov_tokens) + 1 + 6 + 1
    loss = num_tokens * math.log(estimates["perplexity"].value)
    expected = math.exp(loss / num_characters)
    assert estimates["character_perplexity"].value == pytest.approx(expected)
    # All characters count. Those of OOV tokens, and the end of each, cost as much as a uniform
    # distribution.
    vocabulary = chat.tokenizer.target.vocabulary
    characters = set("".join(vocabulary.tokens(range(len(SPECIALS), len(vocabulary)))))
    loss += (len("".join(oov_tokens)) + len(oov_tokens)) * math.log(len(characters) + 1)
    assert estimates["open_vocabulary_perplexity"].value == pytest.approx(math.exp(loss / 14))
    assert estimates["oov_prompts"].value == 0


def test_a_model_that_spells_words_has_no_unknown_tokens(spelled_chat):
    pairs = [("晚上吃饕餮", "晚上吃饕餮餮"), ("晚上吃什么", "吃烤鸭吧")]
    estimates = evaluate(spelled_chat, pairs).metrics()
    assert estimates["oov_rate"].value == 0
    assert estimates["oov_prompts"].value >= 0.5
    losses = spelled_chat.score(*map(list, zip(*pairs)), DecodingConfig(length_penalty=0.0))
    expected = math.exp(-sum(losses) / (6 + 1 + 4 + 1))
    for name in ("character_perplexity", "open_vocabulary_perplexity"):
        assert estimates[name].value == pytest.approx(expected)


@pytest.mark.slow
def test_character_counts_do_not_depend_on_the_tokenizer(tmp_path):
    pairs = [("吃什么", "吃 KFC 吧 Hello World"), ("喝什么", "喝茶")]
    evaluations = []
    for segmentation in ("jieba", "characters"):
        config = Config(
            text=TextConfig(segmentation, segmentation),
            model=ModelConfig(units=8),
            training=TrainingConfig(epochs=1, patience=0),
        )
        history = train(pairs, tmp_path / segmentation, config, pairs, progress=False)
        evaluation = evaluate(Chat.load(tmp_path / segmentation), pairs)
        evaluations.append(evaluation)
        value = evaluation.metrics()["character_perplexity"].value
        assert value == pytest.approx(history["val_character_perplexity"][0], rel=1e-4)
    assert "character_perplexity" in evaluations[0].compare(evaluations[1])
    assert "perplexity" not in evaluations[0].compare(evaluations[1])
    counts = evaluations[0].stats["character_perplexity"].sums[:, 1]
    assert counts.tolist() == [len("吃KFC吧HelloWorld") + 1, 3]


def test_conversations_are_resampled_as_a_whole(chat):
    """The 60 prompts form two conversations, or 60."""
    pairs = meal_dialogues().training[:60]
    sixty = evaluate(chat, [Pair(p.prompt, p.reply, i) for i, p in enumerate(pairs)])
    two_conversations = evaluate(
        chat, [Pair(p.prompt, p.reply, i // 30) for i, p in enumerate(pairs)]
    )
    assert two_conversations.conversations.tolist() == [0] * 30 + [1] * 30
    two_interval, sixty_interval = (
        two_conversations.metrics()["perplexity"],
        sixty.metrics()["perplexity"],
    )
    assert two_interval.value == sixty_interval.value
    # Half of the resamples of two conversations contain one conversation twice.
    half_values = [
        evaluate(chat, half).metrics()["perplexity"].value for half in (pairs[:30], pairs[30:])
    ]
    assert sorted(half_values) == pytest.approx([two_interval.low, two_interval.high])
    assert (sixty_interval.low, sixty_interval.high) != pytest.approx(
        (two_interval.low, two_interval.high)
    )
    short = DecodingConfig(max_length=2)
    assert compute_p_values(sixty, evaluate(chat, pairs, short))["chrf"] < 0.01
    # Every second permutation of two conversations exchanges both or none.
    assert compute_p_values(two_conversations, evaluate(chat, pairs, short))["chrf"] > 0.3


def test_references_do_not_depend_on_the_tokenizer_of_the_model(chat, talk_chat):
    pairs = [("今天晚上吃什么", "晚上 吃，烤鸭 吧"), ("Hello", "Hello, World")]
    candidate, baseline = evaluate(chat, pairs), evaluate(talk_chat, pairs)
    assert candidate.references == [["晚 上 吃 , 烤 鸭 吧"], ["hello , world"]]
    assert 0 <= compute_p_values(candidate, baseline)["rouge_l"] <= 1


def test_earlier_turns_are_part_of_the_prompt(talk_chat):
    pairs = [("你好", "你好呀"), ("你好呀", "吃了吗")]
    assert evaluate(talk_chat, pairs).prompts == ["你好", "你好\n你好呀"]


def test_pairs_without_tokens_raise_or_are_skipped(chat, caplog):
    with pytest.raises(ValueError, match="No pairs to evaluate: 0 given"):
        evaluate(chat, [])
    with pytest.raises(ValueError, match="1 given, 1 with an empty reply"):
        evaluate(chat, [("今天", "\u200b")])
    evaluation = evaluate(chat, [("今天晚上吃什么", "\u200b"), *MEALS[:1]])
    assert evaluation.references == [["晚 上 吃 烤 鸭 吧"]]
    assert "Skipped 1 pairs with an empty reply" in caplog.text


@pytest.mark.parametrize("invalid", ["你好", ("a", 3), {"a": 1, "b": 2}], ids=repr)
def test_invalid_pairs_raise_with_their_position(chat, invalid):
    with pytest.raises(ValueError, match=r"pairs\[1\] is .*; expected"):
        evaluate(chat, [("a", "b"), invalid])
    with pytest.raises(ValueError, match=r"pairs\[1\] is .*; expected"):
        exact_match_rate(chat, [("a", "b"), invalid])


def test_rare_chinese_characters_are_single_tokens():
    assert metric_tokens("𠀀𠮷ok𪚥") == ["𠀀", "𠮷", "ok", "𪚥"]
    characters = ["鿍", "鿎", "\u4db6", "\ufa6b", "\ufa6c"]
    assert metric_tokens("".join(characters)) == characters
