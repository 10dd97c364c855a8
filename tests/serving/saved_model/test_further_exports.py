"""Export of a multi-layer bidirectional GRU model with shared weights."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.synthetic.meals import meal_dialogues
from attention_seq2seq.serving.saved_model.export import export_saved_model
from attention_seq2seq.training.api import train
from helpers.small_models import FURTHER_CONFIGURATIONS

pytestmark = pytest.mark.slow

PAIRS = meal_dialogues().training[:40]
PROMPTS = [pair.prompt for pair in PAIRS[:5]] + ["吃"]


def test_an_exported_model_with_many_options_gives_the_same_replies(tmp_path):
    model = dataclasses.replace(
        FURTHER_CONFIGURATIONS[14], units=12, share_embeddings=True, tie_output_projection=True
    )
    options = TrainingConfig(epochs=6, batch_size=4, learning_rate=0.03, patience=0)
    train(PAIRS, tmp_path / "model", Config(model=model, training=options), [], progress=False)
    export_saved_model(tmp_path / "model", tmp_path / "1", progress=False)
    saved_model = tf.saved_model.load(str(tmp_path / "1"))
    outputs = saved_model.signatures["serving_default"](tf.constant(PROMPTS))
    texts = [reply.text for reply in Chat.load(tmp_path / "model").reply(PROMPTS)]
    assert [text.decode() for text in np.ravel(outputs["reply"].numpy())] == texts
