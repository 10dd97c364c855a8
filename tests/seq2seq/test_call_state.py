"""Calls in several threads do not mix, and a memory that was set up once is seen by all."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq

NUM_THREADS, NUM_CALLS, VOCABULARY_SIZE = 3, 5, 9


@pytest.fixture(scope="module")
def model():
    """Returns the layers of a small model with weights."""
    values = np.random.default_rng(0).normal(size=[VOCABULARY_SIZE, 4])
    embedding = tf.Variable(values, dtype=tf.float32)
    mechanism = seq2seq.BahdanauAttention(4)
    mechanism.setup_memory(tf.ones([1, 2, 3]))
    cell = seq2seq.AttentionWrapper(
        keras.layers.LSTMCell(4), mechanism, attention_layer_size=4, alignment_history=True
    )
    output_layer = keras.layers.Dense(VOCABULARY_SIZE)
    return embedding, mechanism, cell, output_layer


def random_memory(seed):
    rng = np.random.default_rng(seed)
    rows, time = rng.integers(1, 4), rng.integers(2, 7)
    return tf.constant(rng.normal(0, 2, [rows, time, 3]), tf.float32), rng.integers(1, time, rows)


def make_decoders(model):
    _, _, cell, output_layer = model
    return (
        seq2seq.BasicDecoder(
            cell, seq2seq.GreedyEmbeddingSampler(), output_layer, maximum_iterations=3
        ),
        seq2seq.BeamSearchDecoder(cell, 2, output_layer=output_layer, maximum_iterations=3),
    )


def decode(model, decoders, seed):
    """Decodes the random memory of a seed, and returns scores and alignments."""
    embedding, mechanism, cell, _ = model
    results = []
    for decoder, beam_width in zip(decoders, (1, 2)):
        memory, lengths = random_memory(seed)
        rows = len(lengths)
        memory, lengths = seq2seq.tile_batch((memory, tf.constant(lengths)), beam_width)
        mechanism.setup_memory(memory, lengths)
        state = cell.get_initial_state(batch_size=rows * beam_width, dtype=tf.float32)
        outputs, state, _ = decoder(
            embedding, start_tokens=[1] * rows, end_token=2, initial_state=state
        )
        state = state if beam_width == 1 else state.cell_state
        history = state.alignment_history
        results.append(history.stack() if isinstance(history, tf.TensorArray) else history)
        results += tf.nest.flatten(outputs)
    return [result.numpy() for result in results]


def test_eager_calls_in_threads_equal_calls_one_after_another(model):
    decoders = make_decoders(model)
    expected = [decode(model, decoders, seed) for seed in range(NUM_CALLS)]
    barrier = threading.Barrier(NUM_THREADS)

    def run(thread):
        barrier.wait(30)
        seeds = np.random.default_rng(thread).permutation(NUM_CALLS)
        return {seed: decode(model, decoders, seed) for seed in seeds}

    with ThreadPoolExecutor(NUM_THREADS) as pool:
        for outputs in pool.map(run, range(NUM_THREADS)):
            for seed, arrays in outputs.items():
                for array, expected_array in zip(arrays, expected[seed]):
                    np.testing.assert_array_equal(array, expected_array)


def test_threads_use_a_memory_that_was_set_up_once(model):
    _, mechanism, _, _ = model
    memory, lengths = random_memory(5)
    query, state = tf.ones([len(lengths), 4]), tf.zeros(memory.shape[:2])
    mechanism.setup_memory(memory, tf.constant(lengths))
    expected = mechanism([query, state])[0].numpy()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lambda: mechanism([query, state])[0].numpy()).result()
    np.testing.assert_array_equal(result, expected)


def test_a_memory_in_a_graph_is_not_that_of_other_threads(model):
    _, mechanism, _, _ = model
    memory, lengths = random_memory(5)
    query, state = tf.ones([len(lengths), 4]), tf.zeros(memory.shape[:2])
    mechanism.setup_memory(memory, tf.constant(lengths))
    expected = mechanism([query, state])[0].numpy()

    @tf.function
    def set_up():
        mechanism.setup_memory(2 * memory, tf.constant(lengths))
        return mechanism([query, state])[0]

    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as second_pool:
        assert np.abs(pool.submit(lambda: set_up().numpy()).result() - expected).max() > 1e-3
        result = second_pool.submit(lambda: mechanism([query, state])[0].numpy()).result()
    np.testing.assert_array_equal(result, expected)


def test_a_graph_does_not_change_with_a_memory_that_is_set_up_after_tracing(model):
    decoders = make_decoders(model)
    embedding, mechanism, cell, _ = model
    # Creates the variables. A first call that creates some is traced twice.
    decode(model, decoders, 0)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int64)])
    def compiled(memory, lengths):
        mechanism.setup_memory(memory, lengths)
        rows = tf.shape(memory)[0]
        state = cell.get_initial_state(batch_size=rows, dtype=tf.float32)
        outputs, _, _ = decoders[0](
            embedding, start_tokens=tf.fill([rows], 1), end_token=2, initial_state=state
        )
        return outputs.rnn_output

    for seed in (1, 2, 1):
        memory, lengths = random_memory(seed)
        outputs = compiled(memory, tf.constant(lengths))
        # The eager call sets up another memory.
        expected = decode(model, decoders, seed)[1]
        np.testing.assert_allclose(outputs, expected, atol=1e-6)
    assert compiled.experimental_get_tracing_count() == 1


def test_another_embedding_replaces_that_of_the_call_before():
    sampler = seq2seq.GreedyEmbeddingSampler()
    for value in (1.0, 2.0):
        _, inputs = sampler.initialize(tf.fill([3, 2], value), start_tokens=[1], end_token=2)
        assert inputs.numpy().tolist() == [[value, value]]


@pytest.mark.parametrize(
    "copy_object",
    [copy.copy, copy.deepcopy, lambda sampler: pickle.loads(pickle.dumps(sampler))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copied_sampler_has_separate_values(copy_object):
    sampler = seq2seq.GreedyEmbeddingSampler(tf.math.tanh)
    sampler.embedding_fn = tf.nn.relu
    sampler.initialize(None, start_tokens=[1, 1], end_token=2)
    copied = copy_object(sampler)
    assert int(copied.batch_size) == 2
    copied.initialize(None, start_tokens=[1] * 5, end_token=2)
    assert int(copied.batch_size) == 5
    assert int(sampler.batch_size) == 2


def test_an_embedding_is_kept_for_calls_without_one():
    embedding = tf.constant([[1.0], [2.0], [3.0]])
    for sampler in (
        seq2seq.GreedyEmbeddingSampler(),
        seq2seq.SampleEmbeddingSampler(),
    ):
        with pytest.raises(ValueError, match="has no embedding"):
            sampler.initialize(None, start_tokens=[1], end_token=2)
        for value in (embedding, None):
            _, inputs = sampler.initialize(value, start_tokens=[1], end_token=2)
            assert inputs.numpy().tolist() == [[2]]
