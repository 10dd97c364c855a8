"""The whole model: ids of a prompt and of a reply to logits."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.config import ModelConfig
from attention_seq2seq.models.decoder import Decoder
from attention_seq2seq.models.encoder import EncoderOutput, Encoder


class Seq2Seq(keras.Model):
    """The document's attention seq2seq model; its weights exist from construction on.

    Use `__call__` to score given replies (training), `start` to answer (decoding).

    Args:
        config: the model's options.
        source_vocabulary_size: number of source words.
        target_vocabulary_size: number of target words.

    Attributes:
        attends: whether it looks at the prompt's words.
        num_words: how many words it can say.

    Call arguments:
        source_ids: int32[batch, source_time], padded with 0 at the end.
        source_length: int32[batch], at least 1.
        target_input_ids: int32[batch, target_time]: begin of reply, then the reply without its
            last id.
        emptied: bool[batch], the prompts to be read as if there were none; None: no such prompt.
        draws: where the random numbers of dropout come from; None: there is none.

    Returns:
        float32[batch, target_time, vocab], the logits of the reply's words.

    Source:
        Luong, Pham, Manning: Effective Approaches to Attention-based Neural Machine Translation,
        EMNLP 2015.

    Example:
        >>> model = Seq2Seq(ModelConfig(units=3), 11, 13)
        >>> source_ids, target_input_ids = tf.constant([[5, 6, 7]]), tf.constant([[1, 5]])
        >>> model(source_ids, tf.constant([3]), target_input_ids).shape
        TensorShape([1, 2, 13])
    """

    def __init__(
        self, config: ModelConfig, source_vocabulary_size: int, target_vocabulary_size: int
    ):
        super().__init__(name="seq2seq")
        self.attends = config.attention != "none"
        self.num_words = target_vocabulary_size
        self.encoder = Encoder(config, source_vocabulary_size)
        shared = self.encoder.embedding if config.shared_embedding else None
        self.decoder = Decoder(config, target_vocabulary_size, shared)
        one = tf.ones([1, 1], tf.int32)
        self(one, tf.ones([1], tf.int32), one)

    def call(
        self, source_ids, source_length, target_input_ids, emptied=None, draws=None
    ) -> tf.Tensor:
        """Teacher forcing; see the class."""
        vectors, _ = self.attend(source_ids, source_length, target_input_ids, emptied, draws)
        return self.decoder.output_projection(vectors)

    def attend(
        self,
        source_ids,
        source_length,
        target_input_ids,
        emptied=None,
        draws=None,
        dtype: tf.DType = tf.float32,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What the projection makes logits of; a loss may project the real words only.

        Args:
            source_ids: as in a call, and so are the others.
            source_length: see there.
            target_input_ids: see there.
            emptied: see there.
            draws: see there.
            dtype: what matrix products are computed in, float32 or bfloat16; all the rest, and
                the weights, are float32.

        Returns:
            The attention vectors float32[batch, target_time, units] and the attention weights
            float32[batch, target_time, source_time] (without attention [..., 0]).
        """
        encoded = self.encoder(source_ids, source_length, draws=draws, dtype=dtype)
        if emptied is not None:
            encoded = drop_prompt(encoded, emptied)
        return self.decoder(target_input_ids, encoded, draws=draws, dtype=dtype)

    def start(self, source_ids: tf.Tensor, source_length: tf.Tensor, prompts=None):
        """Reads prompts and gets ready to answer.

        Args:
            source_ids: as in a call.
            source_length: as in a call.
            prompts: int32[rows], the number of the prompt that each row answers; None: each
                prompt has one row.

        Returns:
            A step function: (ids int32[rows], state) to (logits, attention weights, state), and
            the state before the first word. Several may be in use at once, in one graph too.
        """
        memory, state = self.decoder.start(self.encoder(source_ids, source_length))
        if prompts is not None:
            memory, state = tf.nest.map_structure(
                lambda tensor: tf.gather(tensor, prompts), (memory, state)
            )
        return lambda ids, state: self.decoder.step(ids, memory, state), state

    def prepare_unconditional(self, num_rows: tf.Tensor):
        """Gets ready to say what is said whatever the prompt: the model as a language model.

        A model knows what to do here if some of its training prompts were emptied.

        Returns:
            As `start`.
        """
        encoded = EncoderOutput(
            tf.zeros([num_rows, 1, self.encoder.units]),
            tf.ones([num_rows], tf.int32),
            self.encoder.zero_state(num_rows),
        )
        memory, state = self.decoder.start(encoded)
        return lambda ids, state: self.decoder.step(ids, memory, state), state

    def named_weights(self) -> dict[str, tf.Variable]:
        """Every variable by a name of our own, which no version of Keras changes."""
        return {
            **{f"encoder/{name}": value for name, value in self.encoder.named_weights().items()},
            **{f"decoder/{name}": value for name, value in self.decoder.named_weights().items()},
        }


def drop_prompt(encoded: EncoderOutput, emptied: tf.Tensor) -> EncoderOutput:
    """Where `emptied` bool[batch]: a memory of zeros, of length one, and a state of zeros."""
    kept = tf.cast(~emptied, encoded.outputs.dtype)[:, tf.newaxis]
    return EncoderOutput(
        outputs=encoded.outputs * kept[:, :, tf.newaxis],
        length=tf.where(emptied, 1, encoded.length),
        final_state=tf.nest.map_structure(lambda part: part * kept, encoded.final_state),
    )
