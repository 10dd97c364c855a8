"""Beam search against `tfa.seq2seq.BeamSearchDecoder`: where they agree, and where TFA is wrong."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.forced_decoding import force_decode
from helpers.reference_tfa import TFASeq2Seq
from helpers.small_models import CONFIGURATIONS, config_id, random_batch, random_model, to_arrays
from helpers.toy_models import make_beam_params, make_processors

BEGIN, END = 1, 2
LIMIT = 9


def oracle_of(model, config):
    return TFASeq2Seq(to_arrays(model), config)


def ours(model, batch, width, limit=LIMIT, **options):
    ids, length = batch["source_ids"], batch["source_length"]
    prompts = tf.repeat(tf.range(len(ids)), width)
    step, state = model.prepare_decoding(ids, length, prompts)
    source_time = ids.shape[1] if model.has_attention else 0
    mask = tf.sequence_mask(tf.gather(length, prompts), source_time)
    params = make_beam_params(beam_width=width, max_length=limit, **options)
    return beam_search(step, state, params, make_processors(len(prompts)), BEGIN, END, mask)


def compared(model, config, batch, width, limit=LIMIT):
    """Asserts that both find the same, in the same order; returns how many have ended."""
    found = ours(model, batch, width, limit)
    outputs, state, _ = oracle_of(model, config).beam(
        batch["source_ids"], batch["source_length"], BEGIN, END, width, limit
    )
    rows = len(batch["source_ids"])
    theirs = outputs.predicted_ids.numpy().transpose(0, 2, 1).reshape(rows * width, -1)
    ended = 0
    for row, (ids, length) in enumerate(zip(found.ids.numpy(), found.lengths.numpy())):
        assert ids[:length].tolist() == theirs[row, :length].tolist()
        # After the end TFA repeats it.
        assert np.all(theirs[row, length:] == END)
        ended += ids[length - 1] == END
    np.testing.assert_allclose(
        np.reshape(found.log_prob, [rows, width]), state.log_probs, atol=1e-5
    )
    return ended, rows * width


def make_the_end_likely(model, by):
    bias = model.decoder.output_projection.bias
    bias.assign_add(tf.one_hot(END, bias.shape[0]) * by)


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=config_id)
def test_ids_order_and_log_probabilities_equal_beam_search_decoders(config):
    ended = total = 0
    for seed, (rows, source_time, width) in enumerate([(1, 3, 2), (4, 8, 5), (7, 5, 3)]):
        model = random_model(config, seed=seed)
        make_the_end_likely(model, 1.5)
        counts = compared(model, config, random_batch(rows, source_time, 2, seed=seed), width)
        ended, total = ended + counts[0], total + counts[1]
    assert 0 < ended < total


@pytest.mark.parametrize("units", [1, 17, 64])
def test_of_other_sizes(units):
    config = ModelConfig(units=units)
    for seed, scale in [(1, 0.1), (2, 0.5), (3, 1.0)]:
        # With large weights an LSTM of many units is chaotic: it makes differences that count of
        # those of rounding.
        scale *= min(1, (4 / units) ** 0.5)
        model = random_model(config, seed=seed, scale=scale, target=97)
        compared(model, config, random_batch(5, 6, 2, seed=seed), 4)


def test_of_a_trained_model(chat):
    prompts = ["今天晚上吃什么", "周末早上喝什么好", "龘", "星期天中午买点什么", "晚上"]
    ids = [chat.tokenizer.source.encode(prompt) for prompt in prompts]
    length = tf.constant([len(row) for row in ids])
    source_ids = tf.ragged.constant(ids, dtype=tf.int32).to_tensor()
    batch = {"source_ids": source_ids, "source_length": length}
    ended, total = compared(chat.model, chat.config.model, batch, width=5, limit=12)
    assert ended > total / 2


def test_attention_is_ours_of_the_hypothesis_itself_and_theirs_one_step_off():
    """The weights of a step belong to the beam that was fed, which TFA takes to be its child."""
    config, width = ModelConfig(units=8), 4
    model, batch = random_model(config, seed=3, scale=1.5), random_batch(6, 7, 2, seed=3)
    found = ours(model, batch, width)
    prompts = tf.repeat(tf.range(6), width)
    step, state = model.prepare_decoding(batch["source_ids"], batch["source_length"], prompts)
    followed = force_decode(step, state, found.ids, found.lengths, BEGIN)
    np.testing.assert_allclose(found.attention_weights, followed.attention_weights, atol=1e-5)

    oracle = oracle_of(model, config)
    oracle.cell._alignment_history = (True,)
    _, state, _ = oracle.beam(
        batch["source_ids"],
        batch["source_length"],
        BEGIN,
        END,
        width,
        LIMIT,
        reorder_tensor_arrays=True,
    )
    history = state.cell_state.alignment_history
    # [time, batch times width, source_time]
    theirs = np.transpose(history.stack() if hasattr(history, "stack") else history, [1, 0, 2])
    off = [
        np.abs(theirs[row, :length] - followed.attention_weights[row, :length]).max()
        for row, length in enumerate(found.lengths.numpy())
    ]
    print(f"TFA's weights differ from teacher forcing by up to {max(off):.2f}")
    assert max(off) > 0.1


def test_the_score_of_a_penalised_hypothesis_is_ours_a_function_of_it_and_theirs_is_not():
    """TFA counts the end of a hypothesis, but not in the step in which it ends: here the last."""
    config = CONFIGURATIONS[0]
    penalty, limit, inconsistent = 1.0, 3, 0
    for seed in range(6):
        model, batch = random_model(config, seed=seed), random_batch(4, 6, 2, seed=seed)
        make_the_end_likely(model, 1.0)
        found = ours(model, batch, 4, limit, length_penalty=penalty)
        by_hand = found.log_prob / ((5 + tf.cast(found.lengths, tf.float32)) / 6) ** penalty
        np.testing.assert_allclose(found.scores, by_hand, atol=1e-5)

        outputs, state, _ = oracle_of(model, config).beam(
            batch["source_ids"],
            batch["source_length"],
            BEGIN,
            END,
            4,
            limit,
            length_penalty_weight=penalty,
        )
        scores = outputs.beam_search_decoder_output.scores[:, -1].numpy()
        ends = outputs.predicted_ids.numpy() == END
        length = np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, ends.shape[1])
        theirs = state.log_probs.numpy() / ((5 + length) / 6) ** penalty
        inconsistent += np.sum(np.abs(scores - theirs) > 1e-4)
    print(f"{inconsistent} of 96 scores of TFA's are not log-probability / ((5 + length) / 6)")
    assert inconsistent > 0
