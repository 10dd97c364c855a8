"""Reference implementations of the model in NumPy and with tfa.seq2seq.

They share only the weights with the package, as a mapping of names to arrays.
"""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

# This import silences the end-of-life notice of TensorFlow Addons.
from attention_seq2seq.models.attention import backend  # noqa: F401

HAS_TFA = not hasattr(keras, "ops")
requires_tfa = pytest.mark.skipif(
    not HAS_TFA, reason="the reference is TensorFlow Addons, which needs Keras 2"
)
if HAS_TFA:
    import tensorflow_addons as tfa
else:
    tfa = None


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    """Computes a step of the Keras LSTM: gates i, f, candidate, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def encode(weights, source_ids):
    """Encodes int[source_time]; returns the memory float[source_time, units] and the state."""
    lstm = [weights[f"encoder/lstm/{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
    h = c = np.zeros(lstm[1].shape[0])
    outputs = []
    for i in source_ids:
        h, c = lstm_step(weights["encoder/embedding"][i], h, c, *lstm)
        outputs.append(h)
    return np.array(outputs), (h, c)


def decoder_step(weights, memory, token_id, h, c, attention_vector, activation):
    """Computes a decoder step with Luong attention for one row (equations 5, 7 and 8)."""
    lstm = [weights[f"decoder/lstm/{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
    inputs = np.concatenate([weights["decoder/embedding"][token_id], attention_vector])
    h, c = lstm_step(inputs, h, c, *lstm)
    scores = weights.get("decoder/scale", 1.0) * (
        memory @ weights["decoder/memory_layer/kernel"] @ h
    )
    attention_weights = softmax(scores)
    context = attention_weights @ memory
    attention_vector = np.concatenate([h, context]) @ weights["decoder/attention_layer/kernel"]
    if activation == "tanh":
        attention_vector = np.tanh(attention_vector)
    logits = (
        attention_vector @ weights["decoder/output_projection/kernel"]
        + weights["decoder/output_projection/bias"]
    )
    return logits, attention_weights, h, c, attention_vector


class TFASeq2Seq:
    """The model of the TFA tutorial: BasicDecoder over AttentionWrapper.

    Args:
        weights: name to array, as `Seq2Seq.named_weights` names them.
        config: options of the model.
    """

    def __init__(self, weights, config):
        self.variables = {name: tf.Variable(array) for name, array in weights.items()}
        self.config = config
        self.direction_prefixes = ("", "backward_") if config.bidirectional else ("",)
        self.encoder_cells = [
            [
                self._cell("encoder", config.units // len(self.direction_prefixes), i, prefix)
                for prefix in self.direction_prefixes
            ]
            for i in range(config.num_layers)
        ]
        self.num_decoder_layers = config.num_decoder_layers or config.num_layers
        cells = [self._cell("decoder", config.units, i) for i in range(self.num_decoder_layers)]
        self.cell = keras.layers.StackedRNNCells(cells)
        self.projection = keras.layers.Dense(weights["decoder/output_projection/bias"].shape[0])
        self.projection.build([None, config.units])
        self.projection.kernel = self.variables.get("decoder/output_projection/kernel")
        self.projection.bias = self.variables["decoder/output_projection/bias"]
        self.has_attention = config.attention != "none"
        if self.has_attention:
            self.mechanism = self._mechanism()
            layer = keras.layers.Dense(
                config.units, use_bias=False, activation=config.attention_layer_activation
            )
            layer.build([None, 2 * config.units])
            layer.kernel = self.variables["decoder/attention_layer/kernel"]
            self.cell = tfa.seq2seq.AttentionWrapper(
                self.cell, self.mechanism, attention_layer=layer
            )

    def _cell(self, side, units, layer_index, prefix=""):
        cell = {"lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}[self.config.cell](units)
        name = f"{side}/{prefix}{self.config.cell}" + (f"_{layer_index + 1}" if layer_index else "")
        cell.build([None, self.variables[f"{name}/kernel"].shape[0]])
        for part in ("kernel", "recurrent_kernel", "bias"):
            setattr(cell, part, self.variables[f"{name}/{part}"])
        return cell

    def _mechanism(self):
        name, units = self.config.attention, self.config.units
        mechanism = {
            "luong": lambda: tfa.seq2seq.LuongAttention(units),
            "scaled_luong": lambda: tfa.seq2seq.LuongAttention(units, scale=True),
            "bahdanau": lambda: tfa.seq2seq.BahdanauAttention(units),
            "normed_bahdanau": lambda: tfa.seq2seq.BahdanauAttention(units, normalize=True),
            "luong_monotonic": lambda: tfa.seq2seq.LuongMonotonicAttention(units),
            "bahdanau_monotonic": lambda: tfa.seq2seq.BahdanauMonotonicAttention(units),
        }[name]()
        layers = {"memory_layer": mechanism.memory_layer, "query_layer": mechanism.query_layer}
        for layer_name, layer in layers.items():
            if layer is not None:
                layer.build([None, None, units])
                layer.kernel = self.variables[f"decoder/{layer_name}/kernel"]
        for name, tfa_name in (
            ("scale", "scale_weight"),
            ("attention_v", "attention_v"),
            ("attention_g", "attention_g"),
            ("attention_b", "attention_b"),
            ("score_bias", "attention_score_bias"),
        ):
            if f"decoder/{name}" in self.variables:
                setattr(mechanism, tfa_name, self.variables[f"decoder/{name}"])
        return mechanism

    def start(self, source_ids, source_length):
        outputs = tf.gather(self.variables["encoder/embedding"], source_ids)
        mask = tf.sequence_mask(source_length, source_ids.shape[1])
        state = []
        for cells in self.encoder_cells:
            outputs, layer_state = self._run_layer(cells, outputs, mask, source_length)
            state.append(layer_state)
        batch = source_ids.shape[0]
        if not self.config.starts_from_encoder:
            state = tf.nest.map_structure(tf.zeros_like, state)
        state = tuple(state[-self.num_decoder_layers :])
        if not self.has_attention:
            return state
        self.mechanism.setup_memory(outputs, source_length)
        initial = self.cell.get_initial_state(batch_size=batch, dtype=tf.float32)
        return initial.clone(cell_state=state)

    def _run_layer(self, cells, inputs, mask, length):
        outputs, states = [], []
        for prefix, cell in zip(self.direction_prefixes, cells):
            cell_inputs = tf.reverse_sequence(inputs, length, 1, 0) if prefix else inputs
            cell_outputs, *state = keras.layers.RNN(cell, return_sequences=True, return_state=True)(
                cell_inputs, mask=mask
            )
            outputs.append(
                tf.reverse_sequence(cell_outputs, length, 1, 0) if prefix else cell_outputs
            )
            states.append(state)
        state = [tf.concat(parts, axis=1) for parts in zip(*states)]
        # TensorFlow Addons' wrapper takes the state of a GRU as the tensor it is.
        return tf.concat(outputs, axis=2), state if len(state) > 1 else state[0]

    @property
    def _target_embedding(self):
        shared = self.variables["encoder/embedding"]
        return self.variables.get("decoder/embedding", shared)

    def _update_tied_kernel(self):
        # Transposed here, so that a gradient tape records the tied kernel.
        if self.config.tie_output_projection:
            self.projection.kernel = tf.transpose(self._target_embedding)

    def logits(self, source_ids, source_length, target_input_ids, target_length):
        """Returns float[batch, max(target_length), vocab]."""
        self._update_tied_kernel()
        state = self.start(source_ids, source_length)
        decoder = tfa.seq2seq.BasicDecoder(
            self.cell, tfa.seq2seq.TrainingSampler(), output_layer=self.projection
        )
        inputs = tf.gather(self._target_embedding, target_input_ids)
        outputs, _, _ = decoder(inputs, initial_state=state, sequence_length=target_length)
        return outputs.rnn_output

    def greedy(self, source_ids, source_length, bos_id, eos_id, max_length):
        """Returns ids int[batch, target_time] and lengths int[batch]."""
        self._update_tied_kernel()
        state = self.start(source_ids, source_length)
        decoder = tfa.seq2seq.BasicDecoder(
            self.cell,
            tfa.seq2seq.GreedyEmbeddingSampler(),
            output_layer=self.projection,
            maximum_iterations=max_length,
        )
        outputs, _, lengths = decoder(
            self._target_embedding,
            start_tokens=tf.fill([source_ids.shape[0]], bos_id),
            end_token=eos_id,
            initial_state=state,
        )
        return outputs.sample_id.numpy(), lengths.numpy()

    def beam(self, source_ids, source_length, bos_id, eos_id, width, max_length, **options):
        """Returns `FinalBeamSearchDecoderOutput`, ids int[batch, target_time, beams], and state."""
        batch = source_ids.shape[0]
        if self.has_attention:
            # The state is created from the tiled memory, as TFA documents.
            tiled = tfa.seq2seq.tile_batch(source_ids, width)
            state = self.start(tiled, tfa.seq2seq.tile_batch(source_length, width))
        else:
            state = tfa.seq2seq.tile_batch(self.start(source_ids, source_length), width)
        decoder = tfa.seq2seq.BeamSearchDecoder(
            self.cell,
            width,
            output_layer=self.projection,
            maximum_iterations=max_length,
            **options,
        )
        return decoder(
            self._target_embedding,
            start_tokens=tf.fill([batch], bos_id),
            end_token=eos_id,
            initial_state=state,
        )
