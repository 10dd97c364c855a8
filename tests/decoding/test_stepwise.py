"""Step-by-step greedy search gives the results of greedy search."""

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.decoding.generator import SequenceGenerator
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.stepwise import (
    StepwiseGreedySearch,
    flatten_state,
    unflatten_state,
)
from attention_seq2seq.models.ensemble import Ensemble
from helpers.small_models import BOS_ID, random_batch, random_model

EOS_ID, MAX_LENGTH = 2, 9
BATCH = random_batch(4, 5, 6)
PROMPTS = BATCH["source_ids"], BATCH["source_length"]
MODELS = {
    "luong": random_model(ModelConfig(units=3)),
    "plain_gru": random_model(ModelConfig(units=3, cell="gru", attention="none")),
    "monotonic": random_model(
        ModelConfig(units=4, num_layers=2, attention="bahdanau_monotonic"), seed=2
    ),
}
MODELS["ensemble"] = Ensemble([MODELS["luong"], MODELS["monotonic"]])
OPTIONS = {
    "plain": {},
    "constrained": {
        "min_length": 3,
        "no_repeat_ngram_size": 2,
        "repetition_penalty": 1.5,
        "prompt_bigram_penalty": 3.0,
    },
}


def make_params(options) -> DecodingParams:
    return DecodingParams.from_config(
        DecodingConfig(**options),
        MAX_LENGTH,
        suppressed_ids=[0, 1, 3],
        prefix_ids=[7] if options else [],
    )


@pytest.mark.parametrize(
    ("model_name", "options_name"),
    [
        ("luong", "plain"),
        ("plain_gru", "constrained"),
        ("ensemble", "constrained"),
        *(
            pytest.param(*names, marks=pytest.mark.slow)
            for names in (
                ("luong", "constrained"),
                ("plain_gru", "plain"),
                ("monotonic", "plain"),
                ("monotonic", "constrained"),
                ("ensemble", "plain"),
            )
        ),
    ],
)
def test_steps_give_the_results_of_greedy_search(model_name, options_name):
    model, options = MODELS[model_name], OPTIONS[options_name]
    params = make_params(options).pack()
    prompt_target_ids = tf.where(BATCH["source_ids"] < 11, BATCH["source_ids"], -1)
    expected = SequenceGenerator(model, BOS_ID, EOS_ID).greedy_search(
        *PROMPTS, prompt_target_ids, params
    )
    search = StepwiseGreedySearch(model, BOS_ID, EOS_ID)
    state, ids = search.initial_state(*PROMPTS, prompt_target_ids), tf.fill([4], BOS_ID)
    for time in range(expected.ids.shape[1]):
        output = search.step(ids, state, params)
        ids, state = output.ids, output.state
        is_token = time < expected.lengths
        np.testing.assert_array_equal(tf.where(is_token, ids, 0), expected.ids[:, time])
        log_probs = tf.where(is_token, tf.gather(output.log_probs, ids, batch_dims=1), 0.0)
        np.testing.assert_allclose(log_probs, expected.token_log_probs[:, time], atol=1e-5)
        weights = tf.where(is_token[:, tf.newaxis], output.attention_weights, 0.0)
        np.testing.assert_allclose(weights, expected.attention_weights[:, time], atol=1e-6)
    assert search.step.num_traces == 1


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_streams_end_with_the_reply_or_at_the_maximum_length(options):
    model, params = MODELS["luong"], make_params(options)
    generator, search = (
        f(model, BOS_ID, EOS_ID) for f in (SequenceGenerator, StepwiseGreedySearch)
    )
    for ids, length in zip(*PROMPTS):
        ids = ids[tf.newaxis, :length]
        expected = generator.greedy_search(ids, length[tf.newaxis], ids * 0 - 1, params.pack())
        source_ids = ids[0].numpy().tolist()
        stream = search.stream(source_ids, [-1] * len(source_ids), params)
        tokens = [token for tokens, _ in stream for token in tokens]
        assert tokens == [i for i in expected.ids[0].numpy().tolist() if i != EOS_ID]
        assert len(tokens) <= MAX_LENGTH


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "luong",
            {"memory_values", "memory_keys", "memory_mask", "h", "c", "attention_vector"},
        ),
        ("plain_gru", {"h"}),
        (
            "monotonic",
            {
                *("memory_values", "memory_keys", "memory_mask", "memory_weights"),
                *("h", "c", "h_2", "c_2", "attention_vector"),
            },
        ),
    ],
)
def test_states_are_flattened_to_named_tensors(name, expected):
    state = MODELS[name].initial_state(*PROMPTS)
    tensors = flatten_state(*state)
    assert set(tensors) == expected
    restored = unflatten_state(tensors, *state)
    tf.nest.assert_same_structure(restored, state)
    for a, b in zip(tf.nest.flatten(restored), tf.nest.flatten(state)):
        assert a is b
    specs = StepwiseGreedySearch(MODELS[name], BOS_ID, EOS_ID).state_specs
    assert set(specs) == expected | {"sequences", "prompt_target_ids"}
    for tensor_name, tensor in tensors.items():
        assert specs[tensor_name].is_compatible_with(tensor)


def test_states_of_an_ensemble_are_prefixed_with_the_model():
    state = MODELS["ensemble"].initial_state(*PROMPTS)
    tensors = flatten_state(*state)
    assert {"model_0_h", "model_1_h", "model_1_h_2"} < set(tensors)
    tf.nest.assert_same_structure(unflatten_state(tensors, *state), state)
    assert tensors["model_1_h_2"] is state[1]["model_1"].cell_state[1][0]
