"""Invariances of the model to padding, row order and batch size."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.seq2seq import make_model
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    TARGET_VOCABULARY_SIZE,
    make_objective,
    mean_loss,
    parametrize_configs,
    random_batch,
    random_model,
    shared_model,
)
from helpers.toy_models import make_processors

EOS_ID = 2

all_configs = parametrize_configs(CONFIGURATIONS + FURTHER_CONFIGURATIONS)


def add_padding(batch, num_positions):
    padded = {
        name: tf.pad(batch[name], [[0, 0], [0, num_positions]])
        for name in ("source_ids", "target_ids")
    }
    return {**batch, **padded}


def select_rows(batch, rows):
    return {name: x if name == "batch_index" else tf.gather(x, rows) for name, x in batch.items()}


def compute_outputs(model, batch):
    """Returns the loss, the gradients and the hypotheses of forced decoding."""
    with tf.GradientTape() as tape:
        loss = mean_loss(make_objective(model), batch)
    gradients = tape.gradient(loss, list(model.named_weights().values()))
    return loss, [tf.convert_to_tensor(g) for g in gradients], force_decode_batch(model, batch)


def force_decode_batch(model, batch):
    step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"])
    return force_decode(step, state, batch["target_ids"], batch["target_length"], BOS_ID)


@functools.cache
def cached_outputs(config, padding):
    """Returns a batch with added padding, and the outputs of the shared model on it."""
    batch = add_padding(random_batch(4, 6, 5), padding)
    return batch, *compute_outputs(shared_model(config), batch)


@all_configs
def test_results_do_not_depend_on_the_amount_of_padding(config):
    _, loss, gradients, hypotheses = cached_outputs(config, 0)
    _, new_loss, new_gradients, padded_hypotheses = cached_outputs(config, 3)
    np.testing.assert_allclose(loss, new_loss, atol=1e-5)
    for a, b in zip(gradients, new_gradients):
        np.testing.assert_allclose(a, b, atol=1e-5)
    time, source_time = hypotheses.attention_weights.shape[1:]
    weights = padded_hypotheses.attention_weights[:, :time, :source_time]
    np.testing.assert_allclose(hypotheses.attention_weights, weights, atol=1e-5)


@all_configs
def test_results_do_not_depend_on_the_ids_in_the_padding(config):
    batch, loss, gradients, _ = cached_outputs(config, 3)
    mask = tf.sequence_mask(batch["source_length"], 9)
    target_mask = tf.sequence_mask(batch["target_length"], 8)
    noisy = {
        **batch,
        "source_ids": tf.where(mask, batch["source_ids"], 7),
        "target_ids": tf.where(target_mask, batch["target_ids"], 7),
    }
    new_loss, new_gradients, _ = compute_outputs(shared_model(config), noisy)
    assert loss == new_loss
    for a, b in zip(gradients, new_gradients):
        np.testing.assert_array_equal(a, b)


# With every initial state.
@parametrize_configs(
    [*CONFIGURATIONS[::2], *FURTHER_CONFIGURATIONS[:8:2], *FURTHER_CONFIGURATIONS[8:]]
)
def test_results_do_not_depend_on_row_order_and_batch_size(config):
    model, batch = shared_model(config), random_batch(5, 6, 4)
    objective, hypotheses = make_objective(model), force_decode_batch(model, batch)
    permuted_batch = select_rows(batch, [3, 0, 4, 2, 1])
    loss, permuted_hypotheses = (
        mean_loss(objective, permuted_batch),
        force_decode_batch(model, permuted_batch),
    )
    np.testing.assert_allclose(loss, mean_loss(objective, batch), atol=1e-5)
    for a, b in zip(hypotheses, permuted_hypotheses):
        np.testing.assert_allclose(tf.gather(a, [3, 0, 4, 2, 1]), b, atol=1e-5)
    total = 0.0
    for row in range(5):
        single = select_rows(batch, [row])
        single_loss, hypothesis = mean_loss(objective, single), force_decode_batch(model, single)
        length = int(single["target_length"][0])
        np.testing.assert_allclose(
            hypotheses.attention_weights[row, :length], hypothesis.attention_weights[0], atol=1e-5
        )
        total += float(single_loss) * length
    np.testing.assert_allclose(loss, total / np.sum(batch["target_length"]), atol=1e-5)


def test_replies_do_not_depend_on_the_batch():
    """Ids are equal, unless the two best candidates of a step differ by less than 1e-5."""
    num_different = 0
    for seed in range(3):
        config = CONFIGURATIONS[4 * seed]
        model, batch = random_model(config, seed=seed), random_batch(8, 7, 2, seed=seed)
        ids, length = batch["source_ids"], batch["source_length"]
        batched = reply(model, tf.pad(ids, [[0, 0], [0, 4]]), length)
        for row in range(8):
            single = reply(model, ids[row : row + 1, : length[row]], length[row : row + 1])
            expected = single.ids[0].numpy()
            ids_in_batch = batched.ids[row, : batched.lengths[row]].numpy()
            if list(expected) != list(ids_in_batch):
                num_different += 1
                assert abs(single.log_prob[0] - batched.log_prob[row]) < 1e-4
    print(f"{num_different} of 24 replies replaced by an equally probable one")
    assert num_different <= 1


def reply(model, source_ids, source_length):
    step, state = prepare_decoding(model, source_ids, source_length)
    return greedy_search(step, state, make_processors(len(source_ids)), tf.constant(8))


@all_configs
def test_padding_has_exactly_zero_weight_and_gradient(config):
    batch, _, gradients, hypotheses = cached_outputs(config, 3)
    mask = tf.sequence_mask(batch["source_length"], 9)[:, tf.newaxis, :]
    if config.attention != "none":
        weights = hypotheses.attention_weights
        assert np.all(weights.numpy()[~np.broadcast_to(mask, weights.shape)] == 0)
        sums = tf.reduce_sum(weights, axis=-1)
        steps = tf.sequence_mask(batch["target_length"], weights.shape[1], dtype=tf.float32)
        if config.attention.endswith("monotonic"):
            assert np.all((sums <= steps + 1e-6) & (sums >= 0))
        else:
            np.testing.assert_allclose(sums, steps, atol=1e-6)
    # Row 0 of the embeddings belongs to padding.
    by_name = dict(zip(shared_model(config).named_weights(), gradients))
    assert np.all(by_name["encoder/embedding"][0] == 0)
    # A tied projection gives this row the gradient of a token that is never a target.
    assert config.tie_output_projection or np.all(by_name["decoder/embedding"][0] == 0)


@all_configs
def test_every_variable_gets_a_gradient(config):
    model = shared_model(config)
    assert len(model.named_weights()) == len(model.trainable_variables) == len(model.weights)
    for name, gradient in zip(model.named_weights(), cached_outputs(config, 0)[2]):
        assert np.any(gradient != 0), name


@all_configs
def test_initial_loss_is_that_of_uniform_predictions(config):
    keras.utils.set_random_seed(1)
    model = make_model(dataclasses.replace(config, units=32), 500, 1000)
    sums = make_objective(model).eval_step(random_batch(16, 6, 7, target=1000))
    assert abs(sums.loss / sums.num_tokens / math.log(1000) - 1) < 0.05


@all_configs
def test_forced_decoding_matches_teacher_forcing(config):
    model, batch = shared_model(config), random_batch(3, 6, 5)
    logits = make_objective(model).logits(batch)
    token_log_probs = tf.nn.log_softmax(logits)
    expected = tf.gather(token_log_probs, batch["target_ids"], batch_dims=2)
    mask = tf.sequence_mask(batch["target_length"], 5, dtype=tf.float32)
    hypotheses = force_decode_batch(model, batch)
    np.testing.assert_allclose(hypotheses.token_log_probs, expected * mask, atol=1e-5)


def test_decoding_states_of_two_batches_are_independent():
    model = random_model(CONFIGURATIONS[0])
    batches = random_batch(2, 5, 4), random_batch(2, 8, 4)
    expected = [compute_outputs(model, batch)[2].attention_weights[:, 0] for batch in batches]
    steps_and_states = [
        prepare_decoding(model, batch["source_ids"], batch["source_length"]) for batch in batches
    ]
    for (step, state), weights in zip(steps_and_states, expected):
        _, weights_at_step, _ = step(tf.fill([2], BOS_ID), state)
        np.testing.assert_allclose(weights_at_step, weights, atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_logits_shape_and_layer_names(tied):
    model = random_model(dataclasses.replace(CONFIGURATIONS[0], tie_output_projection=tied))
    assert model.decoder.output_projection.name == "output_projection"
    assert model.decoder.rnn.wrapper.name == "Attention_Wrapper"
    assert model.decoder.rnn.cells[0].units == model.decoder.rnn.mechanism.units
    batch = random_batch(2, 5, 7)
    assert make_objective(model).logits(batch).shape == [2, 7, TARGET_VOCABULARY_SIZE]
