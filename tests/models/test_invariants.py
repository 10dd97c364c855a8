"""What must not change the result, and what must."""

import dataclasses
import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.utils.rng import BatchRng
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    TARGET_VOCABULARY_SIZE,
    config_id,
    make_objective,
    mean_loss,
    parametrize_configs,
    random_batch,
    random_model,
    shared_model,
)
from helpers.toy_models import make_processors

END = 2

everywhere = parametrize_configs(CONFIGURATIONS + FURTHER_CONFIGURATIONS)


def padded_more(batch, by):
    longer = {name: tf.pad(batch[name], [[0, 0], [0, by]]) for name in ("source_ids", "target_ids")}
    return {**batch, **longer}


def shard_batch(batch, order):
    return {name: x if name == "batch_index" else tf.gather(x, order) for name, x in batch.items()}


def measured(model, batch):
    """Loss, gradients, and attention weights and log-probabilities of teacher forcing."""
    with tf.GradientTape() as tape:
        loss = mean_loss(make_objective(model), batch)
    gradients = tape.gradient(loss, list(model.named_weights().values()))
    return loss, [tf.convert_to_tensor(g) for g in gradients], followed_by(model, batch)


def followed_by(model, batch):
    step, state = model.prepare_decoding(batch["source_ids"], batch["source_length"])
    return force_decode(step, state, batch["target_ids"], batch["target_length"], BOS_ID)


@functools.cache
def measured_once(config, padding):
    """A batch with so much padding, and the loss, gradients and so on of the shared model."""
    batch = padded_more(random_batch(4, 6, 5), padding)
    return batch, *measured(shared_model(config), batch)


@everywhere
def test_more_padding_changes_nothing(config):
    _, loss, gradients, followed = measured_once(config, 0)
    _, loss2, gradients2, followed2 = measured_once(config, 3)
    np.testing.assert_allclose(loss, loss2, atol=1e-5)
    for one, other in zip(gradients, gradients2):
        np.testing.assert_allclose(one, other, atol=1e-5)
    time, source_time = followed.attention_weights.shape[1:]
    weights = followed2.attention_weights[:, :time, :source_time]
    np.testing.assert_allclose(followed.attention_weights, weights, atol=1e-5)


@everywhere
def test_what_stands_in_the_padding_changes_nothing(config):
    batch, loss, gradients, _ = measured_once(config, 3)
    real = tf.sequence_mask(batch["source_length"], 9)
    real_target = tf.sequence_mask(batch["target_length"], 8)
    noisy = {
        **batch,
        "source_ids": tf.where(real, batch["source_ids"], 7),
        "target_ids": tf.where(real_target, batch["target_ids"], 7),
    }
    loss2, gradients2, _ = measured(shared_model(config), noisy)
    assert loss == loss2
    for one, other in zip(gradients, gradients2):
        np.testing.assert_array_equal(one, other)


# From whatever state it starts.
@parametrize_configs(
    [*CONFIGURATIONS[::2], *FURTHER_CONFIGURATIONS[:8:2], *FURTHER_CONFIGURATIONS[8:]]
)
def test_order_of_the_rows_and_a_batch_of_one_change_nothing(config):
    model, batch = shared_model(config), random_batch(5, 6, 4)
    task, followed = make_objective(model), followed_by(model, batch)
    turned = shard_batch(batch, [3, 0, 4, 2, 1])
    loss, permuted = mean_loss(task, turned), followed_by(model, turned)
    np.testing.assert_allclose(loss, mean_loss(task, batch), atol=1e-5)
    for one, other in zip(followed, permuted):
        np.testing.assert_allclose(tf.gather(one, [3, 0, 4, 2, 1]), other, atol=1e-5)
    total = 0.0
    for row in range(5):
        alone = shard_batch(batch, [row])
        loss_alone, one = mean_loss(task, alone), followed_by(model, alone)
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
            other = together.ids[row, : together.lengths[row]].numpy()
            if list(one) != list(other):
                exchanged += 1
                assert abs(alone.log_prob[0] - together.log_prob[row]) < 1e-4
    print(f"{exchanged} of 72 replies exchanged for an equally probable one")
    assert exchanged <= 1


def reply(model, source_ids, source_length):
    step, state = model.prepare_decoding(source_ids, source_length)
    return greedy_search(step, state, make_processors(len(source_ids)), BOS_ID, END, tf.constant(8))


@everywhere
def test_padding_has_exactly_zero_weight_and_gradient(config):
    batch, _, gradients, followed = measured_once(config, 3)
    real = tf.sequence_mask(batch["source_length"], 9)[:, tf.newaxis, :]
    if config.attention != "none":
        weights = followed.attention_weights
        assert np.all(weights.numpy()[~np.broadcast_to(real, weights.shape)] == 0)
        sums = tf.reduce_sum(weights, axis=-1)
        steps = tf.sequence_mask(batch["target_length"], weights.shape[1], dtype=tf.float32)
        if config.attention.endswith("monotonic"):
            assert np.all((sums <= steps + 1e-6) & (sums >= 0))
        else:
            np.testing.assert_allclose(sums, steps, atol=1e-6)
    # Row 0 of the embeddings is the padding's.
    by_name = dict(zip(shared_model(config).named_weights(), gradients))
    assert np.all(by_name["encoder/embedding"][0] == 0)
    # A tied projection gives it the gradient of a word that is never said.
    assert config.tie_output_projection or np.all(by_name["decoder/embedding"][0] == 0)


@everywhere
def test_every_variable_gets_a_gradient(config):
    model = shared_model(config)
    assert len(model.named_weights()) == len(model.trainable_variables) == len(model.weights)
    for name, gradient in zip(model.named_weights(), measured_once(config, 0)[2]):
        assert np.any(gradient != 0), name


@everywhere
def test_the_first_loss_is_near_that_of_guessing(config):
    keras.utils.set_random_seed(1)
    fresh = make_model(dataclasses.replace(config, units=32), 500, 1000)
    sums = make_objective(fresh).eval_step(random_batch(16, 6, 7, target=1000))
    assert abs(sums.loss / sums.num_tokens / math.log(1000) - 1) < 0.05


@everywhere
def test_a_step_equals_teacher_forcing(config):
    model, batch = shared_model(config), random_batch(3, 6, 5)
    logits = make_objective(model).logits(batch)
    token_log_probs = tf.nn.log_softmax(logits)
    expected = tf.gather(token_log_probs, batch["target_ids"], batch_dims=2)
    real = tf.sequence_mask(batch["target_length"], 5, dtype=tf.float32)
    followed = followed_by(model, batch)
    np.testing.assert_allclose(followed.token_log_probs, expected * real, atol=1e-5)


def test_two_memories_can_be_in_use_at_once():
    model, one, other = (
        random_model(CONFIGURATIONS[0]),
        random_batch(2, 5, 4),
        random_batch(2, 8, 4),
    )
    expected = [measured(model, batch)[2].attention_weights[:, 0] for batch in (one, other)]
    starts = [
        model.prepare_decoding(batch["source_ids"], batch["source_length"])
        for batch in (one, other)
    ]
    for (step, state), weights in zip(starts, expected):
        _, got, _ = step(tf.fill([2], BOS_ID), state)
        np.testing.assert_allclose(got, weights, atol=1e-6)


def test_dropout_acts_in_training_only():
    model = make_model(ModelConfig(units=16, dropout=0.5), 13, 11)
    batch = random_batch(2, 5, 4)
    task = make_objective(model)
    sums = task.eval_step(batch)
    assert sums.loss == task.eval_step(batch).loss
    dropped = [tf.reduce_sum(task.losses({**batch, "batch_index": n})) for n in (1, 1, 2)]
    assert dropped[0] == dropped[1] != dropped[2] != sums.loss


@pytest.mark.parametrize("share_embeddings", [False, True])
def test_embeddings_start_within_their_range(share_embeddings):
    options = {"units": 64, "share_embeddings": share_embeddings}
    for widest, config in [
        (0.05, ModelConfig(**options)),
        (5.0, ModelConfig(embedding_range=5.0, **options)),
    ]:
        weights = make_model(config, 100, 100).named_weights()
        tables = [weight for name, weight in weights.items() if name.endswith("embedding")]
        assert len(tables) == (1 if share_embeddings else 2)
        for table in tables:
            assert 0.95 * widest < np.abs(table.numpy()).max() <= widest
            assert abs(np.mean(table.numpy())) < 0.05 * widest


@pytest.mark.parametrize("units", [16, 6], ids=["few words", "many words"])
@pytest.mark.parametrize("layers", [1, 2])
def test_embeddings_are_spared_by_dropout_if_so_wished(units, layers):
    options = {"units": units, "num_layers": layers, "bidirectional": True, "dropout": 0.5}
    batch, rng = random_batch(2, 5, 4), BatchRng(1, tf.constant(1))
    prompts = batch["source_ids"], batch["source_length"]
    for spared in (True, False):
        model = random_model(ModelConfig(embedding_dropout=not spared, **options))
        one, other = model.encoder(*prompts), model.encoder(*prompts, rng=rng)
        real = tf.sequence_mask(prompts[1])
        is_same = np.allclose(one.outputs[real], other.outputs[real], atol=1e-6)
        assert is_same == (spared and layers == 1)
        (plain, _), (dropped, _) = (model.decoder(batch["target_ids"], one, d) for d in (None, rng))
        # What is left of the attention vectors after their own dropout.
        left = dropped != 0
        assert 0.3 < np.mean(left) < 0.7
        assert np.allclose(dropped[left], 2 * plain[left], atol=1e-5) == (spared and layers == 1)


@pytest.mark.parametrize("attention", ["luong", "none"])
@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_acts_between_the_decoders_layers(attention, layers):
    config = ModelConfig(units=16, num_layers=layers, dropout=0.5, attention=attention)
    model, batch = random_model(config), random_batch(2, 5, 4)
    encoded = model.encoder(batch["source_ids"], batch["source_length"])
    # Of embeddings of zeros nothing can be dropped, so only the vectors and the layers are left.
    embeddings = model.decoder.embedding.embeddings
    embeddings.assign(tf.zeros_like(embeddings))
    plain, _ = model.decoder(batch["target_ids"], encoded)
    dropped, _ = model.decoder(batch["target_ids"], encoded, BatchRng(1, tf.constant(1)))
    kept = dropped != 0
    assert 0.3 < np.mean(kept) < 0.7
    is_scaled_only = np.allclose(dropped[kept], 2 * plain[kept], atol=1e-5)
    assert is_scaled_only == (layers == 1)


@pytest.mark.parametrize("tied", [False, True])
def test_shapes_and_the_documents_names(tied):
    model = random_model(dataclasses.replace(CONFIGURATIONS[0], tie_output_projection=tied))
    assert model.decoder.output_projection.name == "output_projection"
    assert model.decoder.rnn.wrapper.name == "Attention_Wrapper"
    assert model.decoder.rnn.cells[0].units == model.decoder.rnn.mechanism.units
    batch = random_batch(2, 5, 7)
    assert make_objective(model).logits(batch).shape == [2, 7, TARGET_VOCABULARY_SIZE]


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=config_id)
def test_an_emptied_prompt_is_no_prompt_in_training_and_in_answering(config):
    """What training sees where a prompt is dropped is what answers without a prompt."""
    model, batch = random_model(config), random_batch(3, 5, 4)
    ids = batch["target_ids"]
    inputs = tf.concat([tf.fill([3, 1], BOS_ID), ids[:, :-1]], axis=1)
    prompt_dropped = tf.constant([False, True, True])
    prompt = (batch["source_ids"], batch["source_length"])
    logits = model(*prompt, inputs, prompt_dropped=prompt_dropped)
    np.testing.assert_allclose(logits[0], model(*prompt, inputs)[0], atol=1e-6)
    assert np.abs(logits[1] - model(*prompt, inputs)[1]).max() > 1e-3
    step, state = model.prepare_unconditional(3)
    for time in range(4):
        expected, _, state = step(inputs[:, time], state)
        np.testing.assert_allclose(logits[1:, time], expected[1:], atol=1e-5)
