from collections import Counter

import jieba
import pytest

from attention_seq2seq.data.default_corpus import default_corpus, load_corpus, small_talk
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.splitting import split_by_conversation
from attention_seq2seq.data.synthetic.meals import (
    DAYS,
    DISHES,
    QUESTION_TEMPLATES,
    TIMES,
    VERBS,
    is_held_out,
    meal_dialogues,
    prompt_words,
    reply_words,
)

TRIPLES = [(day, time, verb) for day in DAYS for time in TIMES for verb in VERBS]


def test_small_talk_is_complete():
    assert len(small_talk()) == 552


@pytest.mark.parametrize("hmm", [True, False], ids=["HMM", "no HMM"])
def test_jieba_segments_meal_sentences_into_their_words(hmm):
    tokenizer = jieba.Tokenizer()
    mismatches = []
    for day, time, verb in TRIPLES:
        sentences = [prompt_words(day, time, verb, template) for template in QUESTION_TEMPLATES]
        for words in [*sentences, reply_words(time, verb)]:
            if tokenizer.lcut("".join(words), HMM=hmm) != words:
                mismatches.append("".join(words))
    assert not mismatches


def test_replies_copy_time_and_verb_which_determine_the_dish():
    assert reply_words("晚上", "吃") == ["晚上", "吃", "烤鸭", "吧"]
    dishes = [reply_words(time, verb)[2] for time in TIMES for verb in VERBS]
    assert len(set(dishes)) == len(dishes) == sum(map(len, DISHES.values()))
    replies = {}
    for pair in meal_dialogues().training + meal_dialogues().validation:
        key = next((time, verb) for _, time, verb in TRIPLES if pair.reply[:3] == time + verb)
        assert replies.setdefault(key, pair.reply) == pair.reply


def test_one_in_six_triples_is_held_out_with_all_templates():
    held_out = [triple for triple in TRIPLES if is_held_out(*triple)]
    assert len(held_out) * 6 == len(TRIPLES)
    assert ("今天", "晚上", "吃") in held_out
    validation = {pair.prompt for pair in meal_dialogues().validation}
    training = {pair.prompt for pair in meal_dialogues().training}
    for triple in TRIPLES:
        prompts = {"".join(prompt_words(*triple, template)) for template in QUESTION_TEMPLATES}
        assert prompts <= (validation if is_held_out(*triple) else training)


def test_each_part_of_a_held_out_triple_occurs_in_training():
    training = [triple for triple in TRIPLES if not is_held_out(*triple)]
    parts = [set(part) for part in zip(*training)]
    assert parts == [set(DAYS), set(TIMES), set(VERBS)]
    assert {triple[1:] for triple in training} == {triple[1:] for triple in TRIPLES}


def test_default_corpus():
    corpus = default_corpus()
    assert not {pair.prompt for pair in corpus.validation} & {p.prompt for p in corpus.training}
    conversations = {pair.conversation for pair in corpus.training}
    assert not conversations & {pair.conversation for pair in corpus.validation}
    assert load_corpus((), False, 0.5, 1) == (corpus, Counter())


def make_conversations(num_conversations, num_turns=3):
    return [
        Pair(f"{c} {t}", f"{c} {t + 1}", c)
        for c in range(num_conversations)
        for t in range(num_turns)
    ]


def test_validation_has_complete_conversations():
    split = split_by_conversation(make_conversations(100), 0.1, seed=3)
    validation = {pair.conversation for pair in split.validation}
    assert len(validation) == 10
    assert len(split.validation) == 30
    assert not validation & {pair.conversation for pair in split.training}


def test_the_split_is_reproducible_from_its_seed():
    pairs = make_conversations(50)
    assert split_by_conversation(pairs, 0.2, 1) == split_by_conversation(pairs, 0.2, 1)
    assert split_by_conversation(pairs, 0.2, 1) != split_by_conversation(pairs, 0.2, 2)


def test_a_pair_of_training_is_dropped_from_validation_and_counted():
    pairs = [Pair("你好", "你好", c) for c in range(10)]
    split = split_by_conversation([*pairs, *make_conversations(1)], 0.5, seed=1)
    num_pairs = len(split.training) + len(split.validation) + split.num_dropped
    assert num_pairs == 13
    assert split.num_dropped >= 4
    assert ("你好", "你好") not in {pair[:2] for pair in split.validation}


@pytest.mark.parametrize(
    ("num_conversations", "fraction", "num_validation"),
    [(1, 0.5, 0), (9, 0.0, 0), (9, 0.05, 0), (9, 0.1, 1), (2, 0.5, 1)],
)
def test_small_corpora(num_conversations, fraction, num_validation):
    split = split_by_conversation(make_conversations(num_conversations), fraction, 1)
    assert len({pair.conversation for pair in split.validation}) == num_validation
    assert split.training


def test_files_are_split(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a{i}\tb{i}\n" for i in range(40)) + "bad\n", encoding="utf-8")
    split, skipped_lines = load_corpus([path], True, 0.25, 1)
    assert (len(split.training), len(split.validation)) == (30, 10)
    assert skipped_lines.total() == 1
