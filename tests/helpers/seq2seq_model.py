"""Models of the cases of `seq2seq_cases`."""

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from helpers.seq2seq_cases import MECHANISMS, Case

ROWS, SOURCE_TIME, TARGET_TIME, UNITS, VOCABULARY_SIZE = 3, 5, 4, 4, 7
MEMORY_SIZE, BOS_ID, EOS_ID, MAX_LENGTH = 3, 1, 2, 6
SOURCE_LENGTHS, TARGET_LENGTHS = [5, 3, 1], [4, 2, 3]
MECHANISM_WEIGHTS = (
    *("scale_weight", "attention_v", "attention_g", "attention_b", "attention_score_bias"),
)


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
            # In a beam search, the gradients are those of the final log-probabilities.
            is_beam = "beams" in outputs
            scores = outputs["beams"].log_probs if is_beam else outputs["rnn_output"]
            loss = tf.reduce_sum(tf.sin(scores))
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
