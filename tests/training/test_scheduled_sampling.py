"""Words of the model's own: those it would have said, step by step, through the same cell."""

import numpy as np
import pytest
import tensorflow as tf

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
)


def inputs_of(batch):
    begin = tf.fill([len(batch["target_ids"]), 1], BOS_ID)
    return tf.concat([begin, batch["target_ids"][:, :-1]], axis=1)


def drawn(model, batch, share, number=2):
    step, state = model.prepare_decoding(batch["source_ids"], batch["source_length"])
    return sample_decoder_inputs(step, state, inputs_of(batch), share, BatchRng(1, number))


def test_none_of_its_own_are_the_true_words():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    np.testing.assert_array_equal(drawn(model, batch, 0.0), inputs_of(batch))


@pytest.mark.parametrize(
    "config", [CONFIGURATIONS[0], *FURTHER_CONFIGURATIONS[:5:2]], ids=config_id
)
def test_all_of_its_own_are_what_it_would_have_said(config):
    """Of much larger logits one word alone can be drawn: that which greedy search says."""
    model, batch = random_model(config), random_batch(8, 5, 6)
    step, start = model.prepare_decoding(batch["source_ids"], batch["source_length"])

    def sharp(ids, state):
        logits, weights, state = step(ids, state)
        return 1e5 * logits, weights, state

    own = sample_decoder_inputs(sharp, start, inputs_of(batch), 1.0, BatchRng(1, 2))
    expected, state = [tf.fill([8], BOS_ID)], start
    for _ in range(own.shape[1] - 1):
        logits, _, state = step(expected[-1], state)
        expected.append(tf.argmax(logits, axis=1, output_type=tf.int32))
    np.testing.assert_array_equal(own, tf.stack(expected, axis=1))


def test_the_share_is_that_asked_for_and_a_seed_repeats_it():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(200, 5, 20, target=11)
    once, again, other = (drawn(model, batch, 0.4, n) for n in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert np.any(once != other)
    changed = np.mean(once[:, 1:] != inputs_of(batch)[:, 1:])
    # Some of the words drawn are the true ones.
    assert 0.25 < changed < 0.4


def test_the_loss_is_that_of_teacher_forcing_on_the_words_drawn():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    task = make_objective(model, scheduled_sampling_probability=0.5)
    mixed = drawn(model, batch, 0.5, int(batch["batch_index"]))
    assert np.any(mixed != inputs_of(batch))
    logits = model(batch["source_ids"], batch["source_length"], mixed)
    expected = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["target_ids"], logits)
    real = tf.sequence_mask(batch["target_length"], 6)
    np.testing.assert_allclose(task.losses(batch, 0.5), tf.boolean_mask(expected, real), atol=1e-5)
