"""Step protocol: every decoding method loops over the step function of a model.

A step function takes ids int32[rows], the previous token of each row, and a state. The state is any
nest of tensors whose first axis is rows. The function returns a `StepOutput`, or only its first
three values without a score bias. It never modifies its arguments, so a state can be used twice.
The first input is BOS, and a row is finished after EOS.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

# Maps ids and state to logits, attention weights and the next state.
StepFn = Callable[[tf.Tensor, Any], tuple]


class StepOutput(NamedTuple):
    """Result of one step of a model.

    Attributes:
        logits: float[rows, vocab], unnormalized log-probabilities of the next token.
        attention_weights: float[rows, source_time]; source_time is 0 without attention.
        state: the next state, with the structure and shapes of the previous state.
        score_bias: float32[rows, vocab], added to the log-probabilities when tokens are selected
            and ranked, but not part of the model's log-probability. float32[rows, 0]: no bias at
            this step; None: no bias at any step.
    """

    logits: tf.Tensor
    attention_weights: tf.Tensor
    state: Any
    score_bias: tf.Tensor | None = None


class DecoderModel(Protocol):
    """A model to decode with: a trained model, or an ensemble of trained models.

    Attributes:
        has_attention: whether the step functions return attention weights.
        vocabulary_size: number of target tokens.
    """

    has_attention: bool
    vocabulary_size: int

    def initial_state(self, source_ids: tf.Tensor, source_length: tf.Tensor) -> tuple[Any, Any]:
        """Encodes prompts.

        Args:
            source_ids: int32[batch, source_time], the prompts, padded with 0.
            source_length: int32[batch], number of tokens of each prompt.

        Returns:
            The memory, a nest of tensors that stays constant during decoding, and the initial
            state.
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
    """Encodes prompts, and returns a step function and the initial state.

    Args:
        model: the model.
        source_ids: int32[batch, source_time], the prompts, padded with 0.
        source_length: int32[batch], number of tokens of each prompt.
        prompt_indices: int32[rows], the index of each row's prompt; None: one row per prompt.
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
    """Token sequences from a search or from forced decoding.

    Attributes:
        ids: int32[rows, time], 0 after the end.
        lengths: int32[rows], EOS included if it was reached.
        token_log_probs: float32[rows, time], the log-probability of each token given the previous
            tokens, without score biases and logits processors; 0 after the end.
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
        """Log-probability of the whole sequence, float32[rows]."""
        return tf.reduce_sum(self.token_log_probs, axis=1)
