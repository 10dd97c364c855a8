"""A reply, and what is known of it: where each of its words came from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK


def replace_unk(
    tokens: Sequence[str],
    ids: Sequence[int],
    attention_weights: np.ndarray,
    prompt_tokens: Sequence[str],
    source_ids: Sequence[int],
) -> list[str]:
    """Replaces each unknown token by the prompt token with the largest attention weight.

    Args:
        tokens: of a reply.
        ids: of the reply.
        attention_weights: float32[target_time, source_time].
        prompt_tokens: of the prompt.
        source_ids: of the prompt.
    """
    # The separator of turns is no token of a reply.
    is_copyable = np.array([i != TURN for i in source_ids])
    return [
        prompt_tokens[np.where(is_copyable, row, -1.0).argmax()] if i == UNK else token
        for token, i, row in zip(tokens, ids, attention_weights)
    ]


class Measurement:
    """Measures the contributions to one reply; what it needs stays behind in pickling.

    Args:
        measure: a function of the ids of a prompt and of a reply.
        source_ids: the prompt.
        reply_ids: the reply.
    """

    def __init__(self, measure: Callable, source_ids: list[int], reply_ids: list[int]):
        self._measure, self._ids = measure, (source_ids, reply_ids)

    def __call__(self) -> np.ndarray:
        """The contributions."""
        return self._measure(*self._ids)

    def __deepcopy__(self, _) -> "Measurement":
        return self

    def __reduce__(self):
        return _NoMeasurement, ()


class _NoMeasurement:
    """Takes the place of `Measurement` in a reply that was pickled."""

    def __call__(self) -> np.ndarray:
        raise ValueError(
            "contributions: this reply was pickled before they were measured, and a pickled reply "
            "has no model. Ask for reply.contributions before it is pickled."
        )


@dataclass(frozen=True, eq=False)
class Reply:
    """An answer, and which words of the prompt each of its words came from.

    A reply can be pickled, and carries the contributions along if they were measured before.

    Attributes:
        text: the answer.
        tokens: its words.
        prompt_tokens: the words of the prompt as the model read them.
        log_prob: natural logarithm of the model's probability of this reply.
        score: what the search ranked it by; the log-probability if nothing else was asked for.
        attention_weights: float32[reply_time, source_time]: for each word of the reply, and for
            its end where it was reached, the weight on each word of the prompt. With
            attention=none float32[reply_time, 0].
        finished: whether the reply ended by itself, or was cut at the length limit.
    """

    text: str
    tokens: list[str]
    prompt_tokens: list[str]
    log_prob: float
    score: float
    attention_weights: np.ndarray
    finished: bool
    _measure: Measurement | _NoMeasurement = field(repr=False)

    @property
    def row_labels(self) -> list[str]:
        """The labels of the rows of both tables: the words, and the end where it was reached."""
        return self.tokens + [SPECIALS[EOS]] * self.finished

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
