"""Loops with custom gradients match Keras in float32 and approximate it in bfloat16."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.cells.lstm import LSTMCell
from attention_seq2seq.models.layers.matmul import EmbeddedIds
from helpers.small_models import (
    CONFIGURATIONS,
    make_objective,
    mean_loss,
    parametrize_configs,
    random_batch,
    random_model,
)

TIME, BATCH, INPUTS, UNITS = 7, 2, 5, 3


def random_tensor(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_unrolled_lstm_matches_keras_in_outputs_and_gradients():
    cell = LSTMCell(UNITS, INPUTS, name="lstm")
    reference = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    reference(tf.zeros([BATCH, TIME, INPUTS]))
    for seed, (weight, reference_weight) in enumerate(zip(cell.weights, reference.weights)):
        weight.assign(random_tensor(seed, *weight.shape))
        reference_weight.assign(weight)
    inputs, h, c = (
        random_tensor(11, TIME, BATCH, INPUTS),
        random_tensor(12, BATCH, UNITS),
        random_tensor(13, 2, UNITS),
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([inputs, h, c])
        h_outputs, c_outputs = cell.unroll(inputs, (h, c))
        total = tf.reduce_sum(h_outputs**2) + tf.reduce_sum(c_outputs[-1] ** 3)
        outputs, _, last_c = reference(tf.transpose(inputs, [1, 0, 2]), initial_state=[h, c])
        expected = tf.reduce_sum(outputs**2) + tf.reduce_sum(last_c**3)
    np.testing.assert_allclose(tf.transpose(h_outputs, [1, 0, 2]), outputs, atol=1e-6)
    gradients = tape.gradient(total, [inputs, h, c, *cell.weights])
    expected_gradients = tape.gradient(expected, [inputs, h, c, *reference.weights])
    for gradient, expected_gradient in zip(gradients, expected_gradients):
        np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5)


def test_initial_weights_are_distributed_like_those_of_keras():
    keras.utils.set_random_seed(1)
    cell = LSTMCell(64, 128, name="lstm")
    reference = keras.layers.LSTMCell(64)
    reference.build([None, 128])
    np.testing.assert_array_equal(cell.bias, reference.bias)
    for a, b in zip(cell.weights[:2], reference.weights[:2]):
        np.testing.assert_allclose(np.std(a), np.std(b), rtol=0.02)
        np.testing.assert_allclose(np.max(np.abs(a)), np.max(np.abs(b)), rtol=0.3)
    product = cell.recurrent_kernel @ tf.transpose(cell.recurrent_kernel)
    np.testing.assert_allclose(product, np.eye(64), atol=1e-5)


@parametrize_configs(CONFIGURATIONS)
def test_single_steps_match_the_unrolled_logits(config):
    model, batch = random_model(config), random_batch(2, 5, 7)
    logits = model(batch["source_ids"], batch["source_length"], batch["target_ids"])
    step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"])
    for time in range(7):
        step_logits, _, state = step(batch["target_ids"][:, time], state)
        np.testing.assert_allclose(step_logits, logits[:, time], atol=1e-5)


@pytest.mark.parametrize("attention", ["luong", "bahdanau", "none"])
def test_dropout_masks_between_layers_apply_to_outputs_and_gradients(attention):
    model = random_model(ModelConfig(units=UNITS, num_layers=3, attention=attention))
    rnn = model.decoder.rnn
    ids, length = tf.constant([[4, 5, 6], [6, 5, 0]]), tf.constant([3, 2])
    inputs = random_tensor(1, TIME, BATCH, UNITS)
    dropout_masks = [
        2.0 * tf.cast(random_tensor(seed, TIME, BATCH, UNITS) > 0, tf.float32) for seed in (2, 3)
    ]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        memory, state = model.decoder.initial_state(model.encoder(ids, length))
        cells = list(state if attention == "none" else state.cell_state)
        outputs, _ = rnn.unroll(inputs, memory, state, dropout_masks=dropout_masks)
        expected_outputs, vector = [], tf.zeros([BATCH, UNITS])
        for time in range(TIME):
            layer_inputs = (
                inputs[time] if attention == "none" else tf.concat([inputs[time], vector], 1)
            )
            for layer_index, cell in enumerate(rnn.cells):
                layer_inputs, cells[layer_index] = cell(layer_inputs, cells[layer_index])
                layer_inputs *= (
                    dropout_masks[layer_index][time] if layer_index < len(dropout_masks) else 1
                )
            vector = (
                layer_inputs if attention == "none" else attention_vector(rnn, layer_inputs, memory)
            )
            expected_outputs.append(vector)
        losses = tf.reduce_sum(outputs**2), tf.reduce_sum(tf.stack(expected_outputs) ** 2)
    np.testing.assert_allclose(outputs, tf.stack(expected_outputs), atol=1e-6)
    watched = [inputs, *model.encoder.trainable_variables, *rnn.trainable_variables]
    for a, b in zip(*(tape.gradient(loss, watched) for loss in losses)):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(*map(tf.convert_to_tensor, (a, b)), atol=1e-5)
    assert not np.allclose(outputs, rnn.unroll(inputs, memory, state)[0], atol=1e-3)


@pytest.mark.parametrize("attention", ["luong", "none"])
def test_embedded_ids_match_gathered_embeddings_in_outputs_and_gradients(attention):
    model = random_model(ModelConfig(units=UNITS, num_layers=2, attention=attention))
    rnn, cell = model.decoder.rnn, LSTMCell(UNITS, UNITS, name="lstm")
    encoded = model.encoder(tf.constant([[4, 5, 6], [6, 5, 0]]), tf.constant([3, 2]))
    table = tf.Variable(random_tensor(1, 4, UNITS))
    ids = tf.constant(np.random.default_rng(3).integers(3, size=[TIME, BATCH]))
    results = []
    for inputs in (lambda: EmbeddedIds(table, ids), lambda: tf.gather(table, ids)):
        with tf.GradientTape() as tape:
            memory, state = model.decoder.initial_state(encoded)
            outputs = [
                rnn.unroll(inputs(), memory, state)[0],
                cell.unroll(inputs(), cell.zero_state(BATCH))[0],
            ]
            loss = sum(tf.reduce_sum(output**2) for output in outputs)
        weights = [table, *cell.weights, *rnn.cells[0].weights]
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, weights))
        results.append([*outputs, *gradients])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, atol=1e-5)


def attention_vector(rnn, query, memory):
    """Returns float32[batch, units], computed by calling the mechanism."""
    weights, _ = rnn.mechanism([query, tf.zeros(tf.shape(memory.values)[:2])])
    context = tf.einsum("bs,bsu->bu", weights, memory.values)
    return rnn.attention_layer(tf.concat([query, context], axis=1))


def loss_and_gradients(model, batch, dtype):
    with tf.GradientTape() as tape:
        loss = mean_loss(make_objective(model, compute_dtype=dtype), batch)
    gradients = tape.gradient(loss, model.named_weights())
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in gradients.items()}


@pytest.mark.parametrize("attention", ["luong", "none"])
def test_bfloat16_gradients_are_close_to_float32_and_weights_stay_float32(attention):
    model = random_model(ModelConfig(units=32, attention=attention), scale=0.2)
    batch = random_batch(16, 6, 7)
    loss, gradients = loss_and_gradients(model, batch, "float32")
    bfloat16_loss, bfloat16_gradients = loss_and_gradients(model, batch, "bfloat16")
    assert bfloat16_loss != loss
    np.testing.assert_allclose(bfloat16_loss, loss, rtol=0.01)
    for name, gradient in gradients.items():
        bfloat16_gradient = bfloat16_gradients[name]
        assert bfloat16_gradient.dtype == np.float32
        # bfloat16 has eight bits: an error of about 0.4 % for each product of a chain.
        assert np.linalg.norm(bfloat16_gradient - gradient) < 0.05 * np.linalg.norm(gradient), name
    assert all(weight.dtype == tf.float32 for weight in model.weights)


def test_evaluation_is_in_float32_for_every_compute_dtype():
    model, batch = random_model(ModelConfig(units=32), scale=0.2), random_batch(16, 6, 7)
    losses = [
        make_objective(model, compute_dtype=dtype).eval_step(batch).loss
        for dtype in ("float32", "bfloat16")
    ]
    assert losses[0] == losses[1]
