"""A reply with its score, attention weights and prompt contributions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from attention_seq2seq.text.vocabulary import EOS, SPECIALS


class Attribution:
    """Computes the contributions to one reply. Pickling drops the model.

    Args:
        attribute: function of prompt ids and reply ids, such as `Chat.attribute`.
        source_ids: ids of the prompt.
        reply_ids: ids of the reply.
    """

    def __init__(self, attribute: Callable, source_ids: list[int], reply_ids: list[int]):
        self._attribute = attribute
        self._source_ids = source_ids
        self._reply_ids = reply_ids

    def __call__(self) -> np.ndarray:
        """Returns the contributions, float32[target_time, source_time]."""
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
        log_prob: log-probability of the reply [nats].
        score: the score that the search ranked the reply by; `log_prob` for greedy search.
        attention_weights: float32[target_time, source_time], attention weights of each reply token,
            including EOS of a finished reply. Without attention, source_time is 0.
        finished: whether the reply has EOS; otherwise it was cut at `max_length`.
    """

    text: str
    tokens: list[str]
    prompt_tokens: list[str]
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
        return self._attribute()
