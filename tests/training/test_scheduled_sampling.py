"""Scheduled sampling equals a loop over the model's decoding steps."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.training.scheduled_sampling import sample_decoder_inputs
from attention_seq2seq.utils.rng import BatchRng
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    config_id,
    make_objective,
    random_batch,
    random_model,
    training_losses,
)


def shift_right(target_ids):
    """Returns the decoder inputs of teacher forcing."""
    bos_ids = tf.fill([len(target_ids), 1], BOS_ID)
    return tf.concat([bos_ids, target_ids[:, :-1]], axis=1)


def sample_inputs(model, batch, sampling_probability, batch_index=2):
    step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"])
    return sample_decoder_inputs(
        step,
        state,
        shift_right(batch["target_ids"]),
        sampling_probability,
        BatchRng(1, batch_index),
    )


def test_probability_0_is_teacher_forcing():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    expected = shift_right(batch["target_ids"])
    np.testing.assert_array_equal(sample_inputs(model, batch, 0.0), expected)


@pytest.mark.parametrize(
    "config", [CONFIGURATIONS[0], *FURTHER_CONFIGURATIONS[:5:2]], ids=config_id
)
def test_probability_1_with_sharp_logits_is_greedy_search(config):
    """With large logits, the most probable token is sampled with probability 1."""
    model, batch = random_model(config), random_batch(8, 5, 6)
    step, initial_state = prepare_decoding(model, batch["source_ids"], batch["source_length"])

    def sharp_step(ids, state):
        logits, weights, state = step(ids, state)
        return 1e5 * logits, weights, state

    sampled_ids = sample_decoder_inputs(
        sharp_step, initial_state, shift_right(batch["target_ids"]), 1.0, BatchRng(1, 2)
    )
    greedy_ids, state = [tf.fill([8], BOS_ID)], initial_state
    for _ in range(sampled_ids.shape[1] - 1):
        logits, _, state = step(greedy_ids[-1], state)
        greedy_ids.append(tf.argmax(logits, axis=1, output_type=tf.int32))
    np.testing.assert_array_equal(sampled_ids, tf.stack(greedy_ids, axis=1))


def test_sampled_tokens_have_the_configured_rate_and_depend_on_the_batch_index():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(200, 5, 20, target=11)
    sampled_ids, repeated_ids, different_ids = (
        sample_inputs(model, batch, 0.4, batch_index) for batch_index in (1, 1, 2)
    )
    np.testing.assert_array_equal(sampled_ids, repeated_ids)
    assert np.any(sampled_ids != different_ids)
    teacher_forced_ids = shift_right(batch["target_ids"])
    difference_rate = np.mean(sampled_ids[:, 1:] != teacher_forced_ids[:, 1:])
    # Some sampled tokens equal the true ones.
    assert 0.25 < difference_rate < 0.4


def test_the_loss_is_that_of_teacher_forcing_on_the_sampled_inputs():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    objective = make_objective(model, scheduled_sampling_probability=0.5)
    input_ids = sample_inputs(model, batch, 0.5, int(batch["batch_index"]))
    assert np.any(input_ids != shift_right(batch["target_ids"]))
    logits = model(batch["source_ids"], batch["source_length"], input_ids)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["target_ids"], logits)
    expected = tf.boolean_mask(losses, tf.sequence_mask(batch["target_length"], 6))
    np.testing.assert_allclose(training_losses(objective, batch, 0.5), expected, atol=1e-5)
