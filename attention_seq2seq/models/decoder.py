"""The decoder: from the words said so far to the logits of the next."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.models.attention import AttentionRNN
from attention_seq2seq.models.cells.factory import make_cell
from attention_seq2seq.models.layers.dropout import dropout, embed_with_dropout
from attention_seq2seq.utils.rng import RngStream
from attention_seq2seq.models.encoder import EncoderOutput, make_embedding
from attention_seq2seq.models.cells.recurrent import State


class PlainRNN(keras.layers.Layer):
    """Cells without attention, with the interface of `AttentionRNN` (part one of the series).

    All they know of the prompt is the state they start from. There is no memory, and attention
    weights are float[batch, 0].

    Args:
        config: the model's options.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(name="plain_rnn")
        units = config.units
        layers = range(config.num_decoder_layers)
        self.cells = [make_cell(config, units, units, number) for number in layers]

    def prepare(self, encoded: EncoderOutput) -> tuple:
        """Nothing is remembered."""
        return ()

    def initial_state(self, cells: tuple[State, ...], memory: tuple) -> tuple[State, ...]:
        """The cells' state is all there is."""
        return cells

    def unroll(self, inputs, memory, state, dtype=tf.float32, kept=()):
        """Runs over all inputs to float32[target_time, batch, units], and no weights.

        See `AttentionRNN.unroll`.
        """
        for number, (cell, of_cell) in enumerate(zip(self.cells, state)):
            if number and kept:
                inputs *= kept[number - 1]
            inputs = cell.unroll(inputs, of_cell, dtype)[0]
        return inputs, tf.zeros_like(inputs[:, :, :0])

    def step(self, inputs, memory, state):
        """One step: float32[batch, units] to output, weights float32[batch, 0] and next state."""
        after = []
        for cell, of_cell in zip(self.cells, state):
            inputs, of_cell = cell(inputs, of_cell)
            after.append(tuple(of_cell))
        return inputs, tf.zeros([tf.shape(inputs)[0], 0], inputs.dtype), tuple(after)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        weights = {}
        for cell in self.cells:
            weights |= cell.named_weights()
        return weights


class TiedOutputProjection(keras.layers.Layer):
    """A projection whose kernel is an embedding, transposed; only the bias is its own.

    Args:
        embedding: of the target words.

    Source:
        Press and Wolf: Using the Output Embedding to Improve Language Models, EACL 2017.
    """

    def __init__(self, embedding: keras.layers.Embedding):
        super().__init__(name="output_projection")
        self._embedding = embedding
        # As a Dense layer has it: the words.
        self.units = embedding.input_dim
        self.bias = self.add_weight(name="bias", shape=[embedding.input_dim], initializer="zeros")

    @property
    def kernel(self) -> tf.Tensor:
        """float32[units, vocab]."""
        return tf.transpose(self._embedding.embeddings)

    def call(self, inputs):
        """float32[..., units] to logits float32[..., vocab]."""
        units = inputs.shape[-1]
        logits = tf.matmul(
            tf.reshape(inputs, [-1, units]), self._embedding.embeddings, transpose_b=True
        )
        shape = tf.concat([tf.shape(inputs)[:-1], [self._embedding.input_dim]], axis=0)
        return tf.reshape(logits + self.bias, shape)


class Decoder(keras.layers.Layer):
    """Embeds the words said so far, runs the recurrence, projects to the vocabulary.

    Training and answering share every weight: `call` runs over a whole reply, whose projection
    comes after the loop, `step` makes one step.

    Args:
        config: the model's options.
        vocabulary_size: number of target words.
        embedding: the encoder's, where it is shared; None: one of its own.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary_size: int,
        embedding: keras.layers.Embedding | None = None,
    ):
        super().__init__(name="decoder")
        units = config.units
        self.starts_from_encoder = config.starts_from_encoder
        self.embedding = embedding or make_embedding(config, vocabulary_size, "target_embedding")
        self.shares_embedding = embedding is not None
        self.dropout = config.dropout
        self.embedding_dropout = config.dropout if config.embedding_dropout else None
        self.recurrence = PlainRNN(config) if config.attention == "none" else AttentionRNN(config)
        if config.tied_projection:
            self.output_projection = TiedOutputProjection(self.embedding)
        else:
            self.output_projection = keras.layers.Dense(
                vocabulary_size, dtype="float32", name="output_projection"
            )
            self.output_projection.build([None, units])

    def start(self, encoded: EncoderOutput):
        """The memory and the state before the first word, for `step`."""
        # Of an encoder with more layers, the last.
        cells = encoded.final_state[-len(self.recurrence.cells) :]
        if not self.starts_from_encoder:
            cells = tf.nest.map_structure(tf.zeros_like, cells)
        memory = self.recurrence.prepare(encoded)
        return memory, self.recurrence.initial_state(cells, memory)

    def call(
        self, target_input_ids, encoded, draws=None, dtype=tf.float32
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Teacher forcing, up to what is projected.

        Args:
            target_input_ids: int32[batch, target_time], begin of reply and the words before each.
            encoded: the prompts.
            draws: see `Encoder`.
            dtype: what matrix products are computed in, float32 or bfloat16.

        Returns:
            float32[batch, target_time, units], the attention vectors (without attention the
            last layer's outputs); `output_projection` makes logits of them. And the attention
            weights float32[batch, target_time, source_time] (without attention [..., 0]).
        """
        memory, state = self.start(encoded)
        ids = tf.transpose(target_input_ids)
        # float[target_time, batch, units]
        inputs = embed_with_dropout(self.embedding, ids, self.embedding_dropout, RngStream.TARGET_DROPOUT, draws)
        # What the loop drops is drawn before it.
        ones = tf.ones([*tf.unstack(tf.shape(ids)), self.embedding.output_dim])
        kept = [
            dropout(ones, self.dropout, RngStream.LAYER_DROPOUT, draws, number)
            for number in range(len(self.recurrence.cells) - 1 if self.dropout and draws else 0)
        ]
        vectors, attention_weights = self.recurrence.unroll(inputs, memory, state, dtype, kept)
        vectors = dropout(vectors, self.dropout, RngStream.ATTENTION_VECTOR_DROPOUT, draws)
        return tf.transpose(vectors, [1, 0, 2]), tf.transpose(attention_weights, [1, 0, 2])

    def step(self, ids: tf.Tensor, memory, state):
        """One step of answering.

        Args:
            ids: int32[batch], the word before.
            memory: from `start`.
            state: from `start` or the step before.

        Returns:
            logits float32[batch, vocab], attention weights float[batch, source_time] (without
            attention float[batch, 0]), next state.
        """
        vector, attention_weights, state = self.recurrence.step(self.embedding(ids), memory, state)
        return self.output_projection(vector), attention_weights, state

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own; a variable that is the encoder's is named there."""
        weights = dict(self.recurrence.named_weights())
        if not self.shares_embedding:
            weights = {"embedding": self.embedding.embeddings, **weights}
        if not isinstance(self.output_projection, TiedOutputProjection):
            weights["output_projection/kernel"] = self.output_projection.kernel
        return {**weights, "output_projection/bias": self.output_projection.bias}
