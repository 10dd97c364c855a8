"""Guided alignment rewards attention on the copies of a reply token in the prompt."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.decoding.step import prepare_decoding
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.guided_alignment import guided_alignment_loss
from attention_seq2seq.training.objective import Seq2SeqObjective
from experiments.studies.random_strings import random_strings
from experiments.studies.study_metrics import (
    alignment_accuracy,
    attention_attribution_correlation,
)
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    SOURCE_VOCABULARY_SIZE,
    config_id,
    random_batch,
    random_model,
    training_losses,
)

# The source tokens of random models have the same ids as target tokens.
IDENTICAL_IDS = range(SOURCE_VOCABULARY_SIZE)


def make_guided_objective(model, weight):
    options = TrainingConfig(compute_dtype="float32", guided_alignment_weight=weight)
    return Seq2SeqObjective(model, BOS_ID, options, IDENTICAL_IDS)


def test_the_loss_is_the_negative_log_of_the_weight_on_all_copies():
    weights = tf.constant([[[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    source_ids = tf.constant([[7, 8, 7], [9, 8, 0]])
    target_ids = tf.constant([[7, 5], [8, 9]])
    source_to_target_ids = tf.constant([-1] * 5 + [5, 6, 7, 8, 9])
    losses = guided_alignment_loss(weights, source_ids, target_ids, source_to_target_ids)
    # 7 has two copies and 5 has none. A weight of 0 has the maximum loss.
    expected = [[-np.log(0.5), 0.0], [-np.log(1e-4), -np.log(1e-4)]]
    np.testing.assert_allclose(losses, expected, rtol=1e-3)


def test_copies_are_matched_by_spelling_across_separate_vocabularies():
    tokenizer = Seq2SeqTokenizer.build(
        [("吃 什么", "我 吃 面")], TextConfig("whitespace", "whitespace", share_vocabulary=False)
    )
    prompt_ids = tokenizer.source.encode("吃 什么")
    reply_ids = tokenizer.target.encode("我 吃 面")
    weights = tf.fill([1, len(reply_ids), len(prompt_ids)], 0.5)
    losses = guided_alignment_loss(
        weights,
        tf.constant([prompt_ids]),
        tf.constant([reply_ids]),
        tf.constant(tokenizer.source_to_target_ids()),
    )
    assert (losses.numpy()[0] > 0).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "config",
    [CONFIGURATIONS[0], FURTHER_CONFIGURATIONS[0], FURTHER_CONFIGURATIONS[4]],
    ids=config_id,
)
def test_the_loss_is_added_to_the_cross_entropy_of_each_token(config):
    model, batch = random_model(config), random_batch(4, 5, 6)
    step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"])
    ids, guided_losses = tf.fill([4], BOS_ID), []
    for time in range(6):
        _, weights, state = step(ids, state)
        ids = batch["target_ids"][:, time]
        step_losses = guided_alignment_loss(
            weights[:, tf.newaxis],
            batch["source_ids"],
            ids[:, tf.newaxis],
            tf.range(SOURCE_VOCABULARY_SIZE),
        )
        guided_losses.append(step_losses[:, 0])
    mask = tf.sequence_mask(batch["target_length"], 6)
    cross_entropy = training_losses(make_guided_objective(model, weight=0.0), batch)
    expected = cross_entropy + 0.5 * tf.boolean_mask(tf.stack(guided_losses, axis=1), mask)
    losses = training_losses(make_guided_objective(model, weight=0.5), batch)
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    assert tf.reduce_sum(tf.stack(guided_losses)) > 0.1


def test_the_reported_loss_is_the_cross_entropy():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    losses, kernel_gradients = [], []
    for weight in (0, 2):
        gradients, loss = make_guided_objective(model, weight).gradients(batch, 1.0, 0.0)
        losses.append(loss)
        kernel_gradients.append(next(g for g in gradients if isinstance(g, tf.Tensor)))
    np.testing.assert_allclose(losses[0], losses[1])
    assert np.any(kernel_gradients[0] != kernel_gradients[1])


def test_dropped_prompts_have_no_alignment_loss():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    batch["prompt_dropped"] = tf.constant([True] * 4)
    losses, guided_losses = (
        training_losses(make_guided_objective(model, weight), batch) for weight in (0, 3)
    )
    np.testing.assert_array_equal(losses, guided_losses)


def test_a_model_without_attention_cannot_be_guided():
    with pytest.raises(
        ValueError, match=r"guided_alignment_weight is 1\.0 and attention is 'none'"
    ):
        Config(
            model=ModelConfig(attention="none"), training=TrainingConfig(guided_alignment_weight=1)
        )


@pytest.mark.slow
def test_guided_attention_is_aligned_and_correlates_with_attributions(tmp_path):
    """Trains models that copy their prompt, with and without guided alignment."""
    pairs = [Pair(s, s, n) for n, s in enumerate(random_strings(1500, 1, 3, 6))]
    text = TextConfig(source_tokenizer="characters", target_tokenizer="characters")
    accuracies, correlations = {}, {}
    for weight in (0.0, 1.0):
        options = TrainingConfig(
            epochs=4,
            batch_size=32,
            learning_rate=0.01,
            compute_dtype="float32",
            guided_alignment_weight=weight,
        )
        config = Config(text=text, model=ModelConfig(units=32), training=options)
        folder = tmp_path / str(weight)
        train(pairs[100:], folder, config, (), progress=False)
        chat = Chat.load(folder)
        aligned_rows = [
            (row, position)
            for reply, pair in zip(chat.reply([p.prompt for p in pairs[:100]]), pairs)
            if reply.text == pair.reply
            for position, row in enumerate(reply.attention_weights[:-1])
        ]
        accuracies[weight] = alignment_accuracy(*zip(*aligned_rows))
        correlations[weight] = attention_attribution_correlation(
            chat, [pair.prompt for pair in pairs[:20]]
        ).value
    assert accuracies[1.0] > 0.95
    assert accuracies[1.0] > accuracies[0.0]
    assert correlations[1.0] > max(0.5, correlations[0.0])
    row_correlations = [
        np.corrcoef(ranks(attention), ranks(contributions))[0, 1]
        for reply in chat.reply([pair.prompt for pair in pairs[:20]])
        for attention, contributions in zip(reply.attention_weights, reply.contributions)
        if np.ptp(attention) and np.ptp(contributions)
    ]
    assert correlations[1.0] == pytest.approx(np.mean(row_correlations))


def ranks(values):
    """Returns the number of smaller values for each value; ties count half."""
    values = np.asarray(values)
    return [np.sum(values < value) + np.sum(values == value) / 2 for value in values]


def test_the_attribution_correlation_requires_attention():
    config = Config(model=ModelConfig(units=8, attention="none"))
    tokenizer = Seq2SeqTokenizer.build([("吃什么", "吃面")], config.text)
    size = len(tokenizer.target.vocabulary)
    chat = Chat(tokenizer, make_model(config.model, size, size), config)
    with pytest.raises(ValueError, match="needs a model with attention"):
        attention_attribution_correlation(chat, ["吃什么"])
