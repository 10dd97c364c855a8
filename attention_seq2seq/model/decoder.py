"""The decoder: from the words said so far to the logits of the next."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config import ModelConfig
from attention_seq2seq.model.attention import AttentionLSTM
from attention_seq2seq.model.encoder import Encoded
from attention_seq2seq.model.lstm import LSTMCell


class PlainLSTM(keras.layers.Layer):
    """An LSTM without attention, with the interface of `AttentionLSTM` (part one of the series).

    All it knows of the prompt is the state it starts from. Its memory is the number of source
    words, for the shape of its attention weights: float[batch, 0], none at all.

    Args:
        units: width of the LSTM.
    """

    def __init__(self, units: int):
        super().__init__(name="plain_lstm")
        self.lstm = LSTMCell(units, units, name="decoder_lstm")

    def prepare(self, encoded: Encoded) -> tuple:
        """Nothing is remembered."""
        return ()

    def initial_state(self, lstm: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """The LSTM's state is all there is."""
        return lstm

    def unroll(self, inputs, memory, state, dtype=tf.float32):
        """Runs over all inputs: float32[target_time, batch, units] to the same."""
        return self.lstm.unroll(inputs, state, dtype)[0]

    def step(self, inputs, memory, state):
        """One step: float32[batch, units] to output, weights float32[batch, 0] and next state."""
        output, (h, c) = self.lstm(inputs, state)
        return output, tf.zeros([tf.shape(inputs)[0], 0], inputs.dtype), (h, c)

    def named_weights(self) -> dict[str, tf.Variable]:
        """The variables by names of our own."""
        return self.lstm.named_weights()


class Decoder(keras.layers.Layer):
    """Embeds the words said so far, runs the recurrence, projects to the vocabulary.

    Training and answering share every weight: `call` runs over a whole reply, whose projection
    comes after the loop, `step` makes one step.

    Args:
        config: the model's options.
        vocabulary_size: number of target words.
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int):
        super().__init__(name="decoder")
        units = config.units
        self.starts_from_encoder = config.starts_from_encoder
        self.embedding = keras.layers.Embedding(vocabulary_size, units, name="target_embedding")
        self.dropout = keras.layers.Dropout(config.dropout)
        if config.attention == "none":
            self.recurrence = PlainLSTM(units)
        else:
            self.recurrence = AttentionLSTM(units, config.attention, config.attention_vector)
        self.output_projection = keras.layers.Dense(
            vocabulary_size, dtype="float32", name="output_projection"
        )
        self.output_projection.build([None, units])

    def start(self, encoded: Encoded):
        """The memory and the state before the first word, for `step`."""
        h, c = encoded.final_state
        if not self.starts_from_encoder:
            h, c = tf.zeros_like(h), tf.zeros_like(c)
        return self.recurrence.prepare(encoded), self.recurrence.initial_state((h, c))

    def call(self, target_input_ids, encoded, training=False, dtype=tf.float32) -> tf.Tensor:
        """Teacher forcing, up to what is projected.

        Args:
            target_input_ids: int32[batch, target_time], begin of reply and the words before each.
            encoded: the prompts.
            training: whether dropout is on.
            dtype: what matrix products are computed in, float32 or bfloat16.

        Returns:
            float32[batch, target_time, units], the attention vectors (without attention the
            LSTM's outputs); `output_projection` makes logits of them.
        """
        memory, state = self.start(encoded)
        # float[target_time, batch, units]
        embedded = self.embedding(tf.transpose(target_input_ids))
        embedded = self.dropout(embedded, training=training)
        vectors = self.recurrence.unroll(embedded, memory, state, dtype)
        return self.dropout(tf.transpose(vectors, [1, 0, 2]), training=training)

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
        """The variables by names of our own."""
        return {
            "embedding": self.embedding.embeddings,
            **self.recurrence.named_weights(),
            "output_projection/kernel": self.output_projection.kernel,
            "output_projection/bias": self.output_projection.bias,
        }
