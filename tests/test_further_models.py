"""Every option of the model in answers and shares; test_further_exports.py exports them."""

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
# Layers, cells, both ways, mechanisms and what is shared, each at least once.
ANSWERING = [*FURTHER_CONFIGURATIONS[14:], SHARED_EMBEDDING_CONFIGURATIONS[1]]


def drawn(model):
    """A model with weights of chance, that says something else to each prompt."""
    # Characters, so that whatever it says is cut again as it was said.
    text = TextConfig("characters", "characters")
    config = Config(text=text, model=dataclasses.replace(model, units=12))
    tokenizer = Seq2SeqTokenizer.build(PAIRS, config.text)
    keras.utils.set_random_seed(1)
    sizes = len(tokenizer.source.vocabulary), len(tokenizer.target.vocabulary)
    network, draw = make_model(config.model, *sizes), np.random.default_rng(5)
    for weight in network.named_weights().values():
        weight.assign(draw.normal(0, 0.7, weight.shape))
    # So that replies end.
    network.decoder.output_projection.bias.assign_add(tf.one_hot(EOS, sizes[1]) * 4.0)
    return Chat(tokenizer, network, config)


@pytest.mark.parametrize("model", ANSWERING, ids=config_id)
def test_it_answers_in_every_way_and_explains(model):
    chat, texts, same = drawn(model), set(), []
    for decoding in (
        DecodingConfig(),
        DecodingConfig(method="beam", num_return_sequences=2, length_penalty=0.0, mmi_weight=0.3),
        DecodingConfig(method="sample", temperature=3.0),
    ):
        replies = chat.reply(PROMPTS, decoding)
        texts |= {reply.text for reply in replies}
        whole = [(p, r) for p, r in zip(PROMPTS, replies) if r.finished and "<unk>" not in r.tokens]
        plain = DecodingConfig(length_penalty=0.0)
        scores = chat.score([p for p, _ in whole], [r.text for _, r in whole], plain)
        same += [
            (score, reply.log_prob)
            for score, (_, reply) in zip(scores, whole)
            if chat.tokenizer.target.tokenize(reply.text) == reply.tokens
        ]
        shares = replies[0].contributions
        assert shares.shape == (len(replies[0].row_labels), len(replies[0].prompt_tokens))
    # Sums of up to sixty float32 numbers, one step after another and all at once.
    np.testing.assert_allclose(*zip(*same), rtol=1e-5, atol=1e-4)
    assert len(texts) > 3
