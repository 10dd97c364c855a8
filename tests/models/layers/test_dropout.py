"""Dropout of embeddings, layers, attention vectors and prompts."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.step import prepare_unconditional
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.utils.rng import BatchRng
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    make_objective,
    parametrize_configs,
    random_batch,
    random_model,
    training_losses,
)


def test_dropout_applies_to_training_only():
    model = make_model(ModelConfig(units=16, dropout=0.5), 13, 11)
    batch = random_batch(2, 5, 4)
    objective = make_objective(model)
    sums = objective.eval_step(batch)
    assert sums.loss == objective.eval_step(batch).loss
    dropped = [
        tf.reduce_sum(training_losses(objective, {**batch, "batch_index": n})) for n in (1, 1, 2)
    ]
    assert dropped[0] == dropped[1] != dropped[2] != sums.loss


@pytest.mark.parametrize("units", [16, 6], ids=["few tokens", "many tokens"])
@pytest.mark.parametrize("layers", [1, 2])
def test_embedding_dropout_is_optional(units, layers):
    options = {"units": units, "num_layers": layers, "bidirectional": True, "dropout": 0.5}
    batch, rng = random_batch(2, 5, 4), BatchRng(1, tf.constant(1))
    prompts = batch["source_ids"], batch["source_length"]
    for is_exempt in (True, False):
        model = random_model(ModelConfig(dropout_on_embeddings=not is_exempt, **options))
        plain, with_dropout = model.encoder(*prompts), model.encoder(*prompts, rng=rng)
        mask = tf.sequence_mask(prompts[1])
        is_same = np.allclose(plain.outputs[mask], with_dropout.outputs[mask], atol=1e-6)
        assert is_same == (is_exempt and layers == 1)
        (expected, _), (dropped, _) = (
            model.decoder(batch["target_ids"], plain, rng=d) for d in (None, rng)
        )
        # Elements that the dropout of the attention vectors does not set to zero.
        is_nonzero = dropped != 0
        assert 0.3 < np.mean(is_nonzero) < 0.7
        assert np.allclose(dropped[is_nonzero], 2 * expected[is_nonzero], atol=1e-5) == (
            is_exempt and layers == 1
        )


@pytest.mark.parametrize("attention", ["luong", "none"])
@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_applies_between_decoder_layers(attention, layers):
    config = ModelConfig(units=16, num_layers=layers, dropout=0.5, attention=attention)
    model, batch = random_model(config), random_batch(2, 5, 4)
    encoder_output = model.encoder(batch["source_ids"], batch["source_length"])
    # Zero embeddings leave the dropout of layers and attention vectors only.
    embeddings = model.decoder.embedding.embeddings
    embeddings.assign(tf.zeros_like(embeddings))
    expected, _ = model.decoder(batch["target_ids"], encoder_output)
    dropped, _ = model.decoder(batch["target_ids"], encoder_output, rng=BatchRng(1, tf.constant(1)))
    is_nonzero = dropped != 0
    assert 0.3 < np.mean(is_nonzero) < 0.7
    is_scaled_only = np.allclose(dropped[is_nonzero], 2 * expected[is_nonzero], atol=1e-5)
    assert is_scaled_only == (layers == 1)


@parametrize_configs(CONFIGURATIONS)
def test_a_dropped_prompt_matches_unconditional_decoding(config):
    """Prompt dropout in training and `prepare_unconditional` compute the same logits."""
    model, batch = random_model(config), random_batch(3, 5, 4)
    ids = batch["target_ids"]
    inputs = tf.concat([tf.fill([3, 1], BOS_ID), ids[:, :-1]], axis=1)
    prompt_dropped = tf.constant([False, True, True])
    prompt = (batch["source_ids"], batch["source_length"])
    logits = model(*prompt, inputs, prompt_dropped=prompt_dropped)
    np.testing.assert_allclose(logits[0], model(*prompt, inputs)[0], atol=1e-6)
    assert np.abs(logits[1] - model(*prompt, inputs)[1]).max() > 1e-3
    step, state = prepare_unconditional(model, 3)
    for time in range(4):
        expected, _, state = step(inputs[:, time], state)
        np.testing.assert_allclose(logits[1:, time], expected[1:], atol=1e-5)
