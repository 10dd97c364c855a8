"""The step protocol: every way of decoding loops over one step function of any model.

A step function takes ids int32[rows], the previous token of each row, and a state, any nest of
tensors whose first axis is rows. It returns a `StepOutput`, or only its first three values if there
is no score bias. It never modifies its arguments, so one state can be stepped from twice. The begin
token is fed first, and a row is finished after the end token.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

# One step of a model: ids and state to logits, attention weights and the next state.
StepFn = Callable[[tf.Tensor, Any], tuple]


class StepOutput(NamedTuple):
    """The result of one step of a model.

    Attributes:
        logits: float[rows, vocab].
        attention_weights: float[rows, source_time]; source_time is 0 without attention.
        state: the next state, with the structure and shapes of the state before.
        score_bias: float32[rows, vocab], added to the log-probabilities when tokens are selected
            and ranked, but not part of the model's log-probability. float32[rows, 0]: no bias at
            this step; None: no bias at any step.
    """

    logits: tf.Tensor
    attention_weights: tf.Tensor
    state: Any
    score_bias: tf.Tensor | None = None


class DecoderModel(Protocol):
    """A model that can be decoded from: a trained model, or an ensemble of them.

    Attributes:
        has_attention: whether the step functions return attention weights.
        vocabulary_size: number of target tokens.
    """

    has_attention: bool
    vocabulary_size: int

    def initial_state(self, source_ids: tf.Tensor, source_length: tf.Tensor) -> tuple[Any, Any]:
        """Encodes prompts.

        Args:
            source_ids: int32[batch, source_time].
            source_length: int32[batch].

        Returns:
            The memory, a nest of tensors that no step changes, and the state before the first
            token.
        """

    def unconditional_state(self, num_rows: tf.Tensor) -> tuple[Any, Any]:
        """Returns the memory and initial state of the model as a language model."""

    def step(self, ids: tf.Tensor, memory: Any, state: Any) -> tuple:
        """Returns the logits, the attention weights and the next state."""


def prepare_decoding(
    model: DecoderModel,
    source_ids: tf.Tensor,
    source_length: tf.Tensor,
    prompt_indices: tf.Tensor | None = None,
) -> tuple[StepFn, Any]:
    """Encodes prompts, and returns a step function with the state before the first token.

    Args:
        model: the model.
        source_ids: int32[batch, source_time].
        source_length: int32[batch].
        prompt_indices: int32[rows], the index of each row's prompt; None: one row a prompt.
    """
    memory, state = model.initial_state(source_ids, source_length)
    if prompt_indices is not None:
        memory, state = tf.nest.map_structure(
            lambda tensor: tf.gather(tensor, prompt_indices), (memory, state)
        )
    return lambda ids, state: model.step(ids, memory, state), state


def prepare_unconditional(model: DecoderModel, num_rows: tf.Tensor) -> tuple[StepFn, Any]:
    """Returns the step function and initial state of a model as a language model."""
    memory, state = model.unconditional_state(num_rows)
    return lambda ids, state: model.step(ids, memory, state), state


class Hypotheses(NamedTuple):
    """Token sequences, found by a search or given to forced decoding.

    Attributes:
        ids: int32[rows, time], 0 after the end.
        lengths: int32[rows], the end token included if it was reached.
        token_log_probs: float32[rows, time], the log-probability of each token given those before
            it, without score biases and logits processors; 0 after the end.
        scores: float32[rows], the score that the search ranks by.
        attention_weights: float32[rows, time, source_time], 0 after the end.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    token_log_probs: tf.Tensor
    scores: tf.Tensor
    attention_weights: tf.Tensor

    @property
    def log_prob(self) -> tf.Tensor:
        """float32[rows], the log-probability of the whole sequence."""
        return tf.reduce_sum(self.token_log_probs, axis=1)
