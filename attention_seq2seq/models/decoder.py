"""Decoder, which maps the tokens so far to the logits of the next token."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.attention.rnn import AttentionRNN
from attention_seq2seq.models.cells.factory import make_cell
from attention_seq2seq.models.cells.recurrent import State
from attention_seq2seq.models.encoder import EncoderOutput, make_embedding
from attention_seq2seq.models.layers.dropout import dropout, embed_with_dropout
from attention_seq2seq.utils.rng import RngStream


class PlainRNN(keras.layers.Layer):
    """Recurrent layers without attention, with the interface of `AttentionRNN`.

    This is the model of part one of the article's series. The decoder only sees the prompt through
    the initial state. There is no memory, and attention weights are float[batch, 0].

    Args:
        config: the options of the model.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(name="plain_rnn")
        self.built = True
        units = config.units
        self.cells = [
            make_cell(config, units, units, layer_index)
            for layer_index in range(config.decoder_depth)
        ]

    def setup_memory(self, encoded: EncoderOutput) -> tuple:
        """Returns no memory."""
        return ()

    def initial_state(self, cell_state: tuple[State, ...], memory: tuple) -> tuple[State, ...]:
        """Returns the state of the cells unchanged."""
        return cell_state

    def unroll(self, inputs, memory, state, dtype=tf.float32, dropout_masks=()):
        """Runs over a whole sequence.

        Args:
            inputs: float32[target_time, batch, units], or ids with their embeddings.
            memory: no memory.
            state: the initial state of each layer.
            dtype: dtype of the matrix products.
            dropout_masks: factors of the outputs of each layer except the last,
                float32[target_time, batch, units] each; empty without dropout.

        Returns:
            The outputs float32[target_time, batch, units], and attention weights
            float32[target_time, batch, 0].
        """
        for layer_index, (cell, cell_state) in enumerate(zip(self.cells, state)):
            if layer_index and dropout_masks:
                inputs *= dropout_masks[layer_index - 1]
            inputs = cell.unroll(inputs, cell_state, dtype)[0]
        return inputs, tf.zeros_like(inputs[:, :, :0])

    def step(self, inputs, memory, state):
        """Computes one step from inputs float32[batch, units].

        Returns:
            The output float32[batch, units], attention weights float32[batch, 0], the next state.
        """
        next_states = []
        for cell, cell_state in zip(self.cells, state):
            inputs, cell_state = cell(inputs, cell_state)
            next_states.append(tuple(cell_state))
        return inputs, tf.zeros([tf.shape(inputs)[0], 0], inputs.dtype), tuple(next_states)

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns the variables by their names in saved weights."""
        weights = {}
        for cell in self.cells:
            weights |= cell.named_weights()
        return weights


class TiedOutputProjection(keras.layers.Layer):
    """Output projection whose kernel is the transposed embedding. It only owns the bias.

    Args:
        embedding: the embedding of the target tokens.

    Source:
        Press and Wolf: Using the Output Embedding to Improve Language Models, EACL 2017.
    """

    def __init__(self, embedding: keras.layers.Embedding):
        super().__init__(name="output_projection")
        self.built = True
        self._embedding = embedding
        # Same attribute as in a Dense layer.
        self.units = embedding.input_dim
        self.bias = self.add_weight(name="bias", shape=[embedding.input_dim], initializer="zeros")

    @property
    def kernel(self) -> tf.Tensor:
        """The transposed embedding, float32[units, vocab]."""
        return tf.transpose(self._embedding.embeddings)

    def call(self, inputs):
        """Projects float32[..., units] to logits float32[..., vocab]."""
        units = inputs.shape[-1]
        logits = tf.matmul(
            tf.reshape(inputs, [-1, units]), self._embedding.embeddings, transpose_b=True
        )
        shape = tf.concat([tf.shape(inputs)[:-1], [self._embedding.input_dim]], axis=0)
        return tf.reshape(logits + self.bias, shape)


class Decoder(keras.layers.Layer):
    """Embeds the tokens so far, runs the recurrent layers and projects to the vocabulary.

    Training and generation share all weights. `call` runs over a whole reply, which is projected
    after the loop. `step` computes one step.

    Args:
        config: the options of the model.
        vocabulary_size: number of target tokens.
        embedding: the encoder's embedding if it is shared; None: a new embedding.

    Attributes:
        has_attention: whether the decoder attends to prompt tokens.
        vocabulary_size: number of target tokens.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary_size: int,
        embedding: keras.layers.Embedding | None = None,
    ):
        super().__init__(name="decoder")
        self.built = True
        units = config.units
        self.units = units
        self.vocabulary_size = vocabulary_size
        self.has_attention = config.attention != "none"
        self.starts_from_encoder = config.starts_from_encoder
        self.embedding = embedding or make_embedding(config, vocabulary_size, "target_embedding")
        self.shares_embedding = embedding is not None
        self.dropout = config.dropout
        self.embedding_dropout = config.dropout if config.dropout_on_embeddings else None
        self.rnn = AttentionRNN(config) if self.has_attention else PlainRNN(config)
        if config.tie_output_projection:
            self.output_projection = TiedOutputProjection(self.embedding)
        else:
            self.output_projection = keras.layers.Dense(
                vocabulary_size, dtype="float32", name="output_projection"
            )
            self.output_projection.build([None, units])
        # The first call creates the weights of the embedding and of the attention mechanism.
        self(tf.ones([1, 1], tf.int32), self.dropped_prompt(1))

    def dropped_prompt(self, num_rows: tf.Tensor | int) -> EncoderOutput:
        """Returns an encoder output of zeros, for prompts that are hidden from the decoder."""
        return EncoderOutput(
            outputs=tf.zeros([num_rows, 1, self.units]),
            length=tf.ones([num_rows], tf.int32),
            final_state=tuple(cell.zero_state(num_rows) for cell in self.rnn.cells),
        )

    def initial_state(self, encoded: EncoderOutput):
        """Returns the memory and the initial state for `step`.

        Raises:
            ValueError: the decoder starts from the encoder's final state, which has fewer layers.
        """
        if self.starts_from_encoder:
            num_layers = len(self.rnn.cells)
            if len(encoded.final_state) < num_layers:
                raise ValueError(
                    f"The final_state of the encoder has {len(encoded.final_state)} layers; "
                    f"expected at least {num_layers}, the layers of the decoder. Use an encoder "
                    "with a final state, or initial_state 'zero'."
                )
            # A deeper encoder passes the states of its last layers.
            cell_state = encoded.final_state[-num_layers:]
        else:
            num_rows = tf.shape(encoded.length)[0]
            cell_state = tuple(cell.zero_state(num_rows) for cell in self.rnn.cells)
        memory = self.rnn.setup_memory(encoded)
        return memory, self.rnn.initial_state(cell_state, memory)

    def call(
        self, target_input_ids, encoded, rng=None, dtype=tf.float32
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs over given replies (teacher forcing), up to the output projection.

        Args:
            target_input_ids: int32[batch, target_time], BOS and the reply without its last id.
            encoded: the encoded prompts.
            rng: random numbers of dropout; None disables dropout.
            dtype: dtype of the matrix products, float32 or bfloat16.

        Returns:
            The inputs of `output_projection` float32[batch, target_time, units] (attention vectors,
            or without attention the last layer's outputs), and the attention weights
            float32[batch, target_time, source_time] (without attention [..., 0]).
        """
        memory, state = self.initial_state(encoded)
        ids = tf.transpose(target_input_ids)
        inputs = embed_with_dropout(
            self.embedding, ids, self.embedding_dropout, RngStream.TARGET_DROPOUT, rng
        )  # [target_time, batch, units]
        # Masks for dropout inside the loop are drawn before the loop.
        ones = tf.ones([*tf.unstack(tf.shape(ids)), self.embedding.output_dim])
        num_masks = len(self.rnn.cells) - 1 if self.dropout and rng else 0
        dropout_masks = [
            dropout(ones, self.dropout, RngStream.LAYER_DROPOUT, rng, layer_index)
            for layer_index in range(num_masks)
        ]
        vectors, attention_weights = self.rnn.unroll(inputs, memory, state, dtype, dropout_masks)
        vectors = dropout(vectors, self.dropout, RngStream.ATTENTION_VECTOR_DROPOUT, rng)
        return tf.transpose(vectors, [1, 0, 2]), tf.transpose(attention_weights, [1, 0, 2])

    def step(self, ids: tf.Tensor, memory, state):
        """Computes one step of generation.

        Args:
            ids: int32[batch], the previous tokens.
            memory: the memory from `initial_state`.
            state: the state from `initial_state` or the previous step.

        Returns:
            The logits float32[batch, vocab], the attention weights float[batch, source_time]
            (without attention [batch, 0]), and the next state.
        """
        vector, attention_weights, state = self.rnn.step(self.embedding(ids), memory, state)
        return self.output_projection(vector), attention_weights, state

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns the variables by their names in saved weights, without a shared embedding."""
        weights = dict(self.rnn.named_weights())
        if not self.shares_embedding:
            weights = {"embedding": self.embedding.embeddings, **weights}
        if not isinstance(self.output_projection, TiedOutputProjection):
            weights["output_projection/kernel"] = self.output_projection.kernel
        return {**weights, "output_projection/bias": self.output_projection.bias}
