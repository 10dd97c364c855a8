"""Attention that is rewarded for the words of the prompt that recur in the reply."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.data.pairs import Pair
from attention_seq2seq.data.synthetic.reversal import random_strings
from attention_seq2seq.evaluation.evaluate import attention_attribution_correlation
from attention_seq2seq.evaluation.metrics import alignment_accuracy
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.guided_alignment import guided_alignment_loss
from attention_seq2seq.training.objective import Seq2SeqObjective
from helpers.small_models import (
    BOS_ID,
    CONFIGURATIONS,
    FURTHER_CONFIGURATIONS,
    config_id,
    random_batch,
    random_model,
)


def test_it_costs_the_logarithm_of_the_weight_on_all_places_of_a_word():
    weights = tf.constant([[[0.2, 0.5, 0.3], [0.2, 0.5, 0.3]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    source_ids = tf.constant([[7, 8, 7], [9, 8, 0]])
    target_ids = tf.constant([[7, 5], [8, 9]])
    source_to_target_ids = tf.constant([-1] * 5 + [5, 6, 7, 8, 9])
    losses = guided_alignment_loss(weights, source_ids, target_ids, source_to_target_ids)
    # 7 stands at two places; 5 nowhere; a weight of nothing costs as much as there is to cost.
    expected = [[-np.log(0.5), 0.0], [-np.log(1e-4), -np.log(1e-4)]]
    np.testing.assert_allclose(losses, expected, rtol=1e-3)


def test_a_word_is_known_by_its_spelling_where_each_side_has_its_own_ids():
    tokenizer = Seq2SeqTokenizer.build(
        [("吃 什么", "我 吃 面")], TextConfig("whitespace", "whitespace", share_vocabulary=False)
    )
    prompt, reply = tokenizer.source.encode("吃 什么"), tokenizer.target.encode("我 吃 面")
    ids = tf.constant(tokenizer.source_to_target_ids())
    weights = tf.fill([1, len(reply), len(prompt)], 0.5)
    losses = guided_alignment_loss(weights, tf.constant([prompt]), tf.constant([reply]), ids)
    assert (losses.numpy()[0] > 0).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "config",
    [CONFIGURATIONS[0], FURTHER_CONFIGURATIONS[0], FURTHER_CONFIGURATIONS[4]],
    ids=config_id,
)
def test_it_is_added_to_the_loss_of_each_word(config):
    model, batch = random_model(config), random_batch(4, 5, 6)
    source_to_target_ids = range(13)

    def losses(**options):
        options = TrainingConfig(compute_dtype="float32", **options)
        return Seq2SeqObjective(model, BOS_ID, options, source_to_target_ids).losses(batch)

    step, state = model.prepare_decoding(batch["source_ids"], batch["source_length"])
    ids, costs = tf.fill([4], BOS_ID), []
    for time in range(6):
        _, weights, state = step(ids, state)
        ids = batch["target_ids"][:, time]
        rows = weights[:, tf.newaxis], batch["source_ids"], ids[:, tf.newaxis]
        costs.append(guided_alignment_loss(*rows, tf.range(13))[:, 0])
    real = tf.sequence_mask(batch["target_length"], 6)
    expected = losses() + 0.5 * tf.boolean_mask(tf.stack(costs, axis=1), real)
    np.testing.assert_allclose(losses(guided_alignment_weight=0.5), expected, atol=1e-5)
    assert tf.reduce_sum(tf.stack(costs)) > 0.1


def test_what_is_told_of_the_loss_is_the_cross_entropy_alone():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    told, kernels = [], []
    for weight in (0, 2):
        options = TrainingConfig(compute_dtype="float32", guided_alignment_weight=weight)
        task = Seq2SeqObjective(model, BOS_ID, options, range(13))
        gradients, total = task.gradients(batch, 1.0, 0.0)
        told.append(total)
        kernels += [g for g in gradients if isinstance(g, tf.Tensor)][:1]
    np.testing.assert_allclose(told[0], told[1])
    assert np.any(kernels[0] != kernels[1])


def test_an_emptied_prompt_has_nothing_to_look_at():
    model, batch = random_model(CONFIGURATIONS[0]), random_batch(4, 5, 6)
    batch["prompt_dropped"] = tf.constant([True] * 4)
    options = [TrainingConfig(compute_dtype="float32", guided_alignment_weight=w) for w in (0, 3)]
    without, guided = (
        Seq2SeqObjective(model, BOS_ID, one, range(13)).losses(batch) for one in options
    )
    np.testing.assert_array_equal(without, guided)


def test_without_attention_there_is_nothing_to_guide():
    with pytest.raises(
        ValueError, match=r"guided_alignment_weight is 1\.0 and attention is 'none'"
    ):
        Config(
            model=ModelConfig(attention="none"), training=TrainingConfig(guided_alignment_weight=1)
        )


def test_guided_attention_lies_on_the_words_that_are_copied(tmp_path):
    pairs = [Pair(s, s, n) for n, s in enumerate(random_strings(1500, 1, 3, 6))]
    text = TextConfig(source_tokenizer="characters", target_tokenizer="characters")
    looking, agreeing = {}, {}
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
        rows = [
            (row, place)
            for reply, pair in zip(chat.reply([p.prompt for p in pairs[:100]]), pairs)
            if reply.text == pair.reply
            for place, row in enumerate(reply.attention_weights[:-1])
        ]
        looking[weight] = alignment_accuracy(*zip(*rows))
        agreeing[weight] = attention_attribution_correlation(
            chat, [pair.prompt for pair in pairs[:20]]
        ).value
    assert looking[1.0] > 0.95
    assert looking[1.0] > looking[0.0]
    assert agreeing[1.0] > max(0.5, agreeing[0.0])
    correlations = [
        np.corrcoef(ranks(looked), ranks(needed))[0, 1]
        for reply in chat.reply([pair.prompt for pair in pairs[:20]])
        for looked, needed in zip(reply.attention_weights, reply.contributions)
        if np.ptp(looked) and np.ptp(needed)
    ]
    assert agreeing[1.0] == pytest.approx(np.mean(correlations))


def ranks(row):
    """How many are smaller, equal ones counting half."""
    row = np.asarray(row)
    return [np.sum(row < number) + np.sum(row == number) / 2 for number in row]


def test_a_model_without_attention_agrees_with_nothing(tmp_path):
    config = Config(
        model=ModelConfig(units=8, attention="none"), training=TrainingConfig(epochs=1, patience=0)
    )
    train([("吃什么", "吃面")] * 3, tmp_path, config, (), progress=False)
    with pytest.raises(ValueError, match="a model without attention looks nowhere"):
        attention_attribution_correlation(Chat.load(tmp_path), ["吃什么"])
