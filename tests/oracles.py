"""What the model must compute, said a second time: in NumPy, and with tfa.seq2seq itself.

Nothing here comes from the package but the weights, as a mapping of names to arrays.
"""

import numpy as np
import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.model import attention  # noqa: F401, silences TFA's end-of-life notice

import tensorflow_addons as tfa  # isort: skip


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def lstm_step(x, h, c, kernel, recurrent_kernel, bias):
    """One step of Keras' LSTM: gates i, f, candidate, o."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def encode(weights, source_ids):
    """One prompt without padding: int[source_time] to memory [source_time, units] and state."""
    lstm = [weights[f"encoder/lstm/{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
    h = c = np.zeros(lstm[1].shape[0])
    outputs = []
    for i in source_ids:
        h, c = lstm_step(weights["encoder/embedding"][i], h, c, *lstm)
        outputs.append(h)
    return np.array(outputs), (h, c)


def decoder_step(weights, memory, word, h, c, attention_vector, activation):
    """One step of Luong's attention for one row, equations 5, 7 and 8."""
    lstm = [weights[f"decoder/lstm/{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
    inputs = np.concatenate([weights["decoder/embedding"][word], attention_vector])
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
    """The tutorial's way: BasicDecoder over an AttentionWrapper, with the projection in the loop.

    Args:
        weights: name to array, as `Seq2Seq.named_weights` names them.
        scaled: LuongAttention's scale.
        tanh: a tanh on the attention vector.
        from_encoder: the decoder starts from the encoder's final state.
    """

    def __init__(self, weights, scaled=False, tanh=False, from_encoder=False):
        self.variables = {name: tf.Variable(array) for name, array in weights.items()}
        self.from_encoder = from_encoder
        self.units = weights["encoder/lstm/recurrent_kernel"].shape[0]
        self.encoder_cell = self._cell("encoder")
        self.cell = self._cell("decoder")
        vocabulary_size = weights["decoder/output_projection/bias"].shape[0]
        self.projection = keras.layers.Dense(vocabulary_size)
        self.projection.build([None, self.units])
        self.projection.kernel = self.variables["decoder/output_projection/kernel"]
        self.projection.bias = self.variables["decoder/output_projection/bias"]
        self.attends = "decoder/memory_layer/kernel" in weights
        if self.attends:
            self.mechanism = tfa.seq2seq.LuongAttention(self.units, scale=scaled)
            self.mechanism.memory_layer.build([None, None, self.units])
            self.mechanism.memory_layer.kernel = self.variables["decoder/memory_layer/kernel"]
            if scaled:
                self.mechanism.scale_weight = self.variables["decoder/scale"]
            layer = keras.layers.Dense(
                self.units, use_bias=False, activation="tanh" if tanh else None
            )
            layer.build([None, 2 * self.units])
            layer.kernel = self.variables["decoder/attention_layer/kernel"]
            self.cell = tfa.seq2seq.AttentionWrapper(
                self.cell, self.mechanism, attention_layer=layer
            )

    def _cell(self, side):
        cell = keras.layers.LSTMCell(self.units)
        cell.build([None, self.variables[f"{side}/lstm/kernel"].shape[0]])
        for name in ("kernel", "recurrent_kernel", "bias"):
            setattr(cell, name, self.variables[f"{side}/lstm/{name}"])
        return cell

    def start(self, source_ids, source_length):
        embedded = tf.gather(self.variables["encoder/embedding"], source_ids)
        mask = tf.sequence_mask(source_length, source_ids.shape[1])
        outputs, h, c = keras.layers.RNN(
            self.encoder_cell, return_sequences=True, return_state=True
        )(embedded, mask=mask)
        batch = source_ids.shape[0]
        state = [h, c] if self.from_encoder else [tf.zeros([batch, self.units])] * 2
        if not self.attends:
            return state
        self.mechanism.setup_memory(outputs, source_length)
        initial = self.cell.get_initial_state(batch_size=batch, dtype=tf.float32)
        return initial.clone(cell_state=state)

    def logits(self, source_ids, source_length, target_input_ids, target_length):
        """float[batch, max(target_length), vocab]."""
        state = self.start(source_ids, source_length)
        decoder = tfa.seq2seq.BasicDecoder(
            self.cell, tfa.seq2seq.TrainingSampler(), output_layer=self.projection
        )
        inputs = tf.gather(self.variables["decoder/embedding"], target_input_ids)
        outputs, _, _ = decoder(inputs, initial_state=state, sequence_length=target_length)
        return outputs.rnn_output

    def greedy(self, source_ids, source_length, begin_id, end_id, max_length):
        """ids int[batch, time] and lengths."""
        state = self.start(source_ids, source_length)
        decoder = tfa.seq2seq.BasicDecoder(
            self.cell,
            tfa.seq2seq.GreedyEmbeddingSampler(),
            output_layer=self.projection,
            maximum_iterations=max_length,
        )
        outputs, _, lengths = decoder(
            self.variables["decoder/embedding"],
            start_tokens=tf.fill([source_ids.shape[0]], begin_id),
            end_token=end_id,
            initial_state=state,
        )
        return outputs.sample_id.numpy(), lengths.numpy()

    def beam(self, source_ids, source_length, begin_id, end_id, width, max_length, **options):
        """`FinalBeamSearchDecoderOutput`, ids [batch, time, width], and final state."""
        batch = source_ids.shape[0]
        if self.attends:
            # The state is made of the tiled memory, as TFA's documentation says.
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
            self.variables["decoder/embedding"],
            start_tokens=tf.fill([batch], begin_id),
            end_token=end_id,
            initial_state=state,
        )
