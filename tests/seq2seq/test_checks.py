"""Errors of the drop-in for `tfa.seq2seq`."""

import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq


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
            "Pass a matrix as the `embedding` argument",
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
