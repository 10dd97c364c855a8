"""Beam search: the best of many replies that are written side by side.

The rows of a prompt are its beams. A hypothesis that has ended keeps its place in the beam until
better ones push it out, as in `tfa.seq2seq.BeamSearchDecoder`; at length penalty 0 both find the
same. The attention weights of each hypothesis are those of its own past: every row remembers the
row that was fed at each step, and the weights are read along that path.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates, top_k_candidates
from attention_seq2seq.decoding.diverse_groups import select_diverse_groups
from attention_seq2seq.decoding.logits_processors import NEG_INF, LogitsProcessors
from attention_seq2seq.decoding.scorers import SequenceScorer, length_penalties
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput


class Beam(NamedTuple):
    """How wide is searched, and what makes one hypothesis better than another.

    All are tensors, so they change from call to call.

    Attributes:
        width: int32[], hypotheses kept for each prompt.
        groups: int32[], the beam is cut into this many groups, which search one after the other
            at each step; it divides width.
        diversity: float32[], at each step a word loses this for each earlier group's beam that
            has just chosen it.
        length_penalty: float32[], w in score = log-probability / ((5 + length) / 6)^w, the end
            counted; 0: none, above 0 favours long replies (Wu et al. 2016, equation 14).
        coverage_penalty: float32[], at least 0: this times the sum of log(min(attention, 1)) over
            the words of the prompt is added, where attention is all that a word has received.
        num_best: int32[], hypotheses returned for each prompt; no more than width.
        min_steps: int32[], steps taken before the search may stop early; up to then a
            preference may raise a score.
    """

    width: tf.Tensor
    groups: tf.Tensor
    diversity: tf.Tensor
    length_penalty: tf.Tensor
    coverage_penalty: tf.Tensor
    num_best: tf.Tensor
    min_steps: tf.Tensor


class _BeamState(NamedTuple):
    """The hypotheses so far, one in each row: what moves with it when beams are chosen.

    Attributes:
        sequences: int32[rows, max_length].
        log_probabilities: float32[rows, max_length], the model's own.
        parent_ids: int32[rows, max_length], the row that was fed at each step.
        cum_log_probs: float32[rows], the sum of the scores of the words.
        lengths: int32[rows].
        finished: bool[rows].
        accumulated_attention: float32[rows, source_time], all attention received by each token
            of the prompt.
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
    beam: Beam,
    processors: LogitsProcessors,
    bos_id: int,
    eos_id: int,
    max_length: tf.Tensor,
    source_mask: tf.Tensor,
) -> Hypotheses:
    """Keeps the best hypotheses of each prompt at each step.

    Stops when every prompt is done: no hypothesis that has not ended can still become one of its
    best ones. What a prompt finds does not change from then on.

    Args:
        step: one step of the model, see `decoding.step`; its rows are the beams of the first
            prompt, then those of the second, and so on.
        state: its state before the first word.
        beam: how to search.
        processors: constraints on the next token of each row.
        bos_id: fed at the first step.
        eos_id: ends a hypothesis.
        max_length: int32[], at least 1: what has not ended by then is cut.
        source_mask: bool[rows, source_time], the words that coverage counts; source_time as that
            of the attention weights.

    Returns:
        `Hypotheses`, num_best rows for each prompt, the best first. Where there are fewer
        hypotheses than that, the last have length 0 and score -inf.
    """
    num_rows = tf.shape(source_mask)[0]
    num_prompts = num_rows // beam.width
    scorer = SequenceScorer(
        length_penalties(max_length, beam.length_penalty), source_mask, beam.coverage_penalty
    )

    def body(time, done, fed, state, rows, weights_of_steps):
        output = StepOutput(*step(fed, state))
        weights = tf.cast(output.attention_weights, tf.float32)
        weights_of_steps = weights_of_steps.write(time, weights)
        attended = tf.where(
            rows.finished[:, tf.newaxis],
            rows.accumulated_attention,
            rows.accumulated_attention + weights,
        )
        rows = rows._replace(accumulated_attention=attended)
        vocab = tf.shape(output.logits)[1]
        # A row can put no more hypotheses into the beam than the beam is wide; and of the words
        # that earlier groups make less welcome there are at most as many as their beams.
        k = tf.minimum(beam.width, vocab)
        words = top_k_candidates(output, k, processors, rows.sequences, time, bos_id, eos_id)
        words, total, score = _expand(words, rows, time, scorer)
        parents, slots = _select_beams(words.ids, score, rows.finished, num_prompts, beam, vocab)
        # A gathered tensor then keeps the shape that it has as a loop variable.
        parents.set_shape(fed.shape)
        slots.set_shape(fed.shape)
        rows, fed = _reorder(rows, words, total, parents, slots, time, eos_id)
        state = tf.nest.map_structure(lambda tensor: tf.gather(tensor, parents), output.state)
        done |= _is_finished(rows, time + 1, max_length, num_prompts, beam, scorer)
        rows = _freeze_finished(rows, tf.repeat(done, beam.width))
        return time + 1, done, fed, state, rows, weights_of_steps

    start = (
        tf.constant(0),
        tf.fill([num_prompts], False),
        tf.fill([num_rows], bos_id),
        state,
        _initial_state(num_rows, max_length, beam, source_mask),
        tf.TensorArray(tf.float32, max_length),
    )
    time, _, _, _, rows, weights_of_steps = tf.while_loop(
        lambda time, done, *_: (time < max_length) & ~tf.reduce_all(done), body, start
    )
    return _finalize(rows, time, weights_of_steps.stack()[:time], num_prompts, beam, scorer)


def _initial_state(num_rows, max_length, beam: Beam, source_mask) -> _BeamState:
    """One empty hypothesis for each group; the other rows of it are impossible ones."""
    first = tf.range(num_rows) % (beam.width // beam.groups) == 0
    blank = tf.zeros([num_rows, max_length], tf.int32)
    return _BeamState(
        sequences=blank,
        token_log_probs=tf.cast(blank, tf.float32),
        parent_ids=blank,
        cum_log_probs=tf.where(first, 0.0, NEG_INF),
        lengths=tf.zeros([num_rows], tf.int32),
        finished=tf.fill([num_rows], False),
        accumulated_attention=tf.zeros(tf.shape(source_mask)),
    )


def _expand(words: Candidates, rows: _BeamState, time, scorer: SequenceScorer):
    """The hypotheses that the words make; one that has ended goes on as it is, in one way.

    Returns:
        The words, what they gain, and the totals and scores of the hypotheses float32[rows, k].
    """
    ended = rows.finished[:, tf.newaxis]
    only_first = tf.where(tf.range(tf.shape(words.ids)[1]) == 0, 0.0, NEG_INF)
    words = Candidates(
        ids=tf.where(ended, 0, words.ids),
        scores=tf.where(ended, only_first, words.scores),
        token_log_probs=tf.where(ended, 0.0, words.token_log_probs),
    )
    total = rows.cum_log_probs[:, tf.newaxis] + words.scores
    length = tf.where(rows.finished, rows.lengths, time + 1)
    score = scorer.by_length(total, length[:, tf.newaxis])
    return words, total, score + scorer.coverage(rows.accumulated_attention)[:, tf.newaxis]


def _select_beams(ids, score, ended, num_prompts, beam: Beam, vocab):
    """The row that each next beam comes from, and its place among that row's candidates."""
    k = tf.shape(ids)[1]
    size = beam.width // beam.groups
    shape = tf.stack([num_prompts, beam.groups, size * k])
    places = select_diverse_groups(
        tf.reshape(score, shape),
        tf.reshape(ids, shape),
        tf.reshape(tf.repeat(~ended, k), shape),
        size,
        beam.diversity,
        vocab,
    )
    first_row = tf.reshape(tf.range(num_prompts * beam.groups) * size, [num_prompts, -1, 1])
    return tf.reshape(first_row + places // k, [-1]), tf.reshape(places % k, [-1])


def _reorder(rows: _BeamState, words: Candidates, total, parents, slots, time, eos_id):
    """The rows after the choice, and the ids to feed next."""

    def chosen(column):
        return tf.gather(tf.gather(column, parents), slots, batch_dims=1)

    ids = chosen(words.ids)
    before = _BeamState(*(tf.gather(column, parents) for column in rows))
    rows = _BeamState(
        sequences=_write_step(before.sequences, time, ids),
        token_log_probs=_write_step(before.token_log_probs, time, chosen(words.token_log_probs)),
        parent_ids=_write_step(before.parent_ids, time, parents),
        cum_log_probs=chosen(total),
        lengths=tf.where(before.finished, before.lengths, time + 1),
        finished=before.finished | (ids == eos_id),
        accumulated_attention=before.accumulated_attention,
    )
    return rows, ids


def _is_finished(
    rows: _BeamState, time, max_length, num_prompts, beam: Beam, scorer: SequenceScorer
):
    """bool[prompts]: nothing that has not ended can become one of the best any more.

    A total can only fall from here on. The best its hypothesis can hope for is to end with this
    total, at the length that is penalised least, with nothing left uncovered.
    """
    shape = tf.stack([num_prompts, beam.width])
    soonest = tf.minimum(time + 1, max_length)
    hope = tf.maximum(
        scorer.by_length(rows.cum_log_probs, soonest),
        scorer.by_length(rows.cum_log_probs, max_length),
    )
    hope = tf.reshape(tf.where(rows.finished, NEG_INF, hope), shape)
    scores = scorer.score(rows.cum_log_probs, rows.lengths, rows.accumulated_attention)
    ended = tf.where(rows.finished, scores, NEG_INF)
    worst_of_best = tf.math.top_k(tf.reshape(ended, shape), beam.num_best).values[:, -1:]
    return tf.reduce_all(hope <= worst_of_best, axis=1) & (time >= beam.min_steps)


def _freeze_finished(rows: _BeamState, done) -> _BeamState:
    """Nothing of a prompt that is done changes any more, however long the others take."""
    return rows._replace(
        cum_log_probs=tf.where(done & ~rows.finished, NEG_INF, rows.cum_log_probs),
        finished=rows.finished | done,
    )


def _finalize(
    rows: _BeamState, time, weights_of_steps, num_prompts, beam: Beam, scorer: SequenceScorer
):
    """The best hypotheses of each prompt, with the attention along their paths."""
    scores = scorer.score(rows.cum_log_probs, rows.lengths, rows.accumulated_attention)
    scores = tf.reshape(scores, [num_prompts, beam.width])
    scores, places = tf.math.top_k(scores, beam.num_best)
    chosen = tf.reshape(tf.range(num_prompts)[:, tf.newaxis] * beam.width + places, [-1])
    rows = _BeamState(*(tf.gather(column, chosen) for column in rows))
    scores = tf.reshape(scores, [-1])
    possible = scores > NEG_INF
    length = tf.where(possible, rows.lengths, 0)
    real = tf.sequence_mask(length, time)
    # [time, rows, source_time] along the path of each row: [rows, time, source_time]
    path = tf.transpose(rows.parent_ids[:, :time])
    weights = tf.transpose(tf.gather(weights_of_steps, path, batch_dims=1), [1, 0, 2])
    return Hypotheses(
        ids=tf.where(real, rows.sequences[:, :time], 0),
        length=length,
        token_log_probs=tf.where(real, rows.token_log_probs[:, :time], 0.0),
        score=scores,
        attention_weights=tf.where(real[..., tf.newaxis], weights, 0.0),
    )


def _write_step(table, time, column):
    """`table` [rows, max_length] with one column replaced."""
    here = tf.range(tf.shape(table)[1]) == time
    return tf.where(here, column[:, tf.newaxis], table)
