"""The drop-in has the names and signatures of `tfa.seq2seq`, and imports nothing else."""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq
from helpers.reference_models import requires_tfa, tfa

NAMES = (
    *("AttentionMechanism", "AttentionWrapper", "AttentionWrapperState", "BahdanauAttention"),
    *("BahdanauMonotonicAttention", "LuongAttention", "LuongMonotonicAttention", "hardmax"),
    *("monotonic_attention", "safe_cumprod", "BasicDecoder", "BasicDecoderOutput"),
    *("BeamSearchDecoder", "BeamSearchDecoderOutput", "BeamSearchDecoderState"),
    *("FinalBeamSearchDecoderOutput", "gather_tree", "gather_tree_from_array", "tile_batch"),
    *("BaseDecoder", "Decoder", "dynamic_decode", "SequenceLoss", "sequence_loss"),
    *("CustomSampler", "GreedyEmbeddingSampler", "InferenceSampler", "SampleEmbeddingSampler"),
    *("Sampler", "ScheduledEmbeddingTrainingSampler", "ScheduledOutputTrainingSampler"),
    "TrainingSampler",
)
MODULES = (
    *("attention_wrapper", "basic_decoder", "beam_search_decoder", "decoder", "loss", "sampler"),
)
# `corrected` is new. `tfa.seq2seq` passes `output_all_scores` on as one of its `**kwargs`.
FURTHER_ARGUMENTS = {"corrected", "output_all_scores"}


def test_all_names_exist_and_are_documented():
    assert sorted(seq2seq.__all__) == sorted(NAMES)
    assert len(NAMES) == 32
    for name in NAMES:
        assert len(getattr(seq2seq, name).__doc__) > 30, name


def parameters(function):
    return [
        (name, parameter.kind, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in FURTHER_ARGUMENTS
    ]


@requires_tfa
@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_tensorflow_addons(name):
    replacement, original = getattr(seq2seq, name), getattr(tfa.seq2seq, name)
    assert parameters(replacement) == parameters(original)
    if inspect.isclass(original):
        methods = {key for key in dir(original) if not key.startswith("_")}
        layer_methods = set(dir(keras.layers.AbstractRNNCell))
        assert methods - layer_methods <= set(dir(replacement))
        for method in ("call", "initialize", "step", "sample", "next_inputs", "setup_memory"):
            if method in vars(original) and method in methods:
                assert parameters(getattr(replacement, method)) == parameters(
                    getattr(original, method)
                ), method


@requires_tfa
@pytest.mark.parametrize("module", MODULES)
def test_modules_have_the_names_of_those_of_tensorflow_addons(module):
    replacement = importlib.import_module(f"attention_seq2seq.seq2seq.{module}")
    original = importlib.import_module(f"tensorflow_addons.seq2seq.{module}")
    for name, value in vars(original).items():
        if getattr(value, "__module__", None) == original.__name__ and name in NAMES:
            assert getattr(replacement, name) is getattr(seq2seq, name)


def test_the_import_loads_no_other_part_of_the_package():
    code = """
import sys
from attention_seq2seq import seq2seq
names = {name for name in sys.modules if name.startswith("attention_seq2seq.")}
assert all(name.startswith("attention_seq2seq.seq2seq") for name in names), names
assert len(names) > 10
assert not {"jieba", "tensorflow_addons"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


MECHANISMS = [
    lambda: seq2seq.LuongAttention(4, scale=True),
    lambda: seq2seq.BahdanauAttention(4, normalize=True, probability_fn="hardmax"),
    lambda: seq2seq.LuongMonotonicAttention(4, score_bias_init=-2.0),
    lambda: seq2seq.BahdanauMonotonicAttention(4, normalize=True, mode="recursive"),
]


@pytest.mark.parametrize("make", MECHANISMS)
def test_a_mechanism_is_restored_from_its_config(make):
    memory, query, state = tf.random.normal([2, 3, 5]), tf.ones([2, 4]), tf.ones([2, 3]) / 3
    mechanism = make()
    mechanism.setup_memory(memory, tf.constant([3, 1]))
    expected, _ = mechanism([query, state])
    restored = type(mechanism).from_config(mechanism.get_config())
    restored.setup_memory(memory, tf.constant([3, 1]))
    restored([query, state])
    restored.set_weights(mechanism.get_weights())
    restored.setup_memory(memory, tf.constant([3, 1]))
    np.testing.assert_array_equal(restored([query, state])[0], expected)
    assert restored.get_config() == mechanism.get_config()


def weight_names(decoder):
    """Returns the names without that of the decoder, which has a number."""
    return [weight.name.partition("/")[2] for weight in decoder.weights]


@requires_tfa
@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("Attention")])
def test_weights_have_the_order_and_the_checkpoint_names_of_tensorflow_addons(name, tmp_path):
    options = {"scale": True} if name.startswith("Luong") else {"normalize": True}
    memory = tf.random.normal([2, 3, 5])
    models = []
    for library in (tfa.seq2seq, seq2seq):
        mechanism = getattr(library, name)(4, **options)
        mechanism.setup_memory(memory)
        cell = library.AttentionWrapper(
            keras.layers.LSTMCell(4, name="cell"),
            mechanism,
            attention_layer_size=3,
            name="attention",
        )
        decoder = library.BasicDecoder(
            cell, library.TrainingSampler(), keras.layers.Dense(7, name="output_layer")
        )
        decoder(tf.ones([2, 2, 3]), initial_state=cell.get_initial_state(None, 2, tf.float32))
        models.append(decoder)
    original, replacement = models
    assert weight_names(replacement) == weight_names(original)
    path = tf.train.Checkpoint(model=original).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(model=replacement).read(path).assert_consumed()
    for weight, expected in zip(replacement.get_weights(), original.get_weights()):
        np.testing.assert_array_equal(weight, expected)
    path = tf.train.Checkpoint(model=replacement).write(str(tmp_path / "back"))
    tf.train.Checkpoint(model=original).read(path).assert_consumed()


@requires_tfa
def test_a_model_with_the_wrapper_is_saved(tmp_path):
    mechanism = seq2seq.LuongAttention(4, tf.ones([3, 5, 4]))
    cell = seq2seq.AttentionWrapper(keras.layers.LSTMCell(4), mechanism, 6)
    inputs = keras.Input([4, 6], batch_size=3)
    model = keras.Model(inputs, keras.layers.RNN(cell)(inputs))
    model.save(tmp_path / "model.keras")
    assert cell.get_config()["name"] == cell.name
