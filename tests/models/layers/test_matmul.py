"""Loops whose gradients are our own compute what Keras computes; bfloat16 comes near it."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.cells.lstm import LSTMCell
from attention_seq2seq.models.layers.matmul import EmbeddedIds
from helpers.small_models import (
    CONFIGURATIONS,
    config_id,
    make_objective,
    mean_loss,
    random_batch,
    random_model,
)

TIME, BATCH, INPUTS, UNITS = 7, 2, 5, 3


def random(seed, *shape):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_a_whole_sequence_is_that_of_keras_lstm_and_so_are_its_gradients():
    ours = LSTMCell(UNITS, INPUTS, name="lstm")
    theirs = keras.layers.LSTM(UNITS, return_sequences=True, return_state=True)
    theirs(tf.zeros([BATCH, TIME, INPUTS]))
    for weight, (one, other) in enumerate(zip(ours.weights, theirs.weights)):
        one.assign(random(weight, *one.shape))
        other.assign(one)
    inputs, h, c = random(11, TIME, BATCH, INPUTS), random(12, BATCH, UNITS), random(13, 2, UNITS)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([inputs, h, c])
        h_after, c_after = ours.unroll(inputs, (h, c))
        total = tf.reduce_sum(h_after**2) + tf.reduce_sum(c_after[-1] ** 3)
        outputs, _, last_c = theirs(tf.transpose(inputs, [1, 0, 2]), initial_state=[h, c])
        expected = tf.reduce_sum(outputs**2) + tf.reduce_sum(last_c**3)
    np.testing.assert_allclose(tf.transpose(h_after, [1, 0, 2]), outputs, atol=1e-6)
    gradients = tape.gradient(total, [inputs, h, c, *ours.weights])
    wanted = tape.gradient(expected, [inputs, h, c, *theirs.weights])
    for one, other in zip(gradients, wanted):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_first_weights_are_distributed_as_keras_lstm_cell_draws_them():
    keras.utils.set_random_seed(1)
    ours = LSTMCell(64, 128, name="lstm")
    theirs = keras.layers.LSTMCell(64)
    theirs.build([None, 128])
    np.testing.assert_array_equal(ours.bias, theirs.bias)
    for one, other in zip(ours.weights[:2], theirs.weights[:2]):
        np.testing.assert_allclose(np.std(one), np.std(other), rtol=0.02)
        np.testing.assert_allclose(np.max(np.abs(one)), np.max(np.abs(other)), rtol=0.3)
    product = ours.recurrent_kernel @ tf.transpose(ours.recurrent_kernel)
    np.testing.assert_allclose(product, np.eye(64), atol=1e-5)


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=config_id)
def test_steps_one_by_one_are_those_of_the_loop(config):
    model, batch = random_model(config), random_batch(2, 5, 7)
    logits = model(batch["source_ids"], batch["source_length"], batch["target_ids"])
    step, state = model.prepare_decoding(batch["source_ids"], batch["source_length"])
    for time in range(7):
        at_once, _, state = step(batch["target_ids"][:, time], state)
        np.testing.assert_allclose(at_once, logits[:, time], atol=1e-5)


@pytest.mark.parametrize("attention", ["luong", "bahdanau", "none"])
def test_what_is_kept_of_a_layers_outputs_is_what_the_next_one_reads_and_learns_from(attention):
    model = random_model(ModelConfig(units=UNITS, num_layers=3, attention=attention))
    rnn = model.decoder.rnn
    ids, length = tf.constant([[4, 5, 6], [6, 5, 0]]), tf.constant([3, 2])
    inputs = random(1, TIME, BATCH, UNITS)
    dropout_masks = [
        2.0 * tf.cast(random(seed, TIME, BATCH, UNITS) > 0, tf.float32) for seed in (2, 3)
    ]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        memory, state = model.decoder.initial_state(model.encoder(ids, length))
        cells = list(state if attention == "none" else state.cell_state)
        fast, _ = rnn.unroll(inputs, memory, state, dropout_masks=dropout_masks)
        plain, vector = [], tf.zeros([BATCH, UNITS])
        for time in range(TIME):
            below = inputs[time] if attention == "none" else tf.concat([inputs[time], vector], 1)
            for number, cell in enumerate(rnn.cells):
                below, cells[number] = cell(below, cells[number])
                below *= dropout_masks[number][time] if number < len(dropout_masks) else 1
            vector = below if attention == "none" else attention_vector(rnn, below, memory)
            plain.append(vector)
        losses = tf.reduce_sum(fast**2), tf.reduce_sum(tf.stack(plain) ** 2)
    np.testing.assert_allclose(fast, tf.stack(plain), atol=1e-6)
    watched = [inputs, *model.encoder.trainable_variables, *rnn.trainable_variables]
    for one, other in zip(*(tape.gradient(loss, watched) for loss in losses)):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(*map(tf.convert_to_tensor, (one, other)), atol=1e-5)
    assert not np.allclose(fast, rnn.unroll(inputs, memory, state)[0], atol=1e-3)


@pytest.mark.parametrize("attention", ["luong", "none"])
def test_words_looked_up_are_their_embeddings_and_learn_as_they_do(attention):
    model = random_model(ModelConfig(units=UNITS, num_layers=2, attention=attention))
    rnn, cell = model.decoder.rnn, LSTMCell(UNITS, UNITS, name="lstm")
    encoded = model.encoder(tf.constant([[4, 5, 6], [6, 5, 0]]), tf.constant([3, 2]))
    table = tf.Variable(random(1, 4, UNITS))
    ids = tf.constant(np.random.default_rng(3).integers(3, size=[TIME, BATCH]))
    found = []
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
        found.append([*outputs, *gradients])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, atol=1e-5)


def attention_vector(rnn, query, memory):
    """float32[batch, units], by the mechanism's own call."""
    weights, _ = rnn.mechanism([query, tf.zeros(tf.shape(memory.values)[:2])])
    context = tf.einsum("bs,bsu->bu", weights, memory.values)
    return rnn.attention_layer(tf.concat([query, context], axis=1))


def loss_and_gradients(model, batch, dtype):
    with tf.GradientTape() as tape:
        loss = mean_loss(make_objective(model, compute_dtype=dtype), batch)
    gradients = tape.gradient(loss, model.named_weights())
    return loss, {name: tf.convert_to_tensor(g).numpy() for name, g in gradients.items()}


@pytest.mark.parametrize("attention", ["luong", "none"])
def test_bfloat16_comes_near_float32_and_leaves_weights_alone(attention):
    model = random_model(ModelConfig(units=32, attention=attention), scale=0.2)
    batch = random_batch(16, 6, 7)
    loss, gradients = loss_and_gradients(model, batch, "float32")
    coarse_loss, coarse_gradients = loss_and_gradients(model, batch, "bfloat16")
    assert coarse_loss != loss
    np.testing.assert_allclose(coarse_loss, loss, rtol=0.01)
    for name, gradient in gradients.items():
        coarse = coarse_gradients[name]
        assert coarse.dtype == np.float32
        # Eight bits: some 0.4 % for each of a chain of products.
        assert np.linalg.norm(coarse - gradient) < 0.05 * np.linalg.norm(gradient), name
    assert all(weight.dtype == tf.float32 for weight in model.weights)


def test_measuring_is_in_float32_whatever_training_is_in():
    model, batch = random_model(ModelConfig(units=32), scale=0.2), random_batch(16, 6, 7)
    losses = [
        make_objective(model, compute_dtype=dtype).eval_step(batch).loss
        for dtype in ("float32", "bfloat16")
    ]
    assert losses[0] == losses[1]
