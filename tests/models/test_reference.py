"""The model matches NumPy and tfa.seq2seq with the same weights."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import prepare_decoding
from helpers.reference_models import TFASeq2Seq, decoder_step, encode, requires_tfa, tfa
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    SHARED_EMBEDDING_CONFIGURATIONS,
    TARGET_VOCABULARY_SIZE,
    config_id,
    covering_configs,
    make_objective,
    mean_loss,
    parametrize_configs,
    random_batch,
    random_model,
    randomize_weights,
    shared_model,
    source_vocabulary_size,
    to_arrays,
)
from helpers.toy_models import make_processors

EOS_ID = 2
ALL_CONFIGS = CONFIGURATIONS + FURTHER_CONFIGURATIONS + SHARED_EMBEDDING_CONFIGURATIONS
QUICK_CONFIGS = covering_configs(ALL_CONFIGS)
SHAPES = [(2, 5, 7), (1, 1, 1), (3, 8, 2), (7, 3, 12)]


def make_reference(model, config):
    return TFASeq2Seq(to_arrays(model), config)


# All shapes for one model; all models with prompts longer and shorter than replies.
@requires_tfa
@pytest.mark.parametrize(
    ("config", "shape"),
    [(CONFIGURATIONS[0], shape) for shape in SHAPES[:2]]
    + [
        pytest.param(config, shape, marks=[] if config in QUICK_CONFIGS else [pytest.mark.slow])
        for config in ALL_CONFIGS
        for shape in SHAPES[2:]
    ],
    ids=lambda value: str(value) if isinstance(value, tuple) else config_id(value),
)
def test_logits_loss_and_gradients_match_basic_decoder(config, shape):
    batch = random_batch(*shape, source=source_vocabulary_size(config))
    model = shared_model(config)
    reference = make_reference(model, config)
    objective = make_objective(model)
    mask = tf.sequence_mask(batch["target_length"], shape[2], dtype=tf.float32)
    bos = tf.fill([shape[0], 1], BOS_ID)
    target_input_ids = tf.concat([bos, batch["target_ids"][:, :-1]], axis=1)

    with tf.GradientTape() as tape:
        expected_logits = reference.logits(
            batch["source_ids"], batch["source_length"], target_input_ids, batch["target_length"]
        )
        expected_loss = tfa.seq2seq.sequence_loss(expected_logits, batch["target_ids"], mask)
    expected = tape.gradient(expected_loss, reference.variables)
    with tf.GradientTape() as tape:
        logits = objective.logits(batch)
        loss = mean_loss(objective, batch)
    gradients = tape.gradient(loss, model.named_weights())

    np.testing.assert_allclose(
        logits * mask[..., tf.newaxis], expected_logits * mask[..., tf.newaxis], atol=1e-5
    )
    np.testing.assert_allclose(loss, expected_loss, atol=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        expected_gradient = tf.zeros_like(gradient) if expected[name] is None else expected[name]
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient),
            tf.convert_to_tensor(expected_gradient),
            atol=1e-5,
            err_msg=name,
        )


@requires_tfa
@parametrize_configs(ALL_CONFIGS)
def test_greedy_ids_match_greedy_embedding_sampler(config):
    num_ended = num_rows = 0
    model = random_model(config)
    for seed, (rows, source_time) in enumerate([(7, 3), (24, 5), (3, 8)]):
        batch = random_batch(rows, source_time, 2, seed=seed, source=source_vocabulary_size(config))
        randomize_weights(model, seed)
        # A growing bias of the end token: some replies end, and some are truncated.
        eos_bias = 3.0 * seed - 3.0
        model.decoder.output_projection.bias.assign_add(
            tf.one_hot(EOS_ID, TARGET_VOCABULARY_SIZE) * eos_bias
        )
        step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"])
        hypotheses = greedy_search(step, state, make_processors(rows), tf.constant(9))
        ids, lengths = make_reference(model, config).greedy(
            batch["source_ids"], batch["source_length"], BOS_ID, EOS_ID, 9
        )
        np.testing.assert_array_equal(hypotheses.lengths, lengths)
        for row, length in enumerate(lengths):
            np.testing.assert_array_equal(hypotheses.ids[row, :length], ids[row, :length])
            assert np.all(hypotheses.ids[row, length:] == 0)
        num_ended += np.sum(lengths < 9)
        num_rows += rows
    assert 0 < num_ended < num_rows


@parametrize_configs(CONFIGURATIONS[:-1])
def test_decoder_steps_match_numpy(config):
    model = shared_model(config)
    weights = {name: array.astype(np.float64) for name, array in to_arrays(model).items()}
    source, token_ids = [5, 12, 7, 9, 5], [1, 6, 10, 3, 7, 2, 8]
    memory, (h, c) = encode(weights, source)
    if not config.starts_from_encoder:
        h = c = np.zeros(config.units)
    attention_vector = np.zeros(config.units)
    # The ids in the padding of the first row must not matter.
    source_ids = tf.constant([[*source, 3, 4], [5, 6, 7, 8, 9, 10, 11]])
    step, state = prepare_decoding(model, source_ids, tf.constant([5, 7]))
    for token_id in token_ids:
        logits, attention_weights, state = step(tf.constant([token_id, 6]), state)
        expected, expected_weights, h, c, attention_vector = decoder_step(
            weights, memory, token_id, h, c, attention_vector, config.attention_layer_activation
        )
        np.testing.assert_allclose(logits[0], expected, atol=1e-5)
        np.testing.assert_allclose(attention_weights[0, :5], expected_weights, atol=1e-5)
        assert np.all(attention_weights[0, 5:] == 0)
