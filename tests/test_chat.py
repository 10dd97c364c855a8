"""Replies of `Chat`: text, log-probability, attention weights and attributions."""

import copy
import logging
import pickle

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK

QUESTION = "今天晚上吃什么"


def token_log_probs(chat, prompt_ids, reply_ids):
    """Reference: log-probabilities from stepping the decoder through a single prompt."""
    step, state = prepare_decoding(chat.model, np.array([prompt_ids]), np.array([len(prompt_ids)]))
    previous_ids, results = [1], []
    for token_id in reply_ids:
        logits, _, state = step(np.array(previous_ids), state)
        logits = logits.numpy()[0].astype(np.float64)
        results.append(
            logits[token_id] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        )
        previous_ids = [token_id]
    return np.array(results)


def test_reply_has_text_tokens_and_attention_weights(chat):
    (reply,) = chat.reply([QUESTION])
    assert reply.text == "晚上吃烤鸭吧"
    assert reply.tokens == ["晚上", "吃", "烤鸭", "吧"]
    assert reply.prompt_tokens == ["今天", "晚上", "吃", "什么"]
    assert reply.finished
    assert reply.row_labels == [*reply.tokens, "<eos>"]
    assert reply.attention_weights.shape == reply.contributions.shape == (5, 4)
    np.testing.assert_allclose(reply.attention_weights.sum(axis=1), 1, atol=1e-5)


def test_log_prob_and_contributions_match_step_by_step_scoring(chat):
    (reply,) = chat.reply([QUESTION])
    prompt_ids = chat.tokenizer.source.encode(QUESTION)
    reply_ids = chat.tokenizer.target.encode(reply.text)
    token_scores = token_log_probs(chat, prompt_ids, reply_ids)
    np.testing.assert_allclose(reply.log_prob, token_scores.sum(), atol=1e-4)
    score_drops = []
    for position in range(len(prompt_ids)):
        masked_ids = [*prompt_ids[:position], UNK, *prompt_ids[position + 1 :]]
        score_drops.append(
            np.maximum(token_scores - token_log_probs(chat, masked_ids, reply_ids), 0)
        )
    score_drops = np.transpose(score_drops)
    # Fractions of drops as small as rounding errors are noise.
    has_drop = score_drops.sum(axis=1) > 1e-2
    assert has_drop.sum() >= 3
    fractions = score_drops[has_drop] / score_drops[has_drop].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(reply.contributions[has_drop], fractions, atol=1e-3)


def test_a_prompt_without_influence_has_zero_contributions(chat):
    unknown_ids = chat.tokenizer.source.encode("囧囧")
    assert set(unknown_ids) == {UNK}
    contributions = chat.attribute(unknown_ids, [7, EOS])
    assert contributions.shape == (2, len(unknown_ids))
    assert np.all(contributions == 0)


@pytest.mark.parametrize("fixture_name", ["chat", "spelled_chat"])
def test_replies_do_not_depend_on_the_batch(fixture_name, request):
    chat = request.getfixturevalue(fixture_name)
    prompts = [QUESTION, "", "周末清晨我们煮什么", "喂", "明天早上喝什么好"]
    batched = chat.reply(prompts)
    for prompt, reply in zip(prompts, batched):
        (single,) = chat.reply([prompt])
        assert single.text == reply.text
        assert single.prompt_tokens == reply.prompt_tokens
        np.testing.assert_allclose(single.log_prob, reply.log_prob, atol=1e-4)
        np.testing.assert_allclose(single.attention_weights, reply.attention_weights, atol=1e-5)


@pytest.mark.parametrize("prompt", ["", "   ", "\x00\u200b", "龘靐齉", "\ud800", "🙂" * 9, "<eos>"])
@pytest.mark.parametrize("fixture_name", ["chat", "spelled_chat"])
def test_odd_prompts_get_a_reply(fixture_name, prompt, request):
    (reply,) = request.getfixturevalue(fixture_name).reply([prompt])
    assert reply.text
    assert len(reply.prompt_tokens) >= 1
    assert reply.contributions.shape == reply.attention_weights.shape


def test_tables_are_added_up_per_word(spelled_chat):
    reply = spelled_chat.reply(["龘靐吃什么 python"], DecodingConfig(target_prefix="囧好"))[0]
    assert reply.prompt_words[-1] == "python" and len(reply.prompt_words) < 8
    assert len(reply.prompt_tokens) > len(reply.prompt_words) + 2
    assert reply.text == spelled_chat.tokenizer.target.detokenize(reply.tokens)
    assert len(reply.word_row_labels) == len(reply.words) + reply.finished < len(reply.row_labels)

    def sum_of(table, row, column):
        """Reference: sum over the tokens of a word of the reply and a word of the prompt."""
        row_starts = [*reply.word_groups.starts, len(reply.tokens), len(reply.row_labels)]
        column_starts = [*reply.prompt_word_groups.starts, len(reply.prompt_tokens)]
        rows = slice(*row_starts[row : row + 2])
        part = table[rows, slice(*column_starts[column : column + 2])]
        return part.sum(), rows.stop - rows.start

    source_ids = spelled_chat.tokenizer.source.encode("龘靐吃什么 python")
    reply_ids = spelled_chat.tokenizer.target.vocabulary.ids(reply.tokens) + [EOS] * reply.finished
    base = token_log_probs(spelled_chat, source_ids, reply_ids)
    drops = [
        base
        - token_log_probs(spelled_chat, [*source_ids[:i], UNK, *source_ids[i + 1 :]], reply_ids)
        for i in range(len(source_ids))
    ]
    drops = np.maximum(np.array(drops).T, 0)
    word_drops = np.zeros(reply.word_contributions.shape)
    for row, column in np.ndindex(word_drops.shape):
        word_drops[row, column], _ = sum_of(drops, row, column)
        weight, num_tokens = sum_of(reply.attention_weights, row, column)
        assert reply.word_attention_weights[row, column] == pytest.approx(weight / num_tokens)
    sums = word_drops.sum(axis=1, keepdims=True)
    has_drop = sums[:, 0] > 0.05
    assert has_drop.sum() > 1
    np.testing.assert_allclose(
        reply.word_contributions[has_drop], (word_drops / sums)[has_drop], atol=1e-3
    )
    np.testing.assert_allclose(reply.word_attention_weights.sum(axis=1), 1, atol=1e-5)


def test_long_prompts_are_truncated_with_a_warning(chat, caplog):
    with caplog.at_level(logging.WARNING):
        (reply,) = chat.reply(["今天晚上吃什么好呢" * 1111])
    assert "tokens; only the first 60 are used" in caplog.text
    assert len(reply.prompt_tokens) == 60
    assert reply.attention_weights.shape[1] == 60


def test_a_reply_without_eos_is_truncated_at_max_length():
    pairs = [("你好", "吃饭 喝水")]
    config = Config(data=DataConfig(max_target_length=4), model=ModelConfig(units=4))
    tokenizer = Seq2SeqTokenizer.build(pairs, config.text)
    vocabulary_size = len(tokenizer.source.vocabulary)
    model = make_model(config.model, vocabulary_size, vocabulary_size)
    model.decoder.output_projection.bias.assign(10.0 * np.eye(vocabulary_size, dtype=np.float32)[5])
    (reply,) = Chat(tokenizer, model, config).reply(["你好"])
    assert not reply.finished
    assert len(reply.tokens) == len(reply.row_labels) == 5
    assert reply.contributions.shape == (5, 1)


def test_pickled_replies_keep_computed_contributions(chat):
    measured, unmeasured = chat.reply([QUESTION, "吃"])
    contributions = measured.contributions
    for loaded in (pickle.loads(pickle.dumps(measured)), copy.deepcopy(measured)):
        assert (loaded.text, loaded.tokens, loaded.row_labels) == (
            measured.text,
            measured.tokens,
            measured.row_labels,
        )
        np.testing.assert_array_equal(loaded.contributions, contributions)
        np.testing.assert_array_equal(loaded.attention_weights, measured.attention_weights)
    loaded = pickle.loads(pickle.dumps(unmeasured))
    with pytest.raises(ValueError, match="A pickled reply has no model"):
        loaded.contributions  # noqa: B018
    assert (
        copy.copy(unmeasured).contributions.shape == copy.deepcopy(unmeasured).contributions.shape
    )
