"""Decoding options of `Chat`: beam search, sampling, constraints and reranking."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.postprocessing import deduplicate
from attention_seq2seq.decoding.step import Hypotheses
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK
from experiments.studies.study_metrics import mean_rank

QUESTION = "今天晚上吃什么"
BEAM = DecodingConfig(method="beam", num_return_sequences=4)


def test_beam_replies_are_distinct_and_sorted_by_score(chat):
    (replies,) = chat.generate([QUESTION], BEAM)
    assert replies[0].text == chat.reply([QUESTION])[0].text
    scores = [reply.score for reply in replies]
    assert scores == sorted(scores, reverse=True)
    assert len({reply.text for reply in replies}) == len(replies) == 4
    for reply in replies:
        length = len(reply.row_labels)
        assert reply.score == pytest.approx(reply.log_prob / ((5 + length) / 6), abs=1e-5)


def test_attention_weights_match_forced_decoding(chat):
    for reply in chat.generate([QUESTION], BEAM)[0]:
        ids = chat.tokenizer.target.encode(reply.text)
        source = tf.constant([chat.tokenizer.source.encode(QUESTION)])
        hypothesis = chat.generator.force_decode(source, [source.shape[1]], [ids], [len(ids)])
        np.testing.assert_allclose(
            reply.attention_weights, hypothesis.attention_weights[0], atol=1e-5
        )
        assert reply.log_prob == pytest.approx(float(hypothesis.scores[0]), abs=1e-4)


def test_duplicate_hypotheses_are_removed():
    rows = [[5, 2], [6, 2], [5, 2], [5, 0], [7, 2], [0, 0], [8, 2], [7, 2]]
    hypotheses = Hypotheses(
        ids=tf.constant(rows),
        lengths=tf.constant([2, 2, 2, 1, 2, 0, 2, 2]),
        token_log_probs=tf.ones([8, 2]),
        scores=tf.range(1.0, 9.0),
        attention_weights=tf.ones([8, 2, 3]),
    )
    unique = deduplicate(hypotheses, tf.constant(4))
    expected = [[5, 2], [6, 2], [5, 0], [0, 0], [7, 2], [8, 2], [0, 0], [0, 0]]
    assert unique.ids.numpy().tolist() == expected
    assert unique.lengths.numpy().tolist() == [2, 2, 1, 0, 2, 2, 0, 0]
    assert unique.scores.numpy().tolist() == [1.0, 2.0, 4.0, 0.0, 5.0, 7.0, 0.0, 0.0]
    assert tf.reduce_sum(unique.attention_weights, [1, 2]).numpy().tolist() == [
        *(6.0, 6.0, 6.0, 0.0, 6.0, 6.0, 0.0, 0.0)
    ]


def test_samples_depend_on_the_seed_only(chat):
    decoding = DecodingConfig(method="sample", num_return_sequences=3, temperature=3.0)
    prompts = [QUESTION, "周末早上喝什么"]
    texts = [[reply.text for reply in replies] for replies in chat.generate(prompts, decoding)]
    assert len(set(texts[0])) > 1
    (single,) = chat.generate(prompts[:1], dataclasses.replace(decoding, num_return_sequences=1))
    assert single[0].text == texts[0][0]
    reseeded = chat.generate(prompts, dataclasses.replace(decoding, sampling_seed=2))
    assert [[reply.text for reply in replies] for replies in reseeded] != texts


def test_prompts_have_independent_random_numbers(chat):
    """At temperature 100 the random numbers alone determine the tokens."""
    decoding = DecodingConfig(method="sample", temperature=100.0)
    prompts = [QUESTION, "周末早上喝什么", "今天晚上喝什么", "什么吃晚上今天", "", "吃"]
    replies = [reply.tokens for reply in chat.reply(prompts, decoding)]
    assert len(set(map(tuple, replies))) == len(prompts)
    # Even the first tokens differ.
    assert len({tokens[0] for tokens in replies}) > 3
    # Replies depend neither on the batch nor on padding.
    for prompt, tokens in zip(prompts, replies):
        assert chat.reply([prompt], decoding)[0].tokens == tokens
        assert chat.reply([prompts[1] * 4, prompt], decoding)[1].tokens == tokens


def test_constraints_apply_to_tokens(chat):
    def reply(**options):
        return chat.reply([QUESTION], DecodingConfig(**options))[0]

    assert reply().text == "晚上吃烤鸭吧"
    assert "烤鸭" not in reply(suppress_tokens=("烤鸭",)).tokens
    assert reply(target_prefix="早上喝").text.startswith("早上喝")
    assert reply(max_length=2).tokens == reply().tokens[:2]
    assert len(reply(min_length=8).tokens) >= 8
    assert reply(suppress_tokens=("龘",)).text == reply().text
    assert reply(suppress_tokens=("吃烤鸭",)).text.startswith("晚上吃")
    assert "吃烤鸭" not in reply(suppress_tokens=("吃烤鸭",)).text


def test_constraints_apply_to_spelled_words(spelled_chat):
    def reply(**options):
        return spelled_chat.reply(["喝什么"], DecodingConfig(**options))[0]

    spelled_words = {
        word: tokens
        for prompt in ("早上喝什么", "晚上吃什么", "你好")
        for word in spelled_chat.reply([prompt])[0].words
        if len(tokens := spelled_chat.tokenizer.target.spellings(word)[-1]) > 1
    }
    assert len(spelled_words) > 2
    for word in spelled_words:
        for prompt in ("早上喝什么", "晚上吃什么", "你好"):
            decoding = DecodingConfig(suppress_tokens=(word,))
            assert word not in spelled_chat.reply([prompt], decoding)[0].words
    assert reply(target_prefix="囧python").text.startswith("囧python")
    assert reply(target_prefix="囧python").words[:2] == ["囧", "python"]
    assert "<unk>" not in reply(unk_policy="allow", method="sample", top_k=0).tokens


def make_unk_chat():
    """Returns a chat with random weights that generates `<unk>` only."""
    pairs = [("你好 龘 吗", "你好")]
    config = Config(
        text=TextConfig(source_tokenizer="whitespace"), model=ModelConfig(units=8, dropout=0.0)
    )
    tokenizer = Seq2SeqTokenizer.build(pairs, config.text)
    vocabulary_size = len(tokenizer.source.vocabulary)
    model = make_model(config.model, vocabulary_size, vocabulary_size)
    rng = np.random.default_rng(1)
    for weight in model.named_weights().values():
        weight.assign(rng.normal(0, 1, weight.shape))
    bias = np.full(vocabulary_size, -50.0)
    bias[UNK] = 50.0
    model.decoder.output_projection.bias.assign(bias)
    return Chat(tokenizer, model, config)


def test_unk_policy_forbids_allows_or_replaces():
    chat = make_unk_chat()

    def reply(unk_policy):
        decoding = DecodingConfig(unk_policy=unk_policy, max_length=4)
        return chat.reply(["你好 囧 吗"], decoding)[0]

    assert "<unk>" not in reply("forbid").tokens
    allowed = reply("allow")
    assert allowed.tokens == ["<unk>"] * 4
    replaced = reply("replace")
    attended_tokens = [["你好", "囧", "吗"][row.argmax()] for row in replaced.attention_weights]
    assert replaced.tokens == attended_tokens


def unconditional_log_probs(chat, ids):
    """Reference: log-probabilities from stepping the decoder over a memory of one zero vector."""
    units = chat.config.model.units
    decoder = chat.model.decoder
    from attention_seq2seq.models.encoder import EncoderOutput

    zeros = tf.zeros([1, units])
    zero_state = tuple((zeros,) * cell.num_states for cell in decoder.rnn.cells)
    memory, state = decoder.initial_state(
        EncoderOutput(tf.zeros([1, 1, units]), tf.ones([1], tf.int32), zero_state)
    )
    previous_id, result = 1, []
    for token_id in ids:
        logits, _, state = decoder.step(tf.constant([previous_id]), memory, state)
        result.append(float(tf.nn.log_softmax(logits)[0, token_id]))
        previous_id = token_id
    return np.array(result)


def reply_ids(chat, reply):
    return chat.tokenizer.target.vocabulary.ids(reply.tokens) + [EOS] * reply.finished


@pytest.mark.parametrize("max_tokens", [0, 2, 60])
def test_mmi_scores_match_reference(chat, max_tokens):
    decoding = DecodingConfig(
        method="beam",
        num_return_sequences=3,
        mmi_weight=0.4,
        mmi_max_tokens=max_tokens,
        coverage_penalty=0.2,
    )
    num_scored = 0
    for reply in chat.generate([QUESTION], decoding)[0]:
        ids = reply_ids(chat, reply)
        total = reply.log_prob - 0.4 * unconditional_log_probs(chat, ids)[:max_tokens].sum()
        coverage = np.log(np.clip(reply.attention_weights.sum(axis=0), 1e-9, 1)).sum()
        expected = total / ((5 + len(ids)) / 6) + 0.2 * coverage
        assert reply.score == pytest.approx(expected, abs=1e-3)
        if ids == chat.tokenizer.target.encode(reply.text):
            (score,) = chat.score([QUESTION], [reply.text], decoding)
            assert score == pytest.approx(reply.score, abs=1e-3)
            num_scored += 1
    assert num_scored


def test_reranking_matches_reference(chat):
    options = {"method": "beam", "beam_width": 6}
    (hypotheses,) = chat.generate([QUESTION], DecodingConfig(num_return_sequences=6, **options))
    reranking = DecodingConfig(
        num_return_sequences=3, rerank_mmi_weight=0.8, rerank_length_bonus=0.3, **options
    )

    def score(reply):
        ids = reply_ids(chat, reply)
        return reply.log_prob - 0.8 * unconditional_log_probs(chat, ids).sum() + 0.3 * len(ids)

    expected = sorted(hypotheses, key=score, reverse=True)[:3]
    (replies,) = chat.generate([QUESTION], reranking)
    assert [reply.text for reply in replies] == [reply.text for reply in expected]
    np.testing.assert_allclose([r.score for r in replies], [score(r) for r in expected], atol=1e-3)
    scores = chat.score([QUESTION] * 3, [reply.text for reply in replies], reranking)
    np.testing.assert_allclose(scores, [reply.score for reply in replies], atol=1e-3)


def test_mean_rank_of_trained_and_untrained_replies(chat):
    pairs = [(QUESTION, "晚上吃烤鸭吧"), ("周末早上喝什么", "早上喝豆浆吧")]
    distractors = [["早上喝豆浆吧", "中午买水果吧"], ["晚上吃烤鸭吧", "中午买水果吧"]]
    assert mean_rank(chat, pairs, distractors, DecodingConfig()) == 1
    assert mean_rank(chat, [(QUESTION, "中午买水果吧")], [["晚上吃烤鸭吧"]], DecodingConfig()) == 2
    # Ties count against the true reply.
    assert mean_rank(chat, pairs[:1], [["晚上吃烤鸭吧"]], DecodingConfig()) == 2


def test_decoding_params_have_named_fields():
    params = DecodingParams.from_config(
        DecodingConfig(beam_width=7, top_p=0.3), 9, suppressed_ids=(3, 1, 3), prefix_ids=(8, 6)
    )
    for same in (params, params.pack().unpack()):
        assert (int(same.beam_width), int(same.max_length)) == (7, 9)
        assert float(same.top_p) == pytest.approx(0.3)
        assert np.asarray(same.suppressed_ids).tolist() == [1, 3]
        assert np.asarray(same.prefix_ids).tolist() == [8, 6]
    with pytest.raises(AttributeError, match="beem_width"):
        params.beem_width  # noqa: B018


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "beem"}, "method is 'beem'; choose one of greedy, beam, sample"),
        ({"beam_width": 0}, "beam_width is 0; expected between 1 and 1000"),
        ({"beam_width": 5, "num_beam_groups": 2}, "expected a beam_width that is a multiple of 2"),
        (
            {"method": "beam", "num_return_sequences": 6},
            "beam search returns at most beam_width replies",
        ),
        ({"num_return_sequences": 2}, "method is 'greedy', which finds one reply"),
        ({"min_length": 5, "max_length": 4}, "min_length is 5, more than max_length, which is 4"),
        ({"temperature": 0.0}, "temperature is 0.0; expected between 0.01"),
        ({"top_p": float("nan")}, "top_p is nan"),
        ({"top_k": 1.5}, "top_k is 1.5, a float; expected a int"),
    ],
)
def test_invalid_options_raise_with_a_reason(options, message):
    with pytest.raises(ValueError, match=message):
        DecodingConfig(**options)


def test_multi_turn_prompts_are_joined_and_truncated_by_turns():
    pairs = [("你好", "你好呀"), ("你好呀", "吃了吗"), ("再见", "再见")]
    config = TextConfig(source_tokenizer="characters", context_turns=2)
    tokenizer = Seq2SeqTokenizer.build(pairs, config)
    tokens, ids = tokenizer.source.encode_with_tokens("再见\n你好\n你好呀\n吃了吗")
    assert tokens == [*"你好", "<turn>", *"你好呀", "<turn>", *"吃了吗"], (
        "the last turn and two turns of context"
    )
    assert ids[2] == ids[6] == 4
    assert tokenizer.source.encode_with_tokens("你好\n吃了吗", limit=4)[0] == [*"吃了吗"], (
        "turns are truncated as a whole"
    )
    assert tokenizer.source.encode_with_tokens(b"\xe4\xbd\xa0\n\n\xe5\xa5\xbd")[0] == [
        "你",
        "<turn>",
        "好",
    ]
    assert tokenizer.source.encode_with_tokens("\n\n")[1] == [UNK]
    single = Seq2SeqTokenizer.build(pairs, TextConfig(source_tokenizer="characters"))
    assert 4 not in single.source.encode("你好\n你好")
    assert EOS not in tokenizer.source.encode("<eos>")
