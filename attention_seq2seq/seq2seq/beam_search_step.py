"""One step of beam search."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.seq2seq.attention_wrapper_state import AttentionWrapperState


class BeamSearchDecoderState(NamedTuple):
    """State of a `BeamSearchDecoder` between two steps.

    Attributes:
        cell_state: state of the cell, nested, each [batch, beams, ...].
        log_probs: float[batch, beams], log-probabilities of the hypotheses.
        finished: bool[batch, beams], whether the hypotheses have ended.
        lengths: int64[batch, beams], lengths of the hypotheses, with the end token.
        accumulated_attention_probs: float[batch, beams, source_time], attention weights summed over
            the steps, for the coverage penalty; () without.
    """

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """Outputs of a step of a `BeamSearchDecoder`.

    Attributes:
        scores: float[batch, beams], scores of the hypotheses; float[batch, beams, vocab] with
            `output_all_scores`.
        predicted_ids: int32[batch, beams], ids that the hypotheses end with.
        parent_ids: int32[batch, beams], beams that the hypotheses continue.
    """

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """Outputs of a `BeamSearchDecoder`.

    Attributes:
        predicted_ids: int32[batch, target_time, beams], ids of the hypotheses, best first;
            time-major if the decoder is.
        beam_search_decoder_output: `BeamSearchDecoderOutput` of all steps, each
            [batch, target_time, beams].
    """

    predicted_ids: Any
    beam_search_decoder_output: Any


@dataclass(frozen=True)
class BeamSearchOptions:
    """Options of a beam search.

    Attributes:
        beam_width: number of beams.
        length_penalty_weight: exponent of the length penalty; 0 disables it.
        coverage_penalty_weight: factor of the coverage penalty; 0 disables it.
        output_all_scores: whether outputs have the scores of all continuations.
        corrected: whether both penalties apply in full in the step that ends a hypothesis.
    """

    beam_width: int
    length_penalty_weight: float | tf.Tensor
    coverage_penalty_weight: float | tf.Tensor
    output_all_scores: bool
    corrected: bool


def beam_search_step(
    logits: tf.Tensor,
    next_cell_state: Any,
    state: BeamSearchDecoderState,
    end_token: tf.Tensor,
    options: BeamSearchOptions,
) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
    """Chooses the best continuations of all beams.

    Args:
        logits: float[batch, beams, vocab].
        next_cell_state: state of the cell after the step, nested, each [batch, beams, ...].
        state: the state before the step.
        end_token: int32[], the id that ends a hypothesis.
        options: options of the search.

    Returns:
        The outputs of the step and the next state.
    """
    batch_size = tf.shape(logits)[0]
    vocabulary_size = logits.shape[-1] or tf.shape(logits)[-1]
    log_probs = mask_finished(tf.nn.log_softmax(logits), end_token, state.finished)
    log_probs += state.log_probs[:, :, tf.newaxis]  # [batch, beams, vocab]

    is_end = tf.range(vocabulary_size) == end_token  # [vocab]
    is_running = ~state.finished[:, :, tf.newaxis]  # [batch, beams, 1]
    # Without correction, the length penalty omits the end token in the step that chooses it.
    adds_token = is_running & (True if options.corrected else ~is_end)
    lengths = state.lengths[:, :, tf.newaxis] + tf.cast(adds_token, tf.int64)
    scores = log_probs / tf.cast(
        length_penalty(lengths, options.length_penalty_weight), log_probs.dtype
    )
    coverage = ()
    weights = get_attention_probs(next_cell_state, options.coverage_penalty_weight)
    if weights is not None:
        coverage = state.accumulated_attention_probs + weights * tf.cast(is_running, weights.dtype)
        has_penalty = ~is_running | is_end if options.corrected else ~is_running
        penalty = coverage_penalty(coverage)[:, :, tf.newaxis] * options.coverage_penalty_weight
        scores += tf.cast(has_penalty, penalty.dtype) * penalty

    flat_scores = tf.reshape(scores, [batch_size, -1])
    best_scores, indices = tf.math.top_k(flat_scores, k=options.beam_width)
    indices.set_shape([logits.shape[0], options.beam_width])
    ids, parents = indices % vocabulary_size, indices // vocabulary_size

    def gather_parents(values):
        # Scalars, and arrays of all steps, are not sorted.
        if isinstance(values, tf.TensorArray) or values.shape.rank < 2:
            return values
        return tf.gather(values, parents, batch_dims=1)

    was_finished = gather_parents(state.finished)
    next_state = BeamSearchDecoderState(
        cell_state=tf.nest.map_structure(gather_parents, next_cell_state),
        log_probs=tf.gather(tf.reshape(log_probs, [batch_size, -1]), indices, batch_dims=1),
        finished=was_finished | (ids == end_token),
        lengths=gather_parents(state.lengths) + tf.cast(~was_finished, tf.int64),
        accumulated_attention_probs=tf.nest.map_structure(gather_parents, coverage),
    )
    outputs = BeamSearchDecoderOutput(
        scores=scores if options.output_all_scores else best_scores,
        predicted_ids=ids,
        parent_ids=parents,
    )
    return outputs, next_state


def mask_finished(log_probs: tf.Tensor, end_token: tf.Tensor, finished: tf.Tensor) -> tf.Tensor:
    """Returns log-probabilities that continue finished hypotheses with the end token only.

    Args:
        log_probs: float[batch, beams, vocab].
        end_token: int32[].
        finished: bool[batch, beams].
    """
    zero = tf.zeros([], log_probs.dtype)
    end_only = tf.one_hot(
        end_token,
        tf.shape(log_probs)[2],
        on_value=zero,
        off_value=log_probs.dtype.min,
        dtype=log_probs.dtype,
    )
    return tf.where(finished[:, :, tf.newaxis], end_only, log_probs)


def length_penalty(lengths: tf.Tensor, weight: float | tf.Tensor) -> tf.Tensor:
    """Returns the divisors of log-probabilities, float, broadcastable to the lengths.

    Args:
        lengths: int64[batch, beams, vocab] or int64[batch, beams, 1], lengths of the hypotheses.
        weight: exponent; 0 disables the penalty.

    Source:
        Wu et al.: Google's Neural Machine Translation System, 2016, eq. 14.
    """
    weight = tf.convert_to_tensor(weight)
    if tf.get_static_value(weight) == 0:
        return tf.ones([])
    return (5.0 + tf.cast(lengths, tf.float32)) ** weight / (5.0 + 1.0) ** weight


def coverage_penalty(coverage: tf.Tensor) -> tf.Tensor:
    """Returns float[batch, beams], the log of attention to each position, at most 0, summed.

    Positions without any attention, such as padding, do not count.

    Args:
        coverage: float[batch, beams, source_time], attention weights summed over the steps.

    Source:
        Wu et al.: Google's Neural Machine Translation System, 2016, eq. 14.
    """
    coverage = tf.where(coverage == 0, tf.ones_like(coverage), coverage)
    return tf.reduce_sum(tf.math.log(tf.minimum(coverage, 1.0)), axis=2)


def get_attention_probs(
    next_cell_state: Any, coverage_penalty_weight: float | tf.Tensor
) -> tf.Tensor | None:
    """Returns float[batch, beams, source_time], attention weights averaged over mechanisms.

    Args:
        next_cell_state: an `AttentionWrapperState`, or a tuple with such states.
        coverage_penalty_weight: factor of the coverage penalty; 0: the result is None.

    Raises:
        ValueError: the state has no attention weights.
    """
    if tf.get_static_value(tf.convert_to_tensor(coverage_penalty_weight)) == 0:
        return None
    states = next_cell_state
    if isinstance(states, AttentionWrapperState) or not isinstance(states, tuple | list):
        states = [states]
    weights = [
        attention_probs_from_attn_state(state)
        for state in states
        if isinstance(state, AttentionWrapperState)
    ]
    if not weights:
        raise ValueError("coverage_penalty_weight must be 0.0 if no cell is attentional.")
    return _mean(weights)


def attention_probs_from_attn_state(attention_state: AttentionWrapperState) -> tf.Tensor:
    """Returns float[..., source_time], the attention weights averaged over mechanisms."""
    weights = attention_state.alignments
    return _mean(weights) if isinstance(weights, tuple) else weights


def _mean(tensors: list | tuple) -> tf.Tensor:
    return tensors[0] if len(tensors) == 1 else tf.reduce_mean(tf.stack(tensors, axis=-1), axis=-1)
