"""Complete model, which maps prompt ids and reply ids to logits."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.decoder import Decoder
from attention_seq2seq.models.encoder import Encoder, EncoderOutput


class Seq2Seq(keras.Model):
    """Attention seq2seq model of the article. Construction creates all weights.

    `__call__` scores given replies for training. `step` generates new replies token by token.

    Args:
        encoder: any layer with the call arguments, the return value and the `named_weights()` of
            `Encoder`. `final_state` may be empty if the decoder starts from zeros.
        decoder: the decoder.

    Attributes:
        has_attention: whether the decoder attends to prompt tokens.
        vocabulary_size: number of target tokens.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        target_input_ids: int32[batch, target_time], BOS and the reply without its last id.
        prompt_dropped: bool[batch], whether the prompt is hidden from the decoder; None: no row.
        rng: random numbers of dropout; None disables dropout.

    Returns:
        float32[batch, target_time, vocab], the logits of the reply tokens.

    Source:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation,
        EMNLP 2015.

    Example:
        >>> model = make_model(ModelConfig(units=3), 11, 13)
        >>> source_ids, target_input_ids = tf.constant([[5, 6, 7]]), tf.constant([[1, 5]])
        >>> model(source_ids, tf.constant([3]), target_input_ids).shape
        TensorShape([1, 2, 13])
    """

    def __init__(self, encoder: keras.layers.Layer, decoder: Decoder):
        super().__init__(name="seq2seq")
        self.encoder = encoder
        self.decoder = decoder
        self.has_attention = decoder.has_attention
        self.vocabulary_size = decoder.vocabulary_size
        # The encoder and the decoder have created all weights.
        self.built = True

    def call(
        self, source_ids, source_length, target_input_ids, prompt_dropped=None, rng=None
    ) -> tf.Tensor:
        """Computes the logits of given replies (teacher forcing)."""
        vectors, _ = self.hidden_states(
            source_ids, source_length, target_input_ids, prompt_dropped, rng
        )
        return self.decoder.output_projection(vectors)

    def hidden_states(
        self,
        source_ids,
        source_length,
        target_input_ids,
        prompt_dropped=None,
        rng=None,
        dtype: tf.DType = tf.float32,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the inputs of the output projection, so that a loss can skip padding.

        Args:
            source_ids: int32[batch, source_time], padded with 0.
            source_length: int32[batch], at least 1.
            target_input_ids: int32[batch, target_time], BOS and the reply without its last id.
            prompt_dropped: bool[batch], whether the prompt is hidden; None: no row.
            rng: random numbers of dropout; None disables dropout.
            dtype: dtype of the matrix products, float32 or bfloat16. Everything else, and the
                weights, are float32.

        Returns:
            The attention vectors float32[batch, target_time, units] and the attention weights
            float32[batch, target_time, source_time] (without attention [..., 0]).
        """
        encoded = self.encoder(source_ids, source_length, rng=rng, dtype=dtype)
        if prompt_dropped is not None:
            encoded = drop_prompt(encoded, prompt_dropped)
        return self.decoder(target_input_ids, encoded, rng=rng, dtype=dtype)

    def initial_state(self, source_ids: tf.Tensor, source_length: tf.Tensor) -> tuple:
        """Returns the attention memory and the initial state for `step`."""
        return self.decoder.initial_state(self.encoder(source_ids, source_length))

    def unconditional_state(self, num_rows: tf.Tensor) -> tuple:
        """Returns memory and initial state without a prompt, as for a language model.

        The model must have been trained with `prompt_dropout`.
        """
        return self.decoder.initial_state(self.decoder.dropped_prompt(num_rows))

    def step(self, ids: tf.Tensor, memory, state) -> tuple:
        """Decodes one token of each row.

        Args:
            ids: int32[rows], the previous tokens.
            memory: the memory from `initial_state`.
            state: the state from `initial_state` or the previous step.

        Returns:
            Logits float32[rows, vocab], attention weights float[rows, source_time], next state.
        """
        return self.decoder.step(ids, memory, state)

    def named_weights(self) -> dict[str, tf.Variable]:
        """Returns all TensorFlow variables, by names that do not depend on the Keras version."""
        return {
            f"{part}/{name}": backing_variable(weight)
            for part, layer in (("encoder", self.encoder), ("decoder", self.decoder))
            for name, weight in layer.named_weights().items()
        }


def backing_variable(weight) -> tf.Variable:
    """Returns the TensorFlow variable of a weight, which Keras 3 wraps."""
    return weight if isinstance(weight, tf.Variable) else weight.value


def make_model(
    config: ModelConfig, source_vocabulary_size: int, target_vocabulary_size: int
) -> Seq2Seq:
    """Creates a model from its options.

    Args:
        config: the options of the model.
        source_vocabulary_size: number of source tokens.
        target_vocabulary_size: number of target tokens.
    """
    encoder = Encoder(config, source_vocabulary_size)
    embedding = encoder.embedding if config.share_embeddings else None
    return Seq2Seq(encoder, Decoder(config, target_vocabulary_size, embedding))


def drop_prompt(encoded: EncoderOutput, prompt_dropped: tf.Tensor) -> EncoderOutput:
    """Replaces memory and state of some rows by zeros, and the length by one.

    Args:
        encoded: the encoded prompts.
        prompt_dropped: bool[batch], the rows to replace.
    """
    mask = tf.cast(~prompt_dropped, encoded.outputs.dtype)[:, tf.newaxis]
    return EncoderOutput(
        outputs=encoded.outputs * mask[:, :, tf.newaxis],
        length=tf.where(prompt_dropped, 1, encoded.length),
        final_state=tf.nest.map_structure(lambda part: part * mask, encoded.final_state),
    )
