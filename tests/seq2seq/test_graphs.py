"""The drop-in in graphs, in Keras' RNN, under XLA and with lower precision."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq import seq2seq
from helpers.reference_models import requires_tfa, tfa
from helpers.seq2seq_cases import Case
from helpers.seq2seq_model import BOS_ID, EOS_ID, MAX_LENGTH, ROWS, Model
from helpers.seq2seq_outputs import case_outputs

BEAM = Case(
    decoding="beam",
    mechanism="luong,bahdanau",
    wrapper={"attention_layer_size": [3, 2]},
    decoder={"beam_width": 3, "length_penalty_weight": 1.0, "coverage_penalty_weight": 0.2},
)
# Under XLA, arrays cannot grow, as that of the alignment history does.
XLA_CASES = [
    Case(decoder={"maximum_iterations": 4}, wrapper={"alignment_history": False}),
    Case(decoding="greedy", mechanism="bahdanau", wrapper={"alignment_history": False}),
    dataclasses.replace(BEAM, wrapper=BEAM.wrapper | {"alignment_history": False}),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", XLA_CASES, ids=[case.name for case in XLA_CASES])
def test_outputs_of_compiled_graphs_are_the_same(case):
    model = Model(seq2seq, case)
    outputs = model.run()
    # With XLA, outputs have all steps.
    compiled = tf.function(model.run, jit_compile=True)()
    for name, values in outputs.items():
        for value, result in zip(tf.nest.flatten(values), tf.nest.flatten(compiled[name])):
            steps = tuple(slice(size) for size in value.shape)
            np.testing.assert_allclose(result[steps], value, rtol=1e-5, atol=1e-5, err_msg=name)


def test_xla_needs_a_maximum_of_iterations():
    model = Model(seq2seq, Case())
    with pytest.raises(ValueError, match="maximum_iterations is required for XLA"):
        tf.function(model.run, jit_compile=True)()


class BeamModule(tf.Module):
    """Beam search with a signature of unknown batch size and length."""

    def __init__(self):
        super().__init__()
        model = Model(seq2seq, BEAM)
        # Not an attribute, because a module cannot save the layers of another Keras model.
        self.saved_variables = list(model.weights.values())

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, 3]),
                tf.TensorSpec([None], tf.int32),
            ]
        )
        def search(memory, lengths):
            rows = tf.shape(memory)[0]
            memory, lengths = seq2seq.tile_batch((memory, lengths), 3)
            for mechanism in model.mechanisms:
                mechanism.setup_memory(memory, lengths)
            outputs, _, _ = model.decoder(
                model.embedding,
                start_tokens=tf.fill([rows], BOS_ID),
                end_token=EOS_ID,
                initial_state=model.wrapper.get_initial_state(
                    batch_size=rows * 3, dtype=tf.float32
                ),
            )
            return outputs.predicted_ids, outputs.beam_search_decoder_output.scores

        self.search = search


@pytest.mark.slow
def test_graphs_of_beam_search_have_stock_operations_and_load_anywhere(tmp_path):
    module = BeamModule()
    rng = np.random.default_rng(0)
    memory, lengths = rng.normal(size=[2, 4, 3]).astype("float32"), np.array([4, 2], np.int32)
    ids, scores = module.search(memory, lengths)
    graph = module.search.get_concrete_function().graph.as_graph_def()
    functions = [node.op for function in graph.library.function for node in function.node_def]
    operations = {node.op for node in graph.node} | set(functions)
    assert len(operations) > 20
    assert not [name for name in operations if ">" in name or "PyFunc" in name]
    tf.saved_model.save(module, str(tmp_path / "saved"))
    np.savez(tmp_path / "arrays.npz", memory=memory, lengths=lengths, ids=ids, scores=scores)
    code = """
import numpy as np, sys, tensorflow as tf
module = tf.saved_model.load("saved")
arrays = np.load("arrays.npz")
ids, scores = module.search(arrays["memory"], arrays["lengths"])
np.testing.assert_array_equal(ids, arrays["ids"])
np.testing.assert_allclose(scores, arrays["scores"], atol=1e-6)
assert not {"attention_seq2seq", "tensorflow_addons"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize("mechanism", ["scaled_luong", "normed_bahdanau", "luong_monotonic"])
def test_a_keras_rnn_over_the_wrapper_equals_the_decoder(mechanism):
    model = Model(seq2seq, Case(mechanism=mechanism, lengths=False))
    cell = seq2seq.AttentionWrapper(
        model.cells[0], model.mechanisms[0], attention_layer=model.wrapper._attention_layers[0]
    )
    rnn = keras.layers.RNN(cell, return_sequences=True)
    decoder = seq2seq.BasicDecoder(cell, seq2seq.TrainingSampler())
    inputs = model.inputs
    model.setup_memory(model.memory)
    state = cell.get_initial_state(batch_size=ROWS, dtype=tf.float32)
    expected, _, _ = decoder(inputs, initial_state=state)
    np.testing.assert_allclose(rnn(inputs), expected.rnn_output, atol=1e-6)
    np.testing.assert_allclose(rnn(inputs, initial_state=state), expected.rnn_output, atol=1e-6)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def mixed_outputs(library, beam_width):
    """Decodes with the global policy, and returns outputs as float32."""
    rng = np.random.default_rng(0)
    dtype = keras.layers.Dense(1).compute_dtype
    memory = tf.constant(rng.normal(size=[2, 4, 3]), dtype)
    mechanism = library.BahdanauAttention(4, normalize=True, name="attention")
    cell, output_layer = keras.layers.LSTMCell(4), keras.layers.Dense(7)
    wrapper = library.AttentionWrapper(cell, mechanism, attention_layer_size=4)
    embedding = tf.constant(rng.normal(size=[7, 4]), dtype)
    if beam_width:
        decoder = library.BeamSearchDecoder(
            wrapper, beam_width, output_layer=output_layer, maximum_iterations=MAX_LENGTH
        )
        memory = library.tile_batch(memory, beam_width)
    else:
        decoder = library.BasicDecoder(
            wrapper, library.GreedyEmbeddingSampler(), output_layer, maximum_iterations=MAX_LENGTH
        )

    def decode():
        mechanism.setup_memory(memory)
        state = wrapper.get_initial_state(batch_size=memory.shape[0], dtype=dtype)
        return decoder(embedding, start_tokens=[1, 3], end_token=2, initial_state=state)[0]

    decode()
    layers = [cell, mechanism.memory_layer, mechanism.query_layer, output_layer]
    for layer in [*layers, *wrapper._attention_layers]:
        layer.set_weights([rng.normal(size=array.shape) for array in layer.get_weights()])
    mechanism.attention_v.assign(rng.normal(size=[4]))
    outputs = tf.nest.flatten(decode())
    assert dtype in [output.dtype.name for output in outputs]
    return [tf.cast(output, tf.float32).numpy() for output in outputs]


@requires_tfa
@pytest.mark.parametrize("beam_width", [0, 3])
def test_mixed_precision_equals_that_of_tensorflow_addons(policy, beam_width):
    outputs, expected = (mixed_outputs(library, beam_width) for library in (seq2seq, tfa.seq2seq))
    for output, expected_output in zip(outputs, expected):
        np.testing.assert_allclose(output, expected_output, rtol=1e-6)


@pytest.mark.parametrize("beam_width", [0, 3])
def test_mixed_precision_is_close_to_float32(policy, beam_width):
    outputs = mixed_outputs(seq2seq, beam_width)
    keras.mixed_precision.set_global_policy("float32")
    expected = mixed_outputs(seq2seq, beam_width)
    # Logits or scores of the first step; ids may differ where two are nearly equal.
    index = 1 if beam_width else 0
    np.testing.assert_allclose(outputs[index][:, 0], expected[index][:, 0], atol=0.1)


@pytest.mark.slow
def test_a_converted_decoder_has_the_same_outputs():
    """TensorFlow Lite needs static shapes, one row, and `enable_tflite_convertible`."""
    model = Model(seq2seq, Case(decoding="greedy", lengths=False))
    embedding = tf.constant(model.embedding.numpy())

    @tf.function(input_signature=[tf.TensorSpec([1, 5, 3])])
    def decode(memory):
        model.mechanisms[0].setup_memory(memory)
        wrapper = seq2seq.AttentionWrapper(
            model.cells[0],
            model.mechanisms[0],
            attention_layer=model.wrapper._attention_layers[0],
        )
        decoder = seq2seq.BasicDecoder(
            wrapper, seq2seq.GreedyEmbeddingSampler(), model.output_layer
        )
        outputs, _, _ = seq2seq.dynamic_decode(
            decoder,
            maximum_iterations=MAX_LENGTH,
            enable_tflite_convertible=True,
            decoder_init_input=embedding,
            decoder_init_kwargs={
                "initial_state": wrapper.get_initial_state(batch_size=1, dtype=tf.float32),
                "start_tokens": tf.constant([BOS_ID]),
                "end_token": EOS_ID,
            },
        )
        return outputs.rnn_output

    expected = decode(model.memory[:1]).numpy()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([decode.get_concrete_function()])
    converter._experimental_unfold_batchmatmul = True
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], model.memory[:1])
    interpreter.invoke()
    outputs = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert expected.shape == (1, MAX_LENGTH, 7)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_arguments_may_be_arrays_and_lists():
    case = Case(decoding="greedy")
    expected = case_outputs(seq2seq, case)["sample_id/0"]
    model = Model(seq2seq, case)
    model.memory = model.memory.numpy()
    model.mechanisms[0].setup_memory(model.memory, [5, 3, 1])
    outputs, _, _ = model.decoder(
        model.embedding.numpy(),
        start_tokens=np.array([BOS_ID, 3, 4]),
        end_token=np.int64(EOS_ID),
        initial_state=model.wrapper.get_initial_state(batch_size=ROWS, dtype="float32"),
    )
    np.testing.assert_array_equal(outputs.sample_id, expected)
