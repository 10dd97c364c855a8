"""Replies and attributions for every model option; test_further_exports.py exports them."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS
from helpers.small_models import FURTHER_CONFIGURATIONS, SHARED_EMBEDDING_CONFIGURATIONS, config_id

PAIRS = meal_dialogues().training[:40]
PROMPTS = [pair.prompt for pair in PAIRS[:5]] + ["吃"]
# Every cell, mechanism, number of layers, direction and kind of sharing at least once.
MODELS = [*FURTHER_CONFIGURATIONS[14:], SHARED_EMBEDDING_CONFIGURATIONS[1]]


def make_random_chat(model):
    """Returns a chat with random weights, whose replies differ between prompts."""
    # Tokenizing a reply into characters restores its tokens.
    text = TextConfig("characters", "characters")
    config = Config(text=text, model=dataclasses.replace(model, units=12))
    tokenizer = Seq2SeqTokenizer.build(PAIRS, config.text)
    keras.utils.set_random_seed(1)
    sizes = len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
    seq2seq, rng = make_model(config.model, *sizes), np.random.default_rng(5)
    for weight in seq2seq.named_weights().values():
        weight.assign(rng.normal(0, 0.7, weight.shape))
    # Makes replies end.
    seq2seq.decoder.output_projection.bias.assign_add(tf.one_hot(EOS, sizes[1]) * 4.0)
    return Chat(tokenizer, seq2seq, config)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=config_id)
def test_replies_scores_and_contributions_of_every_option(model):
    chat, texts, score_pairs = make_random_chat(model), set(), []
    for decoding in (
        DecodingConfig(),
        DecodingConfig(method="beam", num_return_sequences=2, length_penalty=0.0, mmi_weight=0.3),
        DecodingConfig(method="sample", temperature=3.0),
    ):
        replies = chat.reply(PROMPTS, decoding)
        texts |= {reply.text for reply in replies}
        complete = [
            (p, r) for p, r in zip(PROMPTS, replies) if r.finished and "<unk>" not in r.tokens
        ]
        unnormalized = DecodingConfig(length_penalty=0.0)
        scores = chat.score([p for p, _ in complete], [r.text for _, r in complete], unnormalized)
        score_pairs += [
            (score, reply.log_prob)
            for score, (_, reply) in zip(scores, complete)
            if chat.tokenizer.target.tokenize(reply.text) == reply.tokens
        ]
        contributions = replies[0].contributions
        assert contributions.shape == (len(replies[0].row_labels), len(replies[0].prompt_tokens))
    # Sums of up to 60 float32 numbers, accumulated step by step and at once.
    np.testing.assert_allclose(*zip(*score_pairs), rtol=1e-5, atol=1e-4)
    assert len(texts) > 3
