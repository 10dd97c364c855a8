"""The protocol that every way of decoding loops over: one step of any model.

A step function takes ids int32[rows], the word before of each row, and a state, any nest of
tensors whose first axis is rows, and returns a `StepOutput`, or the first three of its values where
there is no preference. It never changes what it was given, so
one state may be stepped from twice. With it come the begin id, fed first, and the end id, after
which a row is done.
"""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf


class StepOutput(NamedTuple):
    """What one step of a model gives.

    Attributes:
        logits: float[rows, vocab].
        attention_weights: float[rows, source_time]; source_time may be 0: no attention.
        state: of the structure and shapes of the one that the step was given.
        preference: float32[rows, vocab], added to the log-probabilities where words are chosen and
            ranked, but no part of the model's own log-probability. float32[rows, 0]: none at this
            step; None: none at any.
    """

    logits: tf.Tensor
    attention_weights: tf.Tensor
    state: Any
    score_bias: tf.Tensor | None = None


def add_score_bias(scores: tf.Tensor, score_bias: tf.Tensor | None) -> tf.Tensor:
    """float32[rows, vocab], scores with the preference, where there is one."""
    if score_bias is None:
        return scores
    return tf.cond(tf.shape(score_bias)[1] > 0, lambda: scores + score_bias, lambda: scores)


class StepFn(Protocol):
    """One step of a model; see the module."""

    def __call__(self, ids: tf.Tensor, state: Any) -> tuple:
        """The logits, the attention weights and the next state."""


class DecoderModel(Protocol):
    """A model that can be decoded from: a trained model, or an ensemble of them.

    Attributes:
        has_attention: whether the step functions return attention weights.
        vocabulary_size: number of target tokens.
    """

    has_attention: bool
    vocabulary_size: int

    def prepare_decoding(
        self,
        source_ids: tf.Tensor,
        source_length: tf.Tensor,
        prompt_indices: tf.Tensor | None = None,
    ) -> tuple[StepFn, Any]:
        """Encodes prompts.

        Args:
            source_ids: int32[batch, source_time].
            source_length: int32[batch].
            prompt_indices: int32[rows], the index of each row's prompt; None: one row a prompt.

        Returns:
            The step function, and the state before the first token.
        """

    def prepare_unconditional(self, num_rows: tf.Tensor) -> tuple[StepFn, Any]:
        """Returns the step function and initial state of the model as a language model."""


class Hypotheses(NamedTuple):
    """Sequences found by a search, or followed by teacher forcing.

    Attributes:
        ids: int32[rows, time], 0 after the end.
        length: int32[rows], the end of the reply counted where it was reached.
        log_probabilities: float32[rows, time], of each id given those before it, as the model has
            them before any preference or constraint; 0 after the end.
        score: float32[rows], what the search ranked by.
        attention_weights: float32[rows, time, source_time], 0 after the end.
    """

    ids: tf.Tensor
    length: tf.Tensor
    token_log_probs: tf.Tensor
    score: tf.Tensor
    attention_weights: tf.Tensor

    @property
    def log_prob(self) -> tf.Tensor:
        """float32[rows], of the whole sequence."""
        return tf.reduce_sum(self.token_log_probs, axis=1)


def deduplicate(hypotheses: list[Hypotheses]) -> list[Hypotheses]:
    """Drops hypotheses of one row each that repeat an earlier one, as groups of a beam may do."""
    unique = {}
    for hypothesis in hypotheses:
        unique.setdefault(tuple(hypothesis.ids[: hypothesis.length].tolist()), hypothesis)
    return list(unique.values())
