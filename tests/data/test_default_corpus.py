from collections import Counter

import jieba
import pytest

from attention_seq2seq.data.default_corpus import default_corpus, load_corpus, small_talk
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.data.synthetic.meals import (
    ASKINGS,
    DAYS,
    DISHES,
    TIMES,
    VERBS,
    held_out,
    meal_talk,
    prompt_words,
    reply_words,
)

TRIPLES = [(day, time, verb) for day in DAYS for time in TIMES for verb in VERBS]


def test_small_talk_is_the_whole_chinese_part():
    assert len(small_talk()) == 552


@pytest.mark.parametrize("hmm", [True, False], ids=["HMM", "no HMM"])
def test_jieba_cuts_every_meal_sentence_into_its_words(hmm):
    tokenizer = jieba.Tokenizer()
    wrong = []
    for day, time, verb in TRIPLES:
        sentences = [prompt_words(day, time, verb, asking) for asking in ASKINGS]
        for words in [*sentences, reply_words(time, verb)]:
            if tokenizer.lcut("".join(words), HMM=hmm) != words:
                wrong.append("".join(words))
    assert not wrong


def test_the_reply_repeats_time_and_verb_and_its_dish_depends_on_them_only():
    assert reply_words("晚上", "吃") == ["晚上", "吃", "烤鸭", "吧"]
    dishes = [reply_words(time, verb)[2] for time in TIMES for verb in VERBS]
    assert len(set(dishes)) == len(dishes) == sum(map(len, DISHES.values()))
    replies = {}
    for pair in meal_talk().training + meal_talk().validation:
        key = next((time, verb) for _, time, verb in TRIPLES if pair.reply[:3] == time + verb)
        assert replies.setdefault(key, pair.reply) == pair.reply


def test_whole_triples_are_held_out_one_in_six():
    out = [triple for triple in TRIPLES if held_out(*triple)]
    assert len(out) * 6 == len(TRIPLES)
    assert ("今天", "晚上", "吃") in out
    validation = {pair.prompt for pair in meal_talk().validation}
    training = {pair.prompt for pair in meal_talk().training}
    for triple in TRIPLES:
        prompts = {"".join(prompt_words(*triple, asking)) for asking in ASKINGS}
        assert prompts <= (validation if held_out(*triple) else training)


def test_each_part_of_a_held_out_triple_occurs_in_training():
    trained = [triple for triple in TRIPLES if not held_out(*triple)]
    parts = [set(part) for part in zip(*trained)]
    assert parts == [set(DAYS), set(TIMES), set(VERBS)]
    assert {triple[1:] for triple in trained} == {triple[1:] for triple in TRIPLES}


def test_default_corpus():
    corpus = default_corpus()
    assert not {pair.prompt for pair in corpus.validation} & {p.prompt for p in corpus.training}
    conversations = {pair.conversation for pair in corpus.training}
    assert not conversations & {pair.conversation for pair in corpus.validation}
    assert load_corpus((), False, 0.5, 1) == (corpus, Counter())


def conversations(num, turns=3):
    return [Pair(f"{c} {t}", f"{c} {t + 1}", c) for c in range(num) for t in range(turns)]


def test_whole_conversations_are_set_aside():
    split = split_by_conversation(conversations(100), 0.1, seed=3)
    aside = {pair.conversation for pair in split.validation}
    assert len(aside) == 10
    assert len(split.validation) == 30
    assert not aside & {pair.conversation for pair in split.training}


def test_the_split_is_reproducible_from_its_seed():
    pairs = conversations(50)
    assert split_by_conversation(pairs, 0.2, 1) == split_by_conversation(pairs, 0.2, 1)
    assert split_by_conversation(pairs, 0.2, 1) != split_by_conversation(pairs, 0.2, 2)


def test_a_pair_that_stands_in_training_is_dropped_from_validation_and_counted():
    pairs = [Pair("你好", "你好", c) for c in range(10)]
    split = split_by_conversation([*pairs, *conversations(1)], 0.5, seed=1)
    everything = len(split.training) + len(split.validation) + split.num_dropped
    assert everything == 13
    assert split.num_dropped >= 4
    assert ("你好", "你好") not in {pair[:2] for pair in split.validation}


@pytest.mark.parametrize(
    ("num", "fraction", "expected"),
    [(1, 0.5, 0), (9, 0.0, 0), (9, 0.05, 0), (9, 0.1, 1), (2, 0.5, 1)],
)
def test_small_corpora(num, fraction, expected):
    split = split_by_conversation(conversations(num), fraction, 1)
    assert len({pair.conversation for pair in split.validation}) == expected
    assert split.training


def test_files_are_split(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a{i}\tb{i}\n" for i in range(40)) + "bad\n", encoding="utf-8")
    split, skipped = load_corpus([path], True, 0.25, 1)
    assert (len(split.training), len(split.validation)) == (30, 10)
    assert skipped.total() == 1
