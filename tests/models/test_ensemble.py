"""Models that answer together: the next word is as probable as they find it on average."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.models.ensemble import Ensemble
from helpers.small_models import BOS_ID, TARGET_VOCABULARY_SIZE, random_batch, random_model

END = 2
MODELS = [
    random_model(ModelConfig(units=3), seed=1),
    random_model(ModelConfig(units=4, num_layers=2, attention="bahdanau"), seed=2),
    random_model(ModelConfig(units=5, cell="gru", attention="luong_monotonic"), seed=3),
]
PROMPTS, REPLY_TIME = random_batch(4, 5, 6), 6


def test_words_are_as_probable_as_the_models_find_them_on_average():
    replies, length = PROMPTS["target_ids"], PROMPTS["target_length"]
    prompts = PROMPTS["source_ids"], PROMPTS["source_length"]
    found = SequenceGenerator(Ensemble(MODELS), BOS_ID, END).force_decode(*prompts, replies, length)
    inputs = tf.concat([tf.fill([4, 1], BOS_ID), replies[:, :-1]], axis=1)
    each = [tf.nn.softmax(model(*prompts, inputs)) for model in MODELS]
    expected = tf.gather(sum(each) / 3, replies, batch_dims=2)
    real = tf.sequence_mask(length, REPLY_TIME)
    np.testing.assert_allclose(found.token_log_probs[real], np.log(expected[real]), atol=1e-5)
    alone = [
        SequenceGenerator(model, BOS_ID, END).force_decode(*prompts, replies, length)
        for model in MODELS
    ]
    weights = sum(followed.attention_weights for followed in alone) / 3
    np.testing.assert_allclose(found.attention_weights, weights, atol=1e-6)


def test_without_a_prompt_too():
    step, state = Ensemble(MODELS).prepare_unconditional(2)
    ids = tf.constant([[BOS_ID, BOS_ID], [5, 6], [7, 5]])
    started = [model.prepare_unconditional(2) for model in MODELS]
    states = [state for _, state in started]
    for words in ids:
        logits, _, state = step(words, state)
        stepped = [one(words, of_one) for (one, _), of_one in zip(started, states)]
        states = [after for _, _, after in stepped]
        expected = sum(tf.nn.softmax(logits) for logits, _, _ in stepped) / 3
        np.testing.assert_allclose(tf.exp(logits), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("models", "got"),
    [
        ([], "got no model"),
        (
            [MODELS[0], random_model(ModelConfig(units=3), target=TARGET_VOCABULARY_SIZE + 1)],
            "one of 12 tokens",
        ),
        ([MODELS[0], random_model(ModelConfig(units=3, attention="none"))], "without attention"),
    ],
)
def test_models_that_do_not_fit_are_refused(models, got):
    with pytest.raises(ValueError, match=f"{got}.*expected models with the same target vocabulary"):
        Ensemble(models)
