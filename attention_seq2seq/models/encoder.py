"""Encoder, which maps prompt ids to the attention memory."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.cells.factory import make_cell
from attention_seq2seq.models.cells.recurrent import State
from attention_seq2seq.models.layers.dropout import dropout, embed_with_dropout
from attention_seq2seq.models.layers.matmul import EmbeddedIds
from attention_seq2seq.utils.rng import RngStream


class EncoderOutput(NamedTuple):
    """Output of the encoder, and input of the decoder.

    Attributes:
        outputs: float[batch, source_time, units], one vector for each token: the attention memory.
            Values at padding are arbitrary.
        length: int32[batch], number of tokens.
        final_state: for each layer, the state after the last token: (h, c) for an LSTM, (h,) for a
            GRU, each float[batch, units]. A bidirectional layer concatenates both directions.
    """

    outputs: tf.Tensor
    length: tf.Tensor
    final_state: tuple[State, ...]


def make_embedding(config: ModelConfig, vocabulary_size: int, name: str) -> keras.layers.Embedding:
    """Creates an embedding, initialized uniformly in [-embedding_range, embedding_range]."""
    initializer = keras.initializers.RandomUniform(-config.embedding_range, config.embedding_range)
    return keras.layers.Embedding(
        vocabulary_size, config.units, embeddings_initializer=initializer, name=name
    )


class Encoder(keras.layers.Layer):
    """Embeds the prompt and runs recurrent layers over it.

    This is a standard seq2seq encoder. Attention needs its output at each token, not only its final
    state.

    Args:
        config: the options of the model.
        vocabulary_size: number of source tokens.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        rng: random numbers of dropout; None disables dropout.
        dtype: dtype of the matrix products, float32 or bfloat16.

    Returns:
        `EncoderOutput`.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int):
        super().__init__(name="encoder")
        self.built = True
        units = config.units
        self.embedding = make_embedding(config, vocabulary_size, "source_embedding")
        self.embedding.build([])
        self.dropout = config.dropout
        self.embedding_dropout = config.dropout if config.dropout_on_embeddings else None
        directions = ["", "backward_"] if config.bidirectional else [""]
        self.layers = [
            [
                make_cell(config, units // len(directions), units, layer_index, prefix)
                for prefix in directions
            ]
            for layer_index in range(config.num_layers)
        ]

    def call(self, source_ids, source_length, rng=None, dtype=tf.float32) -> EncoderOutput:
        """Encodes the prompts."""
        source_length = tf.cast(source_length, tf.int32)
        outputs = embed_with_dropout(
            self.embedding,
            tf.transpose(source_ids),
            self.embedding_dropout,
            RngStream.SOURCE_DROPOUT,
            rng,
        )  # [source_time, batch, units]
        states = []
        for layer_index, cells in enumerate(self.layers):
            if layer_index:
                outputs = dropout(outputs, self.dropout, RngStream.SOURCE_DROPOUT, rng, layer_index)
            outputs, state = _run_layer(cells, outputs, source_length, dtype)
            states.append(state)
        return EncoderOutput(tf.transpose(outputs, [1, 0, 2]), source_length, tuple(states))

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns the variables by their names in saved weights."""
        weights = {"embedding": self.embedding.embeddings}
        for cells in self.layers:
            for cell in cells:
                weights |= cell.named_weights()
        return weights


def _run_layer(cells, inputs: tf.Tensor | EmbeddedIds, length: tf.Tensor, dtype: tf.DType):
    """Runs one layer in one direction or both.

    Returns:
        The outputs float[time, batch, units] and the final state.
    """
    outputs, final_states = [], []
    for direction, cell in enumerate(cells):
        is_backward = direction == 1
        sequence = _reverse_sequence(inputs, length) if is_backward else inputs
        states = cell.unroll(sequence, cell.zero_state(tf.shape(length)[0]), dtype)
        # The state at the last token does not depend on the padding after the token. Outputs at
        # padding are masked wherever they are used.
        last = tf.stack([length - 1, tf.range(tf.shape(length)[0])], axis=1)  # [batch, 2]
        final_states.append([tf.gather_nd(part, last) for part in states])
        outputs.append(_reverse_sequence(states[0], length) if is_backward else states[0])
    if len(cells) == 1:
        return outputs[0], tuple(final_states[0])
    final_state = tuple(tf.concat(parts, axis=1) for parts in zip(*final_states))
    return tf.concat(outputs, axis=2), final_state


def _reverse_sequence(
    inputs: tf.Tensor | EmbeddedIds, length: tf.Tensor
) -> tf.Tensor | EmbeddedIds:
    """Reverses the tokens of each row of float[time, batch, width], but not the padding."""
    if isinstance(inputs, EmbeddedIds):
        return inputs._replace(ids=_reverse_sequence(inputs.ids, length))
    return tf.reverse_sequence(inputs, length, seq_axis=0, batch_axis=1)
