"""`Ensemble` averages the probabilities of its models."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.step import prepare_unconditional
from attention_seq2seq.models.ensemble import Ensemble
from helpers.small_models import BOS_ID, TARGET_VOCABULARY_SIZE, random_batch, random_model

EOS_ID = 2
MODELS = [
    random_model(ModelConfig(units=3), seed=1),
    random_model(ModelConfig(units=4, num_layers=2, attention="bahdanau"), seed=2),
    random_model(ModelConfig(units=5, cell="gru", attention="luong_monotonic"), seed=3),
]
BATCH, REPLY_TIME = random_batch(4, 5, 6), 6


def test_probabilities_are_the_mean_over_models():
    replies, length = BATCH["target_ids"], BATCH["target_length"]
    prompts = BATCH["source_ids"], BATCH["source_length"]
    hypotheses = SequenceGenerator(Ensemble(MODELS), BOS_ID, EOS_ID).force_decode(
        *prompts, replies, length
    )
    inputs = tf.concat([tf.fill([4, 1], BOS_ID), replies[:, :-1]], axis=1)
    probabilities = [tf.nn.softmax(model(*prompts, inputs)) for model in MODELS]
    expected = tf.gather(sum(probabilities) / 3, replies, batch_dims=2)
    mask = tf.sequence_mask(length, REPLY_TIME)
    np.testing.assert_allclose(hypotheses.token_log_probs[mask], np.log(expected[mask]), atol=1e-5)
    single_hypotheses = [
        SequenceGenerator(model, BOS_ID, EOS_ID).force_decode(*prompts, replies, length)
        for model in MODELS
    ]
    weights = sum(hypothesis.attention_weights for hypothesis in single_hypotheses) / 3
    np.testing.assert_allclose(hypotheses.attention_weights, weights, atol=1e-6)


def test_unconditional_probabilities_are_the_mean_over_models():
    step, state = prepare_unconditional(Ensemble(MODELS), 2)
    ids = tf.constant([[BOS_ID, BOS_ID], [5, 6], [7, 5]])
    steps_and_states = [prepare_unconditional(model, 2) for model in MODELS]
    states = [state for _, state in steps_and_states]
    for token_ids in ids:
        logits, _, state = step(token_ids, state)
        outputs = [
            model_step(token_ids, model_state)
            for (model_step, _), model_state in zip(steps_and_states, states)
        ]
        states = [next_state for _, _, next_state in outputs]
        expected = sum(tf.nn.softmax(logits) for logits, _, _ in outputs) / 3
        np.testing.assert_allclose(tf.exp(logits), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "zero models; expected at least one"),
        (
            [MODELS[0], random_model(ModelConfig(units=3), target=TARGET_VOCABULARY_SIZE + 1)],
            "12 tokens and .*expected equal target vocabularies",
        ),
        (
            [MODELS[0], random_model(ModelConfig(units=3, attention="none"))],
            "no attention; .*attention in all models or in none",
        ),
    ],
)
def test_incompatible_models_raise(models, message):
    with pytest.raises(ValueError, match=f"^Cannot ensemble .*{message}"):
        Ensemble(models)
