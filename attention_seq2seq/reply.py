"""A reply with its score, attention weights and prompt contributions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from attention_seq2seq.text.vocabulary import EOS, SPECIALS
from attention_seq2seq.text.vocabulary_tokenizers import WordGroups


class Attribution:
    """Computes the drops that contributions are computed from. Pickling drops the model.

    Args:
        attribute: function of prompt ids and reply ids that returns the drops.
        source_ids: ids of the prompt.
        reply_ids: ids of the reply.
    """

    def __init__(self, attribute: Callable, source_ids: list[int], reply_ids: list[int]):
        self._attribute = attribute
        self._source_ids = source_ids
        self._reply_ids = reply_ids

    def __call__(self) -> np.ndarray:
        """Returns the drops, float32[target_time, source_time]."""
        return self._attribute(self._source_ids, self._reply_ids)

    def __deepcopy__(self, _) -> "Attribution":
        return self

    def __reduce__(self):
        return _PickledAttribution, ()


class _PickledAttribution:
    """Replaces `Attribution` in a pickled reply."""

    def __call__(self) -> np.ndarray:
        raise ValueError(
            "A pickled reply has no model to compute contributions with. Access "
            "reply.contributions before pickling the reply."
        )


@dataclass(frozen=True, eq=False)
class Reply:
    """A reply to a prompt.

    Contributions are pickled with the reply if they have been computed.

    Attributes:
        text: the reply.
        tokens: tokens of the reply, without EOS.
        prompt_tokens: tokens of the prompt, truncated to `max_source_length`.
        word_groups: the words of the reply that the tokens belong to.
        prompt_word_groups: the words of the prompt that the tokens belong to.
        log_prob: log-probability of the reply [nats].
        score: the score that the search ranked the reply by; `log_prob` for greedy search.
        attention_weights: float32[target_time, source_time], attention weights of each reply token,
            including EOS of a finished reply. Without attention, source_time is 0.
        finished: whether the reply has EOS; otherwise it was cut at `max_length`.
    """

    text: str
    tokens: list[str]
    prompt_tokens: list[str]
    word_groups: WordGroups
    prompt_word_groups: WordGroups
    log_prob: float
    score: float
    attention_weights: np.ndarray
    finished: bool
    _attribute: Attribution | _PickledAttribution = field(repr=False)

    @property
    def row_labels(self) -> list[str]:
        """Labels of the rows of `attention_weights`: the tokens, and `<eos>` if finished."""
        return self.tokens + [SPECIALS[EOS]] * self.finished

    @cached_property
    def contributions(self) -> np.ndarray:
        """Contributions of the prompt tokens, computed when first accessed.

        Returns:
            float32[target_time, source_time]. Entry [t, s] is the decrease of the log-probability
            of reply token t when prompt token s is replaced by the unknown token, clipped at 0
            and divided by the sum of the row. A row is zero if no prompt token contributed.
        """
        return _normalize_rows(self._drops)

    @cached_property
    def _drops(self) -> np.ndarray:
        return self._attribute()

    @property
    def words(self) -> list[str]:
        """Words of the reply. A spelled word has several tokens, and other words have one."""
        return self.word_groups.texts

    @property
    def prompt_words(self) -> list[str]:
        """Words of the prompt, truncated to `max_source_length` tokens."""
        return self.prompt_word_groups.texts

    @property
    def word_row_labels(self) -> list[str]:
        """Labels of the rows of `word_attention_weights`: the words, and `<eos>` if finished."""
        return self.words + [SPECIALS[EOS]] * self.finished

    @property
    def word_attention_weights(self) -> np.ndarray:
        """Attention weights of words.

        Returns:
            float32[reply_words, prompt_words], including EOS of a finished reply: the weights,
            summed over the tokens of a prompt word, and averaged over the tokens of a reply word.
            Without attention, there are no prompt words.
        """
        if not self.attention_weights.size:
            return np.zeros([len(self.word_row_labels), 0], np.float32)
        num_tokens = np.diff([*self._row_starts, len(self.attention_weights)])
        return self._sum_words(self.attention_weights) / num_tokens[:, np.newaxis]

    @property
    def word_contributions(self) -> np.ndarray:
        """Contributions of the prompt words to the reply words.

        Returns:
            float32[reply_words, prompt_words], including EOS of a finished reply: the decreases of
            log-probabilities as in `contributions`, summed over the tokens of both words, and
            divided by the sum of the row.
        """
        return _normalize_rows(self._sum_words(self._drops))

    @property
    def _row_starts(self) -> list[int]:
        return self.word_groups.starts + [len(self.tokens)] * self.finished

    def _sum_words(self, table: np.ndarray) -> np.ndarray:
        columns = np.add.reduceat(table, self.prompt_word_groups.starts, axis=1)
        return np.add.reduceat(columns, self._row_starts, axis=0)


def _normalize_rows(drops: np.ndarray) -> np.ndarray:
    sums = drops.sum(axis=1, keepdims=True)
    return np.divide(drops, sums, out=np.zeros_like(drops), where=sums > 0)
