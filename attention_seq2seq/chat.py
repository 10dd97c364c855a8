"""A prompt to a reply: codec, model and decoding joined; the door for Python users."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from attention_seq2seq.config import Config
from attention_seq2seq.decoding.greedy import greedy
from attention_seq2seq.decoding.step import Decoded
from attention_seq2seq.decoding.teacher_forcing import teacher_forcing
from attention_seq2seq.model.seq2seq import Seq2Seq
from attention_seq2seq.model.weights import load_weights
from attention_seq2seq.text.codec import Codec
from attention_seq2seq.text.vocabulary import BOS, EOS, SPECIALS, UNK

log = logging.getLogger(__name__)

_IDS = tf.TensorSpec([None, None], tf.int32)
_LENGTH = tf.TensorSpec([None], tf.int32)

# Differences of log-probabilities in float32 smaller than this are no differences.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer, and which words of the prompt each of its words came from.

    Attributes:
        text: the answer.
        tokens: its words.
        prompt_tokens: the words of the prompt as the model read them.
        log_probability: natural logarithm of the model's probability of this reply.
        attention_weights: float32[reply_time, source_time]: for each word of the reply, and for
            its end where it was reached, the weight on each word of the prompt. With
            attention=none float32[reply_time, 0].
        ended: whether the reply ended by itself, or was cut at the length limit.
    """

    text: str
    tokens: list[str]
    prompt_tokens: list[str]
    log_probability: float
    attention_weights: np.ndarray
    ended: bool
    _measure: Callable[[], np.ndarray] = field(repr=False)

    @property
    def rows(self) -> list[str]:
        """The labels of the rows of both tables: the words, and the end where it was reached."""
        return self.tokens + [SPECIALS[EOS]] * self.ended

    @cached_property
    def contributions(self) -> np.ndarray:
        """How much each word of the prompt contributed, measured when first asked for.

        Returns:
            float32[reply_time, source_time]. Entry [t, s] is the fall of the log-probability of
            reply word t when prompt word s is replaced by an unknown word, negative falls as
            zero, as a share of the row's sum. A row of zeros: no word's absence made the reply
            word less probable.
        """
        return self._measure()


class Chat:
    """A trained model that answers; `training.trainer.train` has an example.

    Args:
        codec: strings to ids.
        model: ids to logits.
        config: of the training.
    """

    def __init__(self, codec: Codec, model: Seq2Seq, config: Config):
        self.codec = codec
        self.model = model
        self.config = config
        # One trace each, for all batches and lengths.
        self._greedy = tf.function(self._greedy_reply, input_signature=[_IDS, _LENGTH])
        self._score = tf.function(
            self._follow_reply, input_signature=[_IDS, _LENGTH, _IDS, _LENGTH]
        )

    @classmethod
    def load(cls, model_dir: str | Path) -> "Chat":
        """Loads a trained model from its folder.

        Raises:
            FileNotFoundError: there is no model, or a part of it is missing.
            ValueError: a part of it is damaged, or of another version.
        """
        config = Config.load(model_dir)
        codec = Codec.load(model_dir, config.text)
        model = Seq2Seq(config.model, len(codec.source_vocabulary), len(codec.target_vocabulary))
        load_weights(model, Path(model_dir) / f"{config.training.answer_with}.npz")
        return cls(codec, model, config)

    def reply(self, prompts: Sequence[str]) -> list[Reply]:
        """Answers each prompt by greedy decoding, all in one batch.

        Args:
            prompts: any strings. An empty one is answered as one unknown word would be; of one
                longer than `max_source_length` the first words are read, with a warning.

        Raises:
            TypeError: a single string was given instead of a list.
        """
        if isinstance(prompts, str | bytes):
            raise TypeError(f"got one {type(prompts).__name__}; expected a list: reply([prompt]).")
        if not prompts:
            return []
        words = [self._prompt_words(prompt) for prompt in prompts]
        source = [self.codec.source_vocabulary.ids(row) for row in words]
        decoded = self._greedy(*_padded(source))
        decoded = Decoded(*(tensor.numpy() for tensor in decoded))
        return [self._reply_of(*row) for row in zip(words, source, *decoded)]

    def contributions(self, source_ids: Sequence[int], reply_ids: Sequence[int]) -> np.ndarray:
        """How much each word of a prompt contributes to each word of a reply.

        Every variant of the prompt, each with one word made unknown, is scored in one batch.

        Args:
            source_ids: the prompt.
            reply_ids: the reply, its end included where it has one.

        Returns:
            float32[reply_time, source_time], as `Reply.contributions`.
        """
        num_words = len(source_ids)
        variants = np.tile(np.asarray(source_ids, np.int32), (num_words + 1, 1))
        variants[np.arange(num_words), np.arange(num_words)] = UNK
        replies = np.tile(np.asarray(reply_ids, np.int32), (num_words + 1, 1))
        followed = self._score(
            variants,
            np.full(num_words + 1, num_words, np.int32),
            replies,
            np.full(num_words + 1, len(reply_ids), np.int32),
        )
        # float32[variant, reply_time]; the last variant is the prompt as it is.
        log_probabilities = followed.log_probabilities.numpy()
        falls = (log_probabilities[-1] - log_probabilities[:-1]).T
        falls = np.where(falls > _ROUNDING, falls, 0.0)
        totals = falls.sum(axis=1, keepdims=True)
        return np.divide(falls, totals, out=np.zeros_like(falls), where=totals > 0)

    def _prompt_words(self, prompt: str) -> list[str]:
        """The words the model reads: no more than a prompt in training could have."""
        words = self.codec.prompt_words(prompt)
        limit = self.config.data.max_source_length
        if len(words) > limit:
            log.warning("the prompt has %d words; only the first %d are read.", len(words), limit)
        return words[:limit]

    def _reply_of(
        self, prompt_tokens, source_ids, ids, length, log_probabilities, attention_weights
    ) -> Reply:
        ids = ids[:length].tolist()
        ended = ids[-1] == EOS
        return Reply(
            text=self.codec.reply_text(ids),
            tokens=self.codec.target_vocabulary.words(ids[:-1] if ended else ids),
            prompt_tokens=prompt_tokens,
            log_probability=float(log_probabilities.sum()),
            attention_weights=attention_weights[:length, : len(source_ids)],
            ended=ended,
            _measure=lambda: self.contributions(source_ids, ids),
        )

    def _greedy_reply(self, source_ids, source_length):
        step, state = self.model.start(source_ids, source_length)
        limit = tf.constant(self.config.data.max_target_length + 1)
        return greedy(step, state, tf.shape(source_ids)[0], BOS, EOS, limit)

    def _follow_reply(self, source_ids, source_length, reply_ids, reply_length):
        step, state = self.model.start(source_ids, source_length)
        return teacher_forcing(step, state, reply_ids, reply_length, BOS)


def _padded(rows: Sequence[Sequence[int]]) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids int32[batch, source_time], padded with 0, and lengths int32[batch]."""
    lengths = [len(row) for row in rows]
    ids = np.zeros([len(rows), max(lengths)], np.int32)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    return tf.constant(ids), tf.constant(lengths, tf.int32)
