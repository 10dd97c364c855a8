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


def make_cell(num_rows=2):
    mechanism = seq2seq.LuongAttention(4, tf.ones([num_rows, 3, 2]))
    return seq2seq.AttentionWrapper(keras.layers.LSTMCell(4), mechanism)


def search_untiled():
    cell = make_cell(2)
    decoder = seq2seq.BeamSearchDecoder(cell, 3, maximum_iterations=2)
    state = cell.get_initial_state(batch_size=2, dtype=tf.float32)
    return decoder(tf.ones([5, 2]), start_tokens=[1, 1], end_token=2, initial_state=state)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: seq2seq.LuongAttention(4, probability_fn="max"), ValueError, "max, options are"),
        (
            lambda: seq2seq.LuongAttention(4)([tf.ones([1, 4]), tf.ones([1, 2])]),
            ValueError,
            "has no memory",
        ),
        (
            lambda: seq2seq.LuongAttention(4, tf.ones([1, 2, 3]))(
                [tf.ones([1, 5]), tf.ones([1, 2])]
            ),
            ValueError,
            "query of shape",
        ),
        (
            lambda: seq2seq.AttentionWrapper(keras.layers.Dense(3), seq2seq.LuongAttention(4)),
            TypeError,
            "is not an RNNCell: it lacks output_size, state_size, get_initial_state",
        ),
        (lambda: seq2seq.dynamic_decode(keras.layers.Dense(3)), TypeError, "of type Dense"),
        (
            lambda: seq2seq.monotonic_attention([[1.0]], [[1.0]], "soft"),
            ValueError,
            "Invalid mode 'soft'",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingSampler().initialize(tf.ones([3, 2]), 1, 2),
            ValueError,
            "start_tokens must be a vector",
        ),
        (
            lambda: seq2seq.AttentionWrapper(
                keras.layers.LSTMCell(4), seq2seq.LuongAttention(4), [3, 4]
            ),
            ValueError,
            "exactly one element per attention_mechanism, saw: 2 vs 1",
        ),
        (
            lambda: (
                seq2seq.BasicDecoder(keras.layers.LSTMCell(4), seq2seq.TrainingSampler()).batch_size
            ),
            ValueError,
            "before initialize",
        ),
        (lambda: seq2seq.tile_batch(3, 2), ValueError, "at least 1"),
        (
            lambda: seq2seq.GreedyEmbeddingSampler(tf.ones([3, 2])),
            TypeError,
            "Pass a matrix as the first argument",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingSampler().initialize(
                keras.layers.Embedding(3, 2), [1], 2
            ),
            TypeError,
            "Pass a function or layer as embedding_fn",
        ),
        (
            lambda: seq2seq.GreedyEmbeddingSampler().initialize(tf.ones([3, 2]), [1]),
            ValueError,
            "end_token is None",
        ),
        (
            lambda: seq2seq.BasicDecoder(keras.layers.LSTMCell(4), seq2seq.TrainingSampler),
            TypeError,
            "Expected an instance of a Sampler",
        ),
        (
            lambda: seq2seq.AttentionWrapper(keras.layers.LSTMCell(4), keras.layers.Dense(3)),
            TypeError,
            "Expected one or more AttentionMechanisms",
        ),
        (
            lambda: seq2seq.BasicDecoder(keras.layers.LSTMCell(4), seq2seq.TrainingSampler())(
                tf.ones([1, 2, 3])
            ),
            ValueError,
            "initial_state is None",
        ),
        (
            lambda: seq2seq.LuongAttention(4).setup_memory(tf.ones([1, 2, 3]), [[True, False]]),
            ValueError,
            "Pass the mask as `memory_mask`",
        ),
        (
            lambda: seq2seq.LuongAttention(4, tf.ones([2, 3]))([tf.ones([2, 4]), tf.ones([2, 4])]),
            ValueError,
            r"Expected \[batch, source_time, units\]",
        ),
        (lambda: make_cell(2).get_initial_state(), ValueError, "Pass `inputs` or `batch_size`"),
        (search_untiled, ValueError, "with tile_batch"),
        (
            lambda: seq2seq.sequence_loss(tf.ones([2, 3]), [[1]], [[1.0]]),
            ValueError,
            r"Logits have shape \(2, 3\)",
        ),
    ],
)
def test_errors_name_the_value(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_memory_without_lengths_replaces_the_mask_of_the_memory_before():
    mechanism = seq2seq.LuongAttention(4, tf.ones([1, 3, 2]), memory_sequence_length=[1])
    inputs = [tf.ones([1, 4]), tf.zeros([1, 3])]
    assert mechanism(inputs)[0].numpy().tolist() == [[1, 0, 0]]
    mechanism.setup_memory(tf.ones([1, 3, 2]))
    np.testing.assert_allclose(mechanism(inputs)[0], [[1 / 3] * 3], rtol=1e-6)


def test_a_state_is_cloned_with_the_structure_that_it_has():
    mechanism = seq2seq.LuongAttention(4, tf.ones([1, 3, 2]))
    cell = seq2seq.AttentionWrapper(
        keras.layers.StackedRNNCells([keras.layers.LSTMCell(4), keras.layers.GRUCell(4)]), mechanism
    )
    state = cell.get_initial_state(batch_size=1, dtype=tf.float32)
    values = [tf.fill([1, 4], value) for value in (1.0, 2.0, 3.0)]
    cloned = state.clone(cell_state=(values[:2], values[2]))
    tf.nest.assert_same_structure(cloned, state)
    assert [float(t[0, 0]) for t in tf.nest.flatten(cloned.cell_state)] == [1, 2, 3]
    with pytest.raises(ValueError, match="expected to be same as the one to clone"):
        state.clone(attention=tf.ones([2, 2]))


@tf.function(input_signature=[tf.TensorSpec([None, 2])] * 2)
def clone_in_graph(old, new):
    return seq2seq.AttentionWrapperState((), old, (), (), ()).clone(attention=new).attention


def decode_at_most(num_steps):
    decoder = seq2seq.BasicDecoder(
        keras.layers.SimpleRNNCell(2), seq2seq.TrainingSampler(), maximum_iterations=num_steps
    )
    return decoder(tf.ones([1, 3, 2]), initial_state=tf.zeros([1, 2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: make_cell(2).get_initial_state(batch_size=3, dtype=tf.float32),
            "requested batch size",
        ),
        (
            lambda: seq2seq.AttentionWrapper(
                keras.layers.LSTMCell(4),
                seq2seq.LuongAttention(4, tf.ones([2, 3, 2])),
                initial_cell_state=[tf.zeros([3, 4])] * 2,
            ),
            "initial_cell_state",
        ),
        (
            lambda: seq2seq.LuongAttention(4, tf.ones([2, 3, 2]), [3, 0])(
                [tf.ones([2, 4]), tf.zeros([2, 3])]
            ),
            "greater than zero",
        ),
        (lambda: decode_at_most(0), "maximum_iterations should be greater than 0"),
        (
            lambda: seq2seq.gather_tree([[[1]], [[1]]], [[[0]], [[1]]], [2], 3),
            "parent id must be the index of a beam",
        ),
        (
            lambda: seq2seq.TrainingSampler().initialize(
                tf.ones([1, 3, 2]), mask=[[False, True, True]]
            ),
            "right padded",
        ),
        (lambda: clone_in_graph(tf.ones([2, 2]), tf.ones([3, 2])), "assertion failed"),
    ],
    ids=["initial_state", "cell_state", "lengths", "steps", "parents", "mask", "clone"],
)
def test_values_are_checked(call, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        call()


def test_the_embedding_of_a_call_replaces_the_function_of_the_constructor():
    decoder = seq2seq.BeamSearchDecoder(
        make_cell(), 2, embedding_fn=lambda ids: tf.zeros([*ids.shape, 3]), maximum_iterations=1
    )
    for embedding, expected in ((None, 0.0), (tf.ones([5, 3]), 1.0), (None, 0.0)):
        state = decoder._cell.get_initial_state(batch_size=2, dtype=tf.float32)
        _, inputs, _ = decoder.initialize(embedding, [1], 2, state)
        assert inputs.numpy().tolist() == [[[expected] * 3] * 2]


class MeanInputs(seq2seq.ScheduledOutputTrainingSampler):
    """Records the number of rows given to its function of outputs."""

    def __init__(self):
        self.num_rows = []
        super().__init__([1.0, 0.0, 1.0], next_inputs_fn=self.record)

    def record(self, outputs):
        self.num_rows.append(len(outputs))
        return outputs - tf.reduce_mean(outputs, axis=0)


def test_scheduled_outputs_are_those_of_the_sampled_rows():
    sampler = MeanInputs()
    decoder = seq2seq.BasicDecoder(keras.layers.SimpleRNNCell(2), sampler)
    # A probability for each row selects the rows.
    sampler.sample = lambda time, outputs, state: tf.constant([1, 0, 1])
    decoder(tf.ones([3, 4, 2]), initial_state=tf.zeros([3, 2]))
    assert sampler.num_rows == [2, 2, 2]


class ThreeInputsAttention(seq2seq.BahdanauAttention):
    """Calls of a derived class may have other arguments."""

    def __call__(self, inputs, training=False):
        query, state, _ = inputs
        return super().__call__([query, state])


def test_a_derived_mechanism_may_have_another_call():
    mechanism = ThreeInputsAttention(4, memory=tf.ones([2, 3, 5]))
    weights, _ = mechanism([tf.ones([2, 4]), tf.zeros([2, 3]), None])
    assert weights.shape == (2, 3)


class DerivedMechanism(seq2seq.AttentionMechanism):
    """A mechanism with the helpers that classes derived from `tfa.seq2seq` use."""

    def __init__(self, memory):
        probability_fn = self._process_probability_fn("softmax")
        super().__init__(memory, lambda scores, state: probability_fn(scores))

    def _calculate_attention(self, query, state):
        weights = self.probability_fn(tf.einsum("bu,btu->bt", query, self.keys), state)
        return weights, state + 1


def test_a_derived_mechanism_works_in_a_wrapper():
    cell = seq2seq.AttentionWrapper(
        keras.layers.GRUCell(5), DerivedMechanism(tf.ones([2, 3, 5])), attention_layer_size=4
    )
    state = cell.get_initial_state(batch_size=2, dtype=tf.float32)
    outputs, state = cell(tf.ones([2, 6]), state)
    assert outputs.shape == (2, 4)
    assert state.attention_state.numpy().tolist() == [[1, 1, 1]] * 2


@requires_tfa
def test_a_model_with_the_wrapper_is_saved(tmp_path):
    mechanism = seq2seq.LuongAttention(4, tf.ones([3, 5, 4]))
    cell = seq2seq.AttentionWrapper(keras.layers.LSTMCell(4), mechanism, 6)
    inputs = keras.Input([4, 6], batch_size=3)
    model = keras.Model(inputs, keras.layers.RNN(cell)(inputs))
    model.save(tmp_path / "model.keras")
    assert cell.get_config()["name"] == cell.name


def test_monotonic_attention_has_weights_in_bfloat16():
    weights = seq2seq.monotonic_attention(
        tf.constant([[0.5, 1.0]], tf.bfloat16), tf.constant([[1, 0]], tf.bfloat16), "parallel"
    )
    assert weights.numpy().tolist() == [[0.5, 0.5]]
