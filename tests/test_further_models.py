"""Every option of the model through all that is made of a model: answers, shares, exports."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config import Config, TrainingConfig
from attention_seq2seq.data.meals import meal_talk
from attention_seq2seq.decoding_config import DecodingConfig
from attention_seq2seq.export.saved_model import export_saved_model
from attention_seq2seq.training.trainer import train
from models import FURTHER, SHARED, name_of

PAIRS = meal_talk().training[:40]
PROMPTS = [pair.prompt for pair in PAIRS[:5]] + ["吃"]
# Layers, cells, both ways, mechanisms and what is shared, each at least once.
ANSWERING = [*FURTHER[14:], SHARED[1]]
# All that an export could leave out, at once.
EXPORTED = dataclasses.replace(FURTHER[14], shared_embedding=True, tied_projection=True)


def trained(model, folder):
    options = TrainingConfig(epochs=6, batch_size=4, learning_rate=0.03, patience=0)
    model = dataclasses.replace(model, units=12)
    train(PAIRS, folder, Config(model=model, training=options), [], progress=False)
    return Chat.load(folder)


@pytest.mark.parametrize("model", ANSWERING, ids=name_of)
def test_it_answers_in_every_way_and_explains(tmp_path, model):
    chat = trained(model, tmp_path)
    for decoding in (
        DecodingConfig(),
        DecodingConfig(method="beam", num_best=2, length_penalty=0.0, anti_language_model=0.3),
        DecodingConfig(method="sample"),
    ):
        replies = chat.reply(PROMPTS, decoding)
        assert any(reply.text for reply in replies)
        whole = [(p, r) for p, r in zip(PROMPTS, replies) if r.ended and "<unk>" not in r.tokens]
        plain = DecodingConfig(length_penalty=0.0)
        scores = chat.scores([p for p, _ in whole], [r.text for _, r in whole], plain)
        same = [
            (score, reply.log_probability)
            for score, (_, reply) in zip(scores, whole)
            if chat.codec.reply_words(reply.text) == reply.tokens
        ]
        np.testing.assert_allclose(*zip(*same), atol=1e-4)
        shares = replies[0].contributions
        assert shares.shape == (len(replies[0].rows), len(replies[0].prompt_tokens))


def test_it_is_exported(tmp_path):
    chat = trained(EXPORTED, tmp_path / "model")
    export_saved_model(tmp_path / "model", tmp_path / "1", progress=False)
    served = tf.saved_model.load(str(tmp_path / "1"))
    found = served.signatures["serving_default"](tf.constant(PROMPTS))
    texts = [reply.text for reply in chat.reply(PROMPTS)]
    assert [text.decode() for text in np.ravel(found["reply"].numpy())] == texts
