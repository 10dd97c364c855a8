"""Beam search.

Each prompt has `beam_width` beams. A beam is a row of the tensors and holds one hypothesis. At each
step:

1. The model computes the logits of the next token of each row.
2. The logits processors are applied, and each hypothesis is extended by its best tokens. A finished
   hypothesis continues unchanged.
3. The best extensions of a prompt become its beams, selected separately for each group of beams.
4. A prompt is done if no unfinished hypothesis can become one of its best hypotheses.

A finished hypothesis keeps its beam until better ones replace it, as in
`tfa.seq2seq.BeamSearchDecoder`. With a length penalty of 0, the two searches return the same
hypotheses. Attention weights follow the path of a hypothesis: each row records its parent row at
each step, and the weights are gathered along that path.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates, top_k_candidates
from attention_seq2seq.decoding.diverse_groups import select_diverse_groups
from attention_seq2seq.decoding.logits_processors import NEG_INF, LogitsProcessors
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.scorers import SequenceScorer, length_penalties
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput


class _BeamState(NamedTuple):
    """Hypotheses so far, one per row.

    Attributes:
        sequences: int32[rows, max_length], the tokens so far.
        token_log_probs: float32[rows, max_length], log-probabilities of these tokens.
        parent_ids: int32[rows, max_length], the parent row at each step.
        cum_log_probs: float32[rows], sum of the token scores.
        lengths: int32[rows], number of tokens.
        finished: bool[rows], whether the hypothesis ends with EOS.
        accumulated_attention: float32[rows, source_time], sum of the attention weights of each
            prompt token.
    """

    sequences: tf.Tensor
    token_log_probs: tf.Tensor
    parent_ids: tf.Tensor
    cum_log_probs: tf.Tensor
    lengths: tf.Tensor
    finished: tf.Tensor
    accumulated_attention: tf.Tensor


def beam_search(
    step: StepFn,
    state: Any,
    params: DecodingParams,
    processors: LogitsProcessors,
    source_mask: tf.Tensor,
) -> Hypotheses:
    """Searches for the hypotheses with the largest scores.

    The search stops when every prompt is done, or after max_length steps. Unfinished hypotheses are
    then cut. The hypotheses of a prompt do not change after the prompt is done.

    Args:
        step: one step of the model; its rows are the beams of the first prompt, then those of the
            second, and so on.
        state: the initial state.
        params: parameters of the call. The search uses num_return_sequences, max_length,
            beam_width, num_beam_groups and the penalties of diversity, length and coverage. With
            mmi_weight, the search does not stop before mmi_max_tokens steps.
        processors: constraints on the next token of each row.
        source_mask: bool[rows, source_time], True at prompt tokens, False at padding; used by the
            coverage penalty. source_time is that of the attention weights.

    Returns:
        `Hypotheses`, num_return_sequences rows for each prompt, best first. If there are fewer
        hypotheses, the last rows have length 0 and score -inf.
    """
    max_length = params.max_length
    num_rows = tf.shape(source_mask)[0]
    scorer = SequenceScorer(
        length_penalties(max_length, params.length_penalty), source_mask, params.coverage_penalty
    )

    def body(time, done, ids, state, beams, weights_of_steps):
        output = StepOutput(*step(ids, state))
        weights = tf.cast(output.attention_weights, tf.float32)
        weights_of_steps = weights_of_steps.write(time, weights)
        accumulated_attention = tf.where(
            beams.finished[:, tf.newaxis],
            beams.accumulated_attention,
            beams.accumulated_attention + weights,
        )
        beams = beams._replace(accumulated_attention=accumulated_attention)
        vocabulary_size = tf.shape(output.logits)[1]
        # beam_width candidates per row suffice: a row contributes at most its group's size, and
        # earlier groups penalize at most one token per beam.
        k = tf.minimum(params.beam_width, vocabulary_size)
        candidates = top_k_candidates(output, k, processors, beams.sequences, time)
        candidates, total, score = _expand(candidates, beams, time, scorer)
        parents, slots = _select_beams(
            candidates.ids, score, beams.finished, params, vocabulary_size
        )
        # Keeps the static shape of the loop variables.
        parents.set_shape(ids.shape)
        slots.set_shape(ids.shape)
        beams, ids = _reorder(beams, candidates, total, parents, slots, time, processors.eos_id)
        state = tf.nest.map_structure(lambda tensor: tf.gather(tensor, parents), output.state)
        done |= _is_finished(beams, time + 1, params, scorer)
        beams = _freeze_finished(beams, tf.repeat(done, params.beam_width))
        return time + 1, done, ids, state, beams, weights_of_steps

    loop_vars = (
        tf.constant(0),
        tf.fill([num_rows // params.beam_width], False),
        tf.fill([num_rows], processors.bos_id),
        state,
        _initial_state(num_rows, params, source_mask),
        tf.TensorArray(tf.float32, max_length),
    )
    time, _, _, _, beams, weights_of_steps = tf.while_loop(
        lambda time, done, *_: (time < max_length) & ~tf.reduce_all(done), body, loop_vars
    )
    return _finalize(beams, time, weights_of_steps.stack()[:time], params, scorer)


def _initial_state(num_rows, params: DecodingParams, source_mask) -> _BeamState:
    """Returns one empty hypothesis per group. Other rows of a group have score -inf."""
    first = tf.range(num_rows) % (params.beam_width // params.num_beam_groups) == 0
    blank = tf.zeros([num_rows, params.max_length], tf.int32)
    return _BeamState(
        sequences=blank,
        token_log_probs=tf.cast(blank, tf.float32),
        parent_ids=blank,
        cum_log_probs=tf.where(first, 0.0, NEG_INF),
        lengths=tf.zeros([num_rows], tf.int32),
        finished=tf.fill([num_rows], False),
        accumulated_attention=tf.zeros(tf.shape(source_mask)),
    )


def _expand(candidates: Candidates, beams: _BeamState, time, scorer: SequenceScorer):
    """Extends each hypothesis by its candidates. A finished hypothesis has one extension.

    Returns:
        The candidates, and the totals and scores of the hypotheses float32[rows, k].
    """
    finished = beams.finished[:, tf.newaxis]
    # A finished hypothesis has a single candidate, which continues it unchanged.
    frozen_scores = tf.where(tf.range(tf.shape(candidates.ids)[1]) == 0, 0.0, NEG_INF)
    candidates = Candidates(
        ids=tf.where(finished, 0, candidates.ids),
        scores=tf.where(finished, frozen_scores, candidates.scores),
        token_log_probs=tf.where(finished, 0.0, candidates.token_log_probs),
    )
    total = beams.cum_log_probs[:, tf.newaxis] + candidates.scores
    length = tf.where(beams.finished, beams.lengths, time + 1)
    score = scorer.normalize(total, length[:, tf.newaxis])
    return candidates, total, score + scorer.coverage(beams.accumulated_attention)[:, tf.newaxis]


def _select_beams(ids, score, finished, params: DecodingParams, vocabulary_size):
    """Returns the parent row and the candidate index of each next beam, int32[rows]."""
    k = tf.shape(ids)[1]
    size = params.beam_width // params.num_beam_groups
    shape = tf.stack([-1, params.num_beam_groups, size * k])  # [batch, groups, candidates]
    positions = select_diverse_groups(
        tf.reshape(score, shape),
        tf.reshape(ids, shape),
        tf.reshape(tf.repeat(~finished, k), shape),
        size,
        params.diversity_penalty,
        vocabulary_size,
    )
    first_rows = tf.reshape(tf.range(0, tf.size(finished), size), [-1, params.num_beam_groups, 1])
    return tf.reshape(first_rows + positions // k, [-1]), tf.reshape(positions % k, [-1])


def _reorder(beams: _BeamState, candidates: Candidates, total, parents, slots, time, eos_id):
    """Returns the selected beams, and the next input ids int32[rows]."""

    def gather_selected(column):
        return tf.gather(tf.gather(column, parents), slots, batch_dims=1)

    ids = gather_selected(candidates.ids)
    parent_beams = _BeamState(*(tf.gather(column, parents) for column in beams))
    beams = _BeamState(
        sequences=_write_step(parent_beams.sequences, time, ids),
        token_log_probs=_write_step(
            parent_beams.token_log_probs, time, gather_selected(candidates.token_log_probs)
        ),
        parent_ids=_write_step(parent_beams.parent_ids, time, parents),
        cum_log_probs=gather_selected(total),
        lengths=tf.where(parent_beams.finished, parent_beams.lengths, time + 1),
        finished=parent_beams.finished | (ids == eos_id),
        accumulated_attention=parent_beams.accumulated_attention,
    )
    return beams, ids


def _is_finished(beams: _BeamState, time, params: DecodingParams, scorer: SequenceScorer):
    """Returns bool[batch], whether no unfinished hypothesis can become one of the best.

    A total can only decrease. The best possible score of a hypothesis is its current total divided
    by the most favorable length penalty, without coverage penalty. The score bias of MMI may
    increase a total, so no prompt is finished before the bias ends.
    """
    max_length = params.max_length
    shape = tf.stack([-1, params.beam_width])
    shortest = tf.minimum(time + 1, max_length)
    best_possible = tf.maximum(
        scorer.normalize(beams.cum_log_probs, shortest),
        scorer.normalize(beams.cum_log_probs, max_length),
    )
    best_possible = tf.reshape(tf.where(beams.finished, NEG_INF, best_possible), shape)
    scores = scorer.score(beams.cum_log_probs, beams.lengths, beams.accumulated_attention)
    finished = tf.where(beams.finished, scores, NEG_INF)
    best = tf.math.top_k(tf.reshape(finished, shape), params.num_return_sequences).values
    min_steps = tf.where(params.mmi_weight > 0.0, params.mmi_max_tokens, 0)
    return tf.reduce_all(best_possible <= best[:, -1:], axis=1) & (time >= min_steps)


def _freeze_finished(beams: _BeamState, done) -> _BeamState:
    """Keeps the hypotheses of finished prompts unchanged while other prompts continue."""
    return beams._replace(
        cum_log_probs=tf.where(done & ~beams.finished, NEG_INF, beams.cum_log_probs),
        finished=beams.finished | done,
    )


def _finalize(
    beams: _BeamState, time, weights_of_steps, params: DecodingParams, scorer: SequenceScorer
):
    """Returns the best hypotheses of each prompt, with attention weights along their paths."""
    scores = scorer.score(beams.cum_log_probs, beams.lengths, beams.accumulated_attention)
    scores = tf.reshape(scores, [-1, params.beam_width])
    scores, positions = tf.math.top_k(scores, params.num_return_sequences)
    first_rows = tf.range(tf.shape(scores)[0])[:, tf.newaxis] * params.beam_width
    selected = tf.reshape(first_rows + positions, [-1])
    beams = _BeamState(*(tf.gather(column, selected) for column in beams))
    scores = tf.reshape(scores, [-1])
    is_valid = scores > NEG_INF
    lengths = tf.where(is_valid, beams.lengths, 0)
    mask = tf.sequence_mask(lengths, time)
    # [time, rows, source_time] along the path of each row: [rows, time, source_time]
    path = tf.transpose(beams.parent_ids[:, :time])
    weights = tf.transpose(tf.gather(weights_of_steps, path, batch_dims=1), [1, 0, 2])
    return Hypotheses(
        ids=tf.where(mask, beams.sequences[:, :time], 0),
        lengths=lengths,
        token_log_probs=tf.where(mask, beams.token_log_probs[:, :time], 0.0),
        scores=scores,
        attention_weights=tf.where(mask[..., tf.newaxis], weights, 0.0),
    )


def _write_step(table, time, column):
    """Replaces the column `time` of a table [rows, max_length]."""
    is_position = tf.range(tf.shape(table)[1]) == time
    return tf.where(is_position, column[:, tf.newaxis], table)
