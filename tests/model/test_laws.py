"""What must not change the result, and what must."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config import ModelConfig
from attention_seq2seq.decoding.greedy import greedy
from attention_seq2seq.decoding.teacher_forcing import teacher_forcing
from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.training.teacher_forcing import TeacherForcing
from models import CONFIGURATIONS, TARGET_WORDS, name_of, random_batch, random_model
from worlds import rules

BEGIN, END = 1, 2

everywhere = pytest.mark.parametrize("config", CONFIGURATIONS, ids=name_of)


def padded_more(batch, by=3):
    longer = {name: tf.pad(batch[name], [[0, 0], [0, by]]) for name in ("source_ids", "target_ids")}
    return {**batch, **longer}


def rows_of(batch, order):
    return {name: tf.gather(tensor, order) for name, tensor in batch.items()}


def measured(model, batch):
    """Loss, gradients, and attention weights and log-probabilities of teacher forcing."""
    task = TeacherForcing(model, BEGIN)
    with tf.GradientTape() as tape:
        loss, _ = task.loss_of(batch, training=True)
    gradients = tape.gradient(loss, list(model.named_weights().values()))
    step, state = model.start(batch["source_ids"], batch["source_length"])
    followed = teacher_forcing(step, state, batch["target_ids"], batch["target_length"], BEGIN)
    return loss, [tf.convert_to_tensor(g) for g in gradients], followed


@everywhere
def test_more_padding_changes_nothing(config):
    model, batch = random_model(config), random_batch(4, 6, 5)
    loss, gradients, followed = measured(model, batch)
    loss2, gradients2, followed2 = measured(model, padded_more(batch))
    np.testing.assert_allclose(loss, loss2, atol=1e-5)
    for one, other in zip(gradients, gradients2):
        np.testing.assert_allclose(one, other, atol=1e-5)
    time, source_time = followed.attention_weights.shape[1:]
    weights = followed2.attention_weights[:, :time, :source_time]
    np.testing.assert_allclose(followed.attention_weights, weights, atol=1e-5)


@everywhere
def test_what_stands_in_the_padding_changes_nothing(config):
    model, batch = random_model(config), padded_more(random_batch(4, 6, 5))
    real = tf.sequence_mask(batch["source_length"], 9)
    real_target = tf.sequence_mask(batch["target_length"], 8)
    noisy = {
        **batch,
        "source_ids": tf.where(real, batch["source_ids"], 7),
        "target_ids": tf.where(real_target, batch["target_ids"], 7),
    }
    loss, gradients, _ = measured(model, batch)
    loss2, gradients2, _ = measured(model, noisy)
    assert loss == loss2
    for one, other in zip(gradients, gradients2):
        np.testing.assert_array_equal(one, other)


@everywhere
def test_order_of_the_rows_and_a_batch_of_one_change_nothing(config):
    model, batch = random_model(config), random_batch(5, 6, 4)
    _, _, followed = measured(model, batch)
    loss, _, permuted = measured(model, rows_of(batch, [3, 0, 4, 2, 1]))
    np.testing.assert_allclose(loss, measured(model, batch)[0], atol=1e-5)
    for one, other in zip(followed, permuted):
        np.testing.assert_allclose(tf.gather(one, [3, 0, 4, 2, 1]), other, atol=1e-5)
    total = 0.0
    for row in range(5):
        alone = rows_of(batch, [row])
        loss_alone, _, one = measured(model, alone)
        length = int(alone["target_length"][0])
        np.testing.assert_allclose(
            followed.attention_weights[row, :length], one.attention_weights[0], atol=1e-5
        )
        total += float(loss_alone) * length
    np.testing.assert_allclose(loss, total / np.sum(batch["target_length"]), atol=1e-5)


def test_replies_do_not_depend_on_the_batch():
    """Ids are equal, unless the two best candidates of a step lie within 1e-5."""
    exchanged = 0
    for seed in range(9):
        config = CONFIGURATIONS[seed % len(CONFIGURATIONS)]
        model, batch = random_model(config, seed=seed), random_batch(8, 7, 2, seed=seed)
        ids, length = batch["source_ids"], batch["source_length"]
        together = reply(model, tf.pad(ids, [[0, 0], [0, 4]]), length)
        for row in range(8):
            alone = reply(model, ids[row : row + 1, : length[row]], length[row : row + 1])
            one = alone.ids[0].numpy()
            other = together.ids[row, : together.length[row]].numpy()
            if list(one) != list(other):
                exchanged += 1
                assert abs(alone.log_probability[0] - together.log_probability[row]) < 1e-4
    print(f"{exchanged} of 72 replies exchanged for an equally probable one")
    assert exchanged <= 1


def reply(model, source_ids, source_length):
    step, state = model.start(source_ids, source_length)
    return greedy(step, state, rules(len(source_ids)), BEGIN, END, tf.constant(8))


@everywhere
def test_padding_has_exactly_zero_weight_and_gradient(config):
    model, batch = random_model(config), padded_more(random_batch(4, 6, 5))
    _, gradients, followed = measured(model, batch)
    real = tf.sequence_mask(batch["source_length"], 9)[:, tf.newaxis, :]
    if config.attention != "none":
        weights = followed.attention_weights
        assert np.all(weights.numpy()[~np.broadcast_to(real, weights.shape)] == 0)
        sums = tf.reduce_sum(weights, axis=-1)
        steps = tf.sequence_mask(batch["target_length"], weights.shape[1], dtype=tf.float32)
        np.testing.assert_allclose(sums, steps, atol=1e-6)
    # Row 0 of the embeddings is the padding's.
    by_name = dict(zip(model.named_weights(), gradients))
    assert np.all(by_name["encoder/embedding"][0] == 0)
    assert np.all(by_name["decoder/embedding"][0] == 0)


@everywhere
def test_every_variable_gets_a_gradient(config):
    model, batch = random_model(config), random_batch(4, 6, 5)
    assert len(model.named_weights()) == len(model.trainable_variables) == len(model.weights)
    for name, gradient in zip(model.named_weights(), measured(model, batch)[1]):
        assert np.any(gradient != 0), name


@everywhere
def test_the_first_loss_is_near_that_of_guessing(config):
    keras.utils.set_random_seed(1)
    fresh = Seq2Seq(
        ModelConfig(32, config.attention, config.attention_vector, config.initial_state),
        500,
        1000,
    )
    batch = random_batch(16, 6, 7, target=1000)
    loss, _ = TeacherForcing(fresh, BEGIN).loss_of(batch, training=False)
    assert abs(loss / math.log(1000) - 1) < 0.05


@everywhere
def test_a_step_equals_teacher_forcing(config):
    model, batch = random_model(config), random_batch(3, 6, 5)
    logits = TeacherForcing(model, BEGIN)(batch)
    log_probabilities = tf.nn.log_softmax(logits)
    expected = tf.gather(log_probabilities, batch["target_ids"], batch_dims=2)
    real = tf.sequence_mask(batch["target_length"], 5, dtype=tf.float32)
    _, _, followed = measured(model, batch)
    np.testing.assert_allclose(followed.log_probabilities, expected * real, atol=1e-5)


def test_two_memories_can_be_in_use_at_once():
    model, one, other = (
        random_model(CONFIGURATIONS[0]),
        random_batch(2, 5, 4),
        random_batch(2, 8, 4),
    )
    expected = [measured(model, batch)[2].attention_weights[:, 0] for batch in (one, other)]
    starts = [model.start(batch["source_ids"], batch["source_length"]) for batch in (one, other)]
    for (step, state), weights in zip(starts, expected):
        _, got, _ = step(tf.fill([2], BEGIN), state)
        np.testing.assert_allclose(got, weights, atol=1e-6)


def test_dropout_acts_in_training_only():
    model = Seq2Seq(ModelConfig(units=16, dropout=0.5), 13, 11)
    batch = random_batch(2, 5, 4)
    task = TeacherForcing(model, BEGIN)
    np.testing.assert_array_equal(task(batch), task(batch))
    assert np.any(task(batch, training=True) != task(batch))


def test_shapes_and_the_documents_names():
    model = random_model(CONFIGURATIONS[0])
    assert model.decoder.output_projection.name == "output_projection"
    assert model.decoder.recurrence.cell.name == "Attention_Wrapper"
    assert model.decoder.recurrence.cell._cell.units == model.decoder.recurrence.mechanism.units
    batch = random_batch(2, 5, 7)
    assert TeacherForcing(model, BEGIN)(batch).shape == [2, 7, TARGET_WORDS]


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=name_of)
def test_an_emptied_prompt_is_no_prompt_in_training_and_in_answering(config):
    """What training sees where a prompt is emptied is what answers without a prompt."""
    model, batch = random_model(config), random_batch(3, 5, 4)
    ids = batch["target_ids"]
    inputs = tf.concat([tf.fill([3, 1], BEGIN), ids[:, :-1]], axis=1)
    emptied = tf.constant([False, True, True])
    prompt = (batch["source_ids"], batch["source_length"])
    logits = model(*prompt, inputs, emptied=emptied)
    np.testing.assert_allclose(logits[0], model(*prompt, inputs)[0], atol=1e-6)
    assert np.abs(logits[1] - model(*prompt, inputs)[1]).max() > 1e-3
    step, state = model.start_without_prompt(3)
    for time in range(4):
        expected, _, state = step(inputs[:, time], state)
        np.testing.assert_allclose(logits[1:, time], expected[1:], atol=1e-5)
