"""Cases for the drop-in for `tfa.seq2seq`, and outputs of TensorFlow Addons for them.

    python tests/helpers/seq2seq_cases.py

writes the outputs to `tests/fixtures/seq2seq_outputs.npz`, with TensorFlow 2.15 and TensorFlow
Addons.
"""

import itertools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

FILE = Path(__file__).parents[1] / "fixtures" / "seq2seq_outputs.npz"
ROWS, SOURCE_TIME, TARGET_TIME, UNITS, VOCABULARY_SIZE = 3, 5, 4, 4, 7
MEMORY_SIZE, BOS_ID, EOS_ID, MAX_LENGTH = 3, 1, 2, 6
SOURCE_LENGTHS, TARGET_LENGTHS = [5, 3, 1], [4, 2, 3]

MECHANISMS: dict[str, tuple[str, dict[str, Any]]] = {
    "luong": ("LuongAttention", {}),
    "scaled_luong": ("LuongAttention", {"scale": True}),
    "hardmax_luong": ("LuongAttention", {"probability_fn": "hardmax"}),
    "bahdanau": ("BahdanauAttention", {}),
    "normed_bahdanau": ("BahdanauAttention", {"normalize": True}),
    "hardmax_bahdanau": ("BahdanauAttention", {"probability_fn": "hardmax"}),
    "luong_monotonic": ("LuongMonotonicAttention", {"scale": True, "score_bias_init": -0.5}),
    "luong_monotonic_recursive": ("LuongMonotonicAttention", {"mode": "recursive"}),
    "luong_monotonic_hard": ("LuongMonotonicAttention", {"mode": "hard"}),
    "luong_monotonic_noise": (
        "LuongMonotonicAttention",
        {"sigmoid_noise": 1.0, "sigmoid_noise_seed": 3},
    ),
    "bahdanau_monotonic": ("BahdanauMonotonicAttention", {}),
    "normed_bahdanau_monotonic": ("BahdanauMonotonicAttention", {"normalize": True}),
    "bahdanau_monotonic_hard": ("BahdanauMonotonicAttention", {"mode": "hard"}),
}
MECHANISM_WEIGHTS = (
    *("scale_weight", "attention_v", "attention_g", "attention_b", "attention_score_bias"),
)


@dataclass(frozen=True)
class Case:
    """A model and what it decodes.

    Attributes:
        mechanism: key of `MECHANISMS`; two keys with a comma for two mechanisms.
        cell: "lstm", "gru" or "stacked".
        decoding: key of `DECODINGS`.
        dtype: dtype of all layers.
        lengths: whether memory and targets have padding.
        wrapper: arguments of `AttentionWrapper`; values named "@..." are functions of this module.
        decoder: arguments of the decoder.
        sampler: arguments of the sampler.
    """

    mechanism: str = "luong"
    cell: str = "lstm"
    decoding: str = "training"
    dtype: str = "float32"
    lengths: bool = True
    wrapper: dict = field(default_factory=dict)
    decoder: dict = field(default_factory=dict)
    sampler: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the case, from the values that differ from the default."""
        default = Case()
        parts = []
        for name, value in vars(self).items():
            if isinstance(value, dict):
                parts += [f"{key}={entry}" for key, entry in value.items()]
            elif value != getattr(default, name):
                parts.append(f"{name}={value}")
        return "-".join(parts) or "default"


def make_cases() -> list[Case]:
    """Returns all cases."""
    mechanisms = [Case(mechanism=name) for name in MECHANISMS]
    float64 = [
        Case(mechanism=name, cell=cell, dtype="float64")
        for name, cell in [
            *(("luong", "lstm"), ("scaled_luong", "gru"), ("bahdanau", "stacked")),
            *(("normed_bahdanau", "lstm"), ("luong_monotonic", "stacked")),
            ("bahdanau_monotonic", "gru"),
        ]
    ]
    cells = [
        Case(mechanism=name, cell=cell)
        for name, cell in [
            *(("luong", "gru"), ("luong", "stacked"), ("normed_bahdanau", "gru")),
            *(("bahdanau", "stacked"), ("luong_monotonic", "gru"), ("scaled_luong", "stacked")),
        ]
    ]
    wrappers = [
        Case(wrapper={"attention_layer_size": None}),
        Case(mechanism="bahdanau", wrapper={"output_attention": False}),
        Case(wrapper={"attention_layer_size": None, "attention_layer": "@tanh_layer"}),
        Case(mechanism="luong,bahdanau", wrapper={"attention_layer_size": [3, 2]}),
        Case(mechanism="luong,luong_monotonic", wrapper={"attention_layer_size": None}),
        Case(wrapper={"cell_input_fn": "@add_attention"}),
        Case(mechanism="bahdanau", wrapper={"attention_fn": "@double_attention"}),
        Case(wrapper={"initial_cell_state": "@initial_cell_state"}),
        Case(cell="stacked", wrapper={"initial_cell_state": "@initial_cell_state"}),
    ]
    decoders = [
        Case(lengths=False),
        Case(mechanism="bahdanau", decoder={"impute_finished": True}),
        Case(decoder={"maximum_iterations": 2}),
        Case(decoder={"output_time_major": True}, sampler={"time_major": True}),
        Case(decoding="training_mask", cell="gru"),
    ]
    # In a graph, steps that run in parallel would race for random numbers.
    random = {"parallel_iterations": 1}
    samplers = [
        Case(decoding="greedy"),
        Case(decoding="greedy", mechanism="normed_bahdanau", cell="stacked", dtype="float64"),
        Case(decoding="greedy", decoder={"impute_finished": True}, cell="gru"),
        Case(decoding="sample", sampler={"softmax_temperature": 0.7, "seed": 5}, decoder=random),
        Case(decoding="inference"),
        Case(decoding="inference", sampler={"next_inputs_fn": "@tanh"}),
        Case(decoding="custom"),
        Case(
            decoding="scheduled_embedding",
            sampler={"sampling_probability": 0.5, "seed": 5, "scheduling_seed": 6},
            decoder=random,
        ),
        Case(
            decoding="scheduled_output",
            sampler={"sampling_probability": 0.5, "seed": 5},
            decoder=random,
        ),
        Case(
            decoding="scheduled_output",
            sampler={"sampling_probability": 0.5, "seed": 5, "next_inputs_fn": "@tanh"},
            decoder=random,
        ),
        Case(decoding="scheduled_output_auxiliary", sampler={"sampling_probability": 1.0}),
    ]
    beams = [
        Case(decoding="beam", decoder={"beam_width": 1}),
        Case(decoding="beam", decoder={"beam_width": 3}),
        Case(decoding="beam", mechanism="bahdanau", cell="gru", decoder={"beam_width": 4}),
        Case(decoding="beam", mechanism="luong_monotonic", decoder={"beam_width": 3}),
        Case(decoding="beam", cell="stacked", dtype="float64", decoder={"beam_width": 3}),
        Case(decoding="beam", decoder={"beam_width": 3, "length_penalty_weight": 1.0}),
        Case(
            decoding="beam",
            mechanism="normed_bahdanau",
            cell="stacked",
            decoder={"beam_width": 3, "length_penalty_weight": 0.6},
        ),
        Case(decoding="beam", decoder={"beam_width": 3, "coverage_penalty_weight": 0.2}),
        Case(
            decoding="beam",
            mechanism="luong,bahdanau",
            wrapper={"attention_layer_size": [3, 2]},
            decoder={
                "beam_width": 3,
                "length_penalty_weight": 0.8,
                "coverage_penalty_weight": 0.4,
            },
        ),
        Case(decoding="beam", decoder={"beam_width": 2, "output_all_scores": True}),
        Case(decoding="beam", decoder={"beam_width": 2, "output_time_major": True}),
        Case(decoding="beam", decoder={"beam_width": 2, "reorder_tensor_arrays": False}),
        Case(decoding="beam", decoder={"beam_width": 3}, lengths=False),
        Case(
            decoding="beam",
            cell="gru",
            mechanism="bahdanau",
            dtype="float64",
            wrapper={"output_attention": False},
            decoder={"beam_width": 3, "length_penalty_weight": 1.2},
        ),
        Case(
            decoding="beam",
            cell="stacked",
            decoder={"beam_width": 3, "coverage_penalty_weight": 0.5},
        ),
    ]
    cases = mechanisms + cells + float64 + wrappers + decoders + samplers + beams
    assert len({case.name for case in cases}) == len(cases)
    return cases


def tanh_layer(case: Case) -> keras.layers.Layer:
    """Returns an attention layer with an activation."""
    return keras.layers.Dense(UNITS, activation="tanh", dtype=case.dtype)


def add_attention(case: Case):
    """Returns a function that adds inputs and attention vector."""
    return lambda inputs, attention: inputs + attention


def double_attention(case: Case):
    """Returns an attention function that doubles the context."""

    def attend(mechanism, query, state, layer):
        weights, next_state = mechanism([query, state])
        context = 2 * tf.einsum("bt,btm->bm", weights, mechanism.values)
        return layer(tf.concat([query, context], axis=1)), weights, next_state

    return attend


def initial_cell_state(case: Case):
    """Returns a state of the cell."""
    state = tf.constant(np.random.default_rng(4).normal(size=[ROWS, UNITS]), case.dtype)
    return [[state, -state], [2 * state, state]] if case.cell == "stacked" else [state, -state]


def tanh(case: Case):
    """Returns a function of outputs."""
    return tf.tanh


def resolve(options: dict, case: Case) -> dict:
    """Replaces names of functions of this module."""
    return {
        name: globals()[value[1:]](case) if str(value).startswith("@") else value
        for name, value in options.items()
    }


class Model:
    """The layers of a case, with weights that depend on their names only.

    Args:
        seq2seq: `tfa.seq2seq` or the drop-in.
        case: the case.
    """

    def __init__(self, seq2seq: Any, case: Case):
        self.seq2seq, self.case = seq2seq, case
        dtype = case.dtype
        rng = np.random.default_rng(0)
        self.memory = tf.constant(rng.normal(size=[ROWS, SOURCE_TIME, MEMORY_SIZE]), dtype)
        self.inputs = tf.constant(rng.normal(size=[ROWS, TARGET_TIME, UNITS]), dtype)
        self.embedding = tf.Variable(rng.normal(size=[VOCABULARY_SIZE, UNITS]), dtype=dtype)
        self.mechanisms = []
        for name in case.mechanism.split(","):
            class_name, options = MECHANISMS[name]
            self.mechanisms.append(getattr(seq2seq, class_name)(UNITS, dtype=dtype, **options))
        self.cells = [
            keras.layers.GRUCell(UNITS, dtype=dtype)
            if case.cell == "gru"
            else keras.layers.LSTMCell(UNITS, dtype=dtype)
            for _ in range(2 if case.cell == "stacked" else 1)
        ]
        self.output_layer = None
        if case.decoding not in ("scheduled_output", "scheduled_output_auxiliary"):
            size = UNITS if case.decoding == "inference" else VOCABULARY_SIZE
            self.output_layer = keras.layers.Dense(size, dtype=dtype)
        self.setup_memory(self.memory)
        options = {"attention_layer_size": UNITS, "alignment_history": True}
        options |= resolve(case.wrapper, case)
        self.wrapper = seq2seq.AttentionWrapper(
            keras.layers.StackedRNNCells(self.cells, dtype=dtype)
            if case.cell == "stacked"
            else self.cells[0],
            self.mechanisms if len(self.mechanisms) > 1 else self.mechanisms[0],
            dtype=dtype,
            **options,
        )
        self.decoder = self.make_decoder()
        DECODINGS[case.decoding](self)
        self.weights = {"embedding": self.embedding} | self.named_weights()
        for name, weight in self.weights.items():
            name_rng = np.random.default_rng(list(name.encode()))
            weight.assign(name_rng.normal(0, 0.8, weight.shape))

    def setup_memory(self, memory: tf.Tensor, repetitions: int = 1) -> None:
        """Sets up the memory of all mechanisms."""
        lengths = tf.repeat(SOURCE_LENGTHS, repetitions) if self.case.lengths else None
        for mechanism in self.mechanisms:
            mechanism.setup_memory(memory, memory_sequence_length=lengths)

    def make_decoder(self):
        """Returns the decoder of the case."""
        seq2seq, case = self.seq2seq, self.case
        decoder_options, options = resolve(case.decoder, case), resolve(case.sampler, case)
        if case.decoding == "beam":
            return seq2seq.BeamSearchDecoder(
                self.wrapper,
                output_layer=self.output_layer,
                **{"maximum_iterations": MAX_LENGTH} | decoder_options,
            )
        sampler_class = {
            "training": seq2seq.TrainingSampler,
            "training_mask": seq2seq.TrainingSampler,
            "greedy": seq2seq.GreedyEmbeddingSampler,
            "sample": seq2seq.SampleEmbeddingSampler,
            "inference": seq2seq.InferenceSampler,
            "custom": seq2seq.CustomSampler,
            "scheduled_embedding": seq2seq.ScheduledEmbeddingTrainingSampler,
            "scheduled_output": seq2seq.ScheduledOutputTrainingSampler,
            "scheduled_output_auxiliary": seq2seq.ScheduledOutputTrainingSampler,
        }[case.decoding]
        if case.decoding == "inference":
            options |= {
                "sample_fn": tf.sin,
                "sample_shape": [UNITS],
                "sample_dtype": case.dtype,
                "end_fn": lambda samples: samples[:, 0] > 0.5,
            }
        elif case.decoding == "custom":
            embed = lambda ids: tf.nn.embedding_lookup(self.embedding, ids)  # noqa: E731
            options = {
                "initialize_fn": lambda inputs: (tf.fill([ROWS], False), embed(inputs)),
                "sample_fn": lambda time, outputs, state: tf.argmin(
                    outputs, axis=-1, output_type=tf.int32
                ),
                "next_inputs_fn": lambda time, outputs, state, sample_ids: (
                    sample_ids == EOS_ID,
                    embed(sample_ids),
                    state,
                ),
            }
        has_end = case.decoding not in ("greedy", "sample", "inference", "custom")
        limit = {} if has_end else {"maximum_iterations": MAX_LENGTH}
        return seq2seq.BasicDecoder(
            self.wrapper, sampler_class(**options), self.output_layer, **limit | decoder_options
        )

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns all weights but the embedding."""
        layers = {f"cell_{index}": cell for index, cell in enumerate(self.cells)}
        layers["output_layer"] = self.output_layer
        for index, layer in enumerate(self.wrapper._attention_layers or []):
            layers[f"attention_layer_{index}"] = layer
        weights = {}
        for index, mechanism in enumerate(self.mechanisms):
            layers[f"memory_layer_{index}"] = mechanism.memory_layer
            layers[f"query_layer_{index}"] = mechanism.query_layer
            for name in MECHANISM_WEIGHTS:
                # The scale has another name in monotonic attention.
                if name == "attention_g" and getattr(mechanism, "scale_weight", None) is not None:
                    continue
                if getattr(mechanism, name, None) is not None:
                    key = "attention_g" if name == "scale_weight" else name
                    weights[f"{key}_{index}"] = getattr(mechanism, name)
        for name, layer in layers.items():
            for part in ("kernel", "recurrent_kernel", "bias"):
                if getattr(layer, part, None) is not None:
                    weights[f"{name}/{part}"] = getattr(layer, part)
        return {name: plain_variable(weight) for name, weight in weights.items()}

    def run(self) -> dict[str, tf.Tensor]:
        """Returns all outputs, and the gradients of the weights and the memory."""
        sources = list(self.weights.values())
        with tf.GradientTape() as tape:
            tape.watch(self.memory)
            outputs = DECODINGS[self.case.decoding](self)
            if "rnn_output" not in outputs:
                return outputs
            loss = tf.reduce_sum(tf.sin(outputs["rnn_output"]))
            for history in outputs["alignment_history"]:
                loss += tf.reduce_sum(tf.sin(history))
        # In a graph, some gradients are zero that are not connected otherwise.
        gradients = tape.gradient(
            loss, [self.memory, *sources], unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        for name, gradient in zip(["memory", *self.weights], gradients):
            outputs[f"gradient of {name}"] = tf.convert_to_tensor(gradient)
        return outputs

    def initial_state(self, repetitions: int = 1):
        """Returns the initial state after setting up the memory."""
        self.setup_memory(tf.repeat(self.memory, repetitions, axis=0), repetitions)
        return self.wrapper.get_initial_state(batch_size=ROWS * repetitions, dtype=self.case.dtype)

    def decode(self, inputs: Any, **arguments) -> dict[str, Any]:
        """Calls the decoder, and returns all outputs by name."""
        repetitions = self.case.decoder.get("beam_width", 1)
        outputs, state, lengths = self.decoder(
            inputs, initial_state=self.initial_state(repetitions), **arguments
        )
        is_beam = self.case.decoding == "beam"
        named = dict((outputs.beam_search_decoder_output if is_beam else outputs)._asdict())
        cell_state = state.cell_state if is_beam else state
        histories = cell_state.alignment_history
        if len(self.mechanisms) == 1:
            histories = [histories]
        named["alignment_history"] = [
            history.stack() if isinstance(history, tf.TensorArray) else history
            for history in histories
            if self.case.wrapper.get("alignment_history", True)
        ]
        named["state"] = cell_state._replace(alignment_history=())
        if is_beam:
            named["final_ids"] = outputs.predicted_ids
            named["beams"] = state._replace(cell_state=())
        named["lengths"] = lengths
        return named

    def decode_training(self, **arguments) -> dict[str, Any]:
        """Decodes the inputs of the case with teacher forcing."""
        inputs = self.inputs
        if self.case.sampler.get("time_major"):
            inputs = tf.transpose(inputs, [1, 0, 2])
        if self.case.lengths and "mask" not in arguments:
            arguments["sequence_length"] = TARGET_LENGTHS
        return self.decode(inputs, **arguments)

    def decode_with_auxiliary_inputs(self) -> dict[str, Any]:
        """Decodes with inputs that are concatenated with all inputs."""
        return self.decode_training(auxiliary_inputs=self.inputs[:, :, :1])

    def decode_with_embedding(self) -> dict[str, Any]:
        """Decodes from start tokens."""
        start_tokens = [BOS_ID, 3, 4][:ROWS]
        return self.decode(self.embedding, start_tokens=start_tokens, end_token=EOS_ID)


DECODINGS = {
    "training": Model.decode_training,
    "training_mask": lambda model: model.decode_training(
        mask=tf.sequence_mask(TARGET_LENGTHS, TARGET_TIME)
    ),
    "greedy": Model.decode_with_embedding,
    "sample": Model.decode_with_embedding,
    "beam": Model.decode_with_embedding,
    "inference": lambda model: model.decode(model.inputs[:, 0]),
    "custom": lambda model: model.decode(tf.constant([1, 3, 4])),
    "scheduled_embedding": lambda model: model.decode_training(embedding=model.embedding),
    "scheduled_output": Model.decode_training,
    "scheduled_output_auxiliary": Model.decode_with_auxiliary_inputs,
}


def plain_variable(variable: Any) -> tf.Variable:
    """Returns the TensorFlow variable of a Keras variable."""
    return variable.value if hasattr(keras, "ops") else variable


def case_outputs(seq2seq: Any, case: Case, compiled: bool = False) -> dict[str, np.ndarray]:
    """Runs a case, eagerly or in a `tf.function`, and returns its outputs by name.

    Args:
        seq2seq: `tfa.seq2seq` or the drop-in.
        case: the case.
        compiled: whether to run in a `tf.function`.
    """
    tf.random.set_seed(1)
    model = Model(seq2seq, case)
    tf.random.set_seed(1)
    return as_arrays(tf.function(model.run)() if compiled else model.run())


def function_outputs(seq2seq: Any) -> dict[str, np.ndarray]:
    """Returns results of the functions and the loss for random arguments, by name.

    Args:
        seq2seq: `tfa.seq2seq` or the drop-in.
    """
    rng = np.random.default_rng(0)
    outputs = {}
    logits = rng.normal(size=[3, 4, 5]).astype(np.float32)
    ids = rng.integers(0, 5, [3, 4])
    probabilities = tf.nn.softmax(rng.normal(size=[3, 4, 5]).astype(np.float32))
    weights = np.array([[1, 1, 0.5, 0], [1, 0, 0, 0], [2, 1, 1, 1]], np.float32)
    for flags in itertools.product([False, True], repeat=4):
        names = ("average_across_timesteps", "average_across_batch")
        names += ("sum_over_timesteps", "sum_over_batch")
        if (flags[0] or flags[1]) and (flags[2] or flags[3]):
            continue
        reductions = dict(zip(names, flags))
        for kind, targets in (("ids", ids), ("probabilities", probabilities)):
            loss = seq2seq.sequence_loss(logits, targets, weights, **reductions)
            outputs[f"loss of {kind} {flags}"] = loss
            loss = seq2seq.SequenceLoss(**reductions)(targets, logits, weights)
            outputs[f"loss object of {kind} {flags}"] = loss
    outputs["loss function"] = seq2seq.sequence_loss(
        logits, ids, weights, softmax_loss_function=lambda labels, logits: logits[:, 1]
    )
    for index in range(6):
        time, batch, beams = rng.integers(1, 5, 3)
        arguments = {
            "step_ids": rng.integers(0, 4, [time, batch, beams], np.int32),
            "parent_ids": rng.integers(0, beams, [time, batch, beams], np.int32),
            "max_sequence_lengths": rng.integers(0, time + 2, batch, np.int32),
            "end_token": np.int32(3),
        }
        outputs[f"tree {index}"] = seq2seq.gather_tree(**arguments)
        values = rng.normal(size=[time, batch * beams, 2]).astype(np.float32)
        lengths = rng.integers(0, time + 1, [batch, beams], np.int32)
        outputs[f"array {index}"] = seq2seq.gather_tree_from_array(
            tf.constant(values), tf.constant(arguments["parent_ids"]), tf.constant(lengths)
        )
    stop = rng.uniform(size=[3, 6]).astype(np.float32)
    previous = tf.nn.softmax(rng.normal(size=[3, 6]).astype(np.float32))
    for mode in ("recursive", "parallel"):
        outputs[f"monotonic {mode}"] = seq2seq.monotonic_attention(stop, previous, mode)
    one_hot = seq2seq.hardmax(previous)
    outputs["hardmax"] = one_hot
    outputs["monotonic hard"] = seq2seq.monotonic_attention(np.round(stop), one_hot, "hard")
    outputs["cumprod"] = seq2seq.safe_cumprod(tf.constant(stop), axis=1, reverse=True)
    outputs["tiled"] = seq2seq.tile_batch((tf.constant(stop), tf.constant(ids)), 2)
    mechanism = seq2seq.LuongAttention(5)
    memory = tf.constant(rng.normal(size=[3, 4, 2]).astype(np.float32))
    mask = tf.constant(rng.uniform(size=[3, 4]) < 0.5) | tf.eye(3, 4, dtype=tf.bool)
    mechanism(memory, mask=mask, setup_memory=True)
    mechanism.memory_layer.set_weights([rng.normal(size=[2, 5])])
    outputs["masked memory"] = mechanism(memory, mask=mask, setup_memory=True)
    query = tf.constant(rng.normal(size=[3, 5]).astype(np.float32))
    outputs["masked attention"] = mechanism([query, tf.zeros([3, 4])])[0]
    return as_arrays(outputs)


def as_arrays(outputs: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns nested outputs as arrays by name and index."""
    return {
        f"{name}/{index}": np.asarray(value)
        for name, values in outputs.items()
        for index, value in enumerate(tf.nest.flatten(values))
    }


def largest_difference(outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """Returns the largest difference of floats, relative to numbers above 1.

    Raises:
        AssertionError: other names, dtypes or shapes, or other ids.
    """
    assert outputs.keys() == expected.keys()
    differences = [0.0]
    for name, array in outputs.items():
        assert array.dtype == expected[name].dtype, name
        assert array.shape == expected[name].shape, name
        if not np.issubdtype(array.dtype, np.floating):
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
            continue
        is_equal = array == expected[name]  # Infinities included.
        with np.errstate(invalid="ignore"):
            distance = np.abs(array - expected[name]) / np.maximum(1, np.abs(expected[name]))
        differences.append(np.max(np.where(is_equal, 0, distance), initial=0))
    return float(np.max(differences))


def write_outputs(outputs: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes the outputs of each case to the file, as one array for each dtype.

    A separate array for each output would make the file twice as large.
    """
    index, arrays = [], {}
    for case_name, named in outputs.items():
        for name, array in named.items():
            index.append([case_name, name, array.dtype.name, array.shape])
            arrays.setdefault(array.dtype.name, []).append(array.ravel())
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        FILE,
        index=np.array(json.dumps(index)),
        **{dtype: np.concatenate(flat) for dtype, flat in arrays.items()},
    )


def read_outputs() -> dict[str, dict[str, np.ndarray]]:
    """Returns the outputs of TensorFlow Addons for each case from the file."""
    outputs: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FILE) as archive:
        arrays = dict(archive)
    for case_name, name, dtype, shape in json.loads(str(arrays.pop("index"))):
        size = int(np.prod(shape))
        array, arrays[dtype] = np.split(arrays[dtype], [size])
        outputs.setdefault(case_name, {})[name] = array.reshape(shape)
    return outputs


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    from helpers.reference_models import tfa

    outputs = {case.name: case_outputs(tfa.seq2seq, case) for case in make_cases()}
    write_outputs(outputs | {"functions": function_outputs(tfa.seq2seq)})
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
