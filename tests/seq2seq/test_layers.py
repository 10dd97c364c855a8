"""Behavior of layers of the drop-in that the comparison with `tfa.seq2seq` does not cover."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq


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


def test_the_embedding_of_a_call_replaces_the_function_of_the_constructor():
    cell = seq2seq.AttentionWrapper(
        keras.layers.LSTMCell(4), seq2seq.LuongAttention(4, tf.ones([2, 3, 2]))
    )
    decoder = seq2seq.BeamSearchDecoder(
        cell, 2, embedding_fn=lambda ids: tf.zeros([*ids.shape, 3]), maximum_iterations=1
    )
    for embedding, expected in ((None, 0.0), (tf.ones([5, 3]), 1.0), (None, 0.0)):
        state = cell.get_initial_state(batch_size=2, dtype=tf.float32)
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


def test_monotonic_attention_has_weights_in_bfloat16():
    weights = seq2seq.monotonic_attention(
        tf.constant([[0.5, 1.0]], tf.bfloat16), tf.constant([[1, 0]], tf.bfloat16), "parallel"
    )
    assert weights.numpy().tolist() == [[0.5, 0.5]]
