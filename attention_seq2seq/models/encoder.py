"""The encoder: what the decoder attends to."""

from typing import NamedTuple

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.models.cells.factory import make_cell
from attention_seq2seq.models.layers.dropout import dropout, embed_with_dropout
from attention_seq2seq.utils.rng import RngStream
from attention_seq2seq.models.layers.matmul import EmbeddedIds
from attention_seq2seq.models.cells.recurrent import State


class EncoderOutput(NamedTuple):
    """What the encoder hands over.

    Attributes:
        outputs: float[batch, source_time, units], one for each word: the attention memory;
            anything at padding.
        length: int32[batch], the number of real words.
        final_state: of each layer the state after the last real word: (h, c) of an LSTM, (h,) of
            a GRU, each float[batch, units]; read both ways, those of the two ways side by side.
    """

    outputs: tf.Tensor
    length: tf.Tensor
    final_state: tuple[State, ...]


def make_embedding(config: ModelConfig, vocabulary_size: int, name: str) -> keras.layers.Embedding:
    """An embedding as wide as the model; its first values span `embedding_range`."""
    first = keras.initializers.RandomUniform(-config.embedding_range, config.embedding_range)
    return keras.layers.Embedding(
        vocabulary_size, config.units, embeddings_initializer=first, name=name
    )


class Encoder(keras.layers.Layer):
    """Embeds the prompt and reads it.

    It is an ordinary seq2seq encoder; what attention needs of it is the output at each word, not
    only the state at the end.

    Args:
        config: the model's options.
        vocabulary_size: number of source words.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        draws: where the random numbers of dropout come from; None: there is none.
        dtype: what matrix products are computed in, float32 or bfloat16.

    Returns:
        `EncoderOutput`.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int):
        super().__init__(name="encoder")
        units = config.units
        self.embedding = make_embedding(config, vocabulary_size, "source_embedding")
        self.embedding.build([])
        self.dropout = config.dropout
        self.embedding_dropout = config.dropout if config.embedding_dropout else None
        self.units = units
        ways = ["", "backward_"] if config.bidirectional else [""]
        self.layers = [
            [make_cell(config, units // len(ways), units, number, way) for way in ways]
            for number in range(config.layers)
        ]

    def call(self, source_ids, source_length, draws=None, dtype=tf.float32) -> EncoderOutput:
        """Reads the prompts."""
        # float[source_time, batch, units]
        outputs = embed_with_dropout(
            *(self.embedding, tf.transpose(source_ids)),
            *(self.embedding_dropout, RngStream.SOURCE_DROPOUT, draws),
        )
        states = []
        for number, cells in enumerate(self.layers):
            if number:
                outputs = dropout(outputs, self.dropout, RngStream.SOURCE_DROPOUT, draws, number)
            outputs, state = _read(cells, outputs, source_length, dtype)
            states.append(state)
        return EncoderOutput(tf.transpose(outputs, [1, 0, 2]), source_length, tuple(states))

    def zero_state(self, num_rows: tf.Tensor) -> tuple[State, ...]:
        """A final state of zeros."""
        zeros = tf.zeros([num_rows, self.units])
        return tuple((zeros,) * cells[0].num_states for cells in self.layers)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        weights = {"embedding": self.embedding.embeddings}
        for cells in self.layers:
            for cell in cells:
                weights |= cell.named_weights()
        return weights


def _read(cells, inputs: tf.Tensor | EmbeddedIds, length: tf.Tensor, dtype: tf.DType):
    """One layer, one way or both: float[time, batch, units] to the same, and the final state."""
    outputs, finals = [], []
    for number, cell in enumerate(cells):
        backward = number == 1
        read = _reversed(inputs, length) if backward else inputs
        states = cell.unroll(read, cell.zero_state(tf.shape(length)[0]), dtype)
        # Padding comes after the last real word, whose state has not seen it; what a cell makes
        # of the padding is masked wherever outputs are used.
        last = tf.stack([length - 1, tf.range(tf.shape(length)[0])], axis=1)
        finals.append([tf.gather_nd(part, last) for part in states])
        outputs.append(_reversed(states[0], length) if backward else states[0])
    if len(cells) == 1:
        return outputs[0], tuple(finals[0])
    return tf.concat(outputs, axis=2), tuple(tf.concat(parts, axis=1) for parts in zip(*finals))


def _reversed(inputs: tf.Tensor | EmbeddedIds, length: tf.Tensor) -> tf.Tensor | EmbeddedIds:
    """float[time, batch, width] with the real words of each row in reverse order."""
    if isinstance(inputs, EmbeddedIds):
        return inputs._replace(ids=_reversed(inputs.ids, length))
    return tf.reverse_sequence(inputs, length, seq_axis=0, batch_axis=1)
