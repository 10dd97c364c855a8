"""Beam search matches `tfa.seq2seq.BeamSearchDecoder`, except for two defects of TFA."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.step import prepare_decoding
from helpers.reference_models import TFASeq2Seq, requires_tfa
from helpers.small_models import (
    CONFIGURATIONS,
    parametrize_configs,
    random_batch,
    random_model,
    to_arrays,
)
from helpers.toy_models import make_beam_params, make_processors

pytestmark = requires_tfa

BOS_ID, EOS_ID = 1, 2
MAX_LENGTH = 9


def make_reference(model, config):
    return TFASeq2Seq(to_arrays(model), config)


def run_beam_search(model, batch, width, max_length=MAX_LENGTH, **options):
    ids, length = batch["source_ids"], batch["source_length"]
    prompts = tf.repeat(tf.range(len(ids)), width)
    step, state = prepare_decoding(model, ids, length, prompts)
    source_time = ids.shape[1] if model.has_attention else 0
    mask = tf.sequence_mask(tf.gather(length, prompts), source_time)
    params = make_beam_params(beam_width=width, max_length=max_length, **options)
    return beam_search(step, state, params, make_processors(len(prompts)), mask)


def assert_matches_tfa(model, config, batch, width, max_length=MAX_LENGTH):
    """Asserts equal hypotheses in equal order; returns the numbers of finished ones and all."""
    hypotheses = run_beam_search(model, batch, width, max_length)
    outputs, state, _ = make_reference(model, config).beam(
        batch["source_ids"], batch["source_length"], BOS_ID, EOS_ID, width, max_length
    )
    batch_size = len(batch["source_ids"])
    expected = outputs.predicted_ids.numpy().transpose(0, 2, 1).reshape(batch_size * width, -1)
    num_finished = 0
    for row, (ids, length) in enumerate(zip(hypotheses.ids.numpy(), hypotheses.lengths.numpy())):
        assert ids[:length].tolist() == expected[row, :length].tolist()
        # TFA pads with the end token.
        assert np.all(expected[row, length:] == EOS_ID)
        num_finished += ids[length - 1] == EOS_ID
    log_probs = np.reshape(hypotheses.log_prob, [batch_size, width])
    np.testing.assert_allclose(log_probs, state.log_probs, atol=1e-5)
    return num_finished, batch_size * width


def add_eos_bias(model, bias):
    variable = model.decoder.output_projection.bias
    variable.assign_add(tf.one_hot(EOS_ID, variable.shape[0]) * bias)


@parametrize_configs(CONFIGURATIONS)
def test_ids_order_and_log_probabilities_match_beam_search_decoder(config):
    num_finished = num_hypotheses = 0
    for seed, (rows, source_time, width) in enumerate([(1, 3, 2), (4, 8, 5), (7, 5, 3)]):
        model = random_model(config, seed=seed)
        add_eos_bias(model, 1.5)
        batch = random_batch(rows, source_time, 2, seed=seed)
        counts = assert_matches_tfa(model, config, batch, width)
        num_finished, num_hypotheses = num_finished + counts[0], num_hypotheses + counts[1]
    assert 0 < num_finished < num_hypotheses


@pytest.mark.parametrize("units", [17, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 64))])
def test_models_of_any_size_match_beam_search_decoder(units):
    config = ModelConfig(units=units)
    for seed, scale in [(1, 0.1), (2, 0.5), (3, 1.0)]:
        # An LSTM with many units and large weights amplifies rounding errors.
        scale *= min(1, (4 / units) ** 0.5)
        model = random_model(config, seed=seed, scale=scale, target=97)
        assert_matches_tfa(model, config, random_batch(5, 6, 2, seed=seed), 4)


def test_a_trained_model_matches_beam_search_decoder(chat):
    prompts = ["今天晚上吃什么", "周末早上喝什么好", "龘", "星期天中午买点什么", "晚上"]
    ids = [chat.tokenizer.source.encode(prompt) for prompt in prompts]
    length = tf.constant([len(row) for row in ids])
    source_ids = tf.ragged.constant(ids, dtype=tf.int32).to_tensor()
    batch = {"source_ids": source_ids, "source_length": length}
    num_finished, num_hypotheses = assert_matches_tfa(
        chat.model, chat.config.model, batch, width=5, max_length=12
    )
    assert num_finished > num_hypotheses / 2


def test_attention_matches_forced_decoding_while_tfa_assigns_it_to_the_wrong_beam():
    """The weights of a step belong to the parent beam, but TFA assigns them to its children."""
    config, width = ModelConfig(units=8), 4
    model, batch = random_model(config, seed=3, scale=1.5), random_batch(6, 7, 2, seed=3)
    hypotheses = run_beam_search(model, batch, width)
    prompts = tf.repeat(tf.range(6), width)
    step, state = prepare_decoding(model, batch["source_ids"], batch["source_length"], prompts)
    forced = force_decode(step, state, hypotheses.ids, hypotheses.lengths, BOS_ID)
    np.testing.assert_allclose(hypotheses.attention_weights, forced.attention_weights, atol=1e-5)

    reference = make_reference(model, config)
    reference.cell._alignment_history = (True,)
    _, state, _ = reference.beam(
        batch["source_ids"],
        batch["source_length"],
        BOS_ID,
        EOS_ID,
        width,
        MAX_LENGTH,
        reorder_tensor_arrays=True,
    )
    history = state.cell_state.alignment_history
    history = history.stack() if hasattr(history, "stack") else history
    # [batch * beams, time, source_time]
    tfa_weights = np.transpose(history, [1, 0, 2])
    errors = [
        np.abs(tfa_weights[row, :length] - forced.attention_weights[row, :length]).max()
        for row, length in enumerate(hypotheses.lengths.numpy())
    ]
    print(f"TFA's weights differ from forced decoding by up to {max(errors):.2f}")
    assert max(errors) > 0.1


def test_scores_with_a_length_penalty_are_consistent_while_those_of_tfa_are_not():
    """TFA does not count the end token of a hypothesis in the step that adds it."""
    config = CONFIGURATIONS[0]
    penalty, max_length, num_inconsistent = 1.0, 3, 0
    for seed in range(6):
        model, batch = random_model(config, seed=seed), random_batch(4, 6, 2, seed=seed)
        add_eos_bias(model, 1.0)
        hypotheses = run_beam_search(model, batch, 4, max_length, length_penalty=penalty)
        divisors = ((5 + tf.cast(hypotheses.lengths, tf.float32)) / 6) ** penalty
        np.testing.assert_allclose(hypotheses.scores, hypotheses.log_prob / divisors, atol=1e-5)

        outputs, state, _ = make_reference(model, config).beam(
            batch["source_ids"],
            batch["source_length"],
            BOS_ID,
            EOS_ID,
            4,
            max_length,
            length_penalty_weight=penalty,
        )
        scores = outputs.beam_search_decoder_output.scores[:, -1].numpy()
        is_eos = outputs.predicted_ids.numpy() == EOS_ID
        lengths = np.where(is_eos.any(axis=1), is_eos.argmax(axis=1) + 1, is_eos.shape[1])
        expected = state.log_probs.numpy() / ((5 + lengths) / 6) ** penalty
        num_inconsistent += np.sum(np.abs(scores - expected) > 1e-4)
    print(f"{num_inconsistent} of 96 scores of TFA are not log_prob / ((5 + length) / 6)")
    assert num_inconsistent > 0
