"""Beam search: the best of many replies that are written side by side.

The rows of a prompt are its beams. A hypothesis that has ended keeps its place in the beam until
better ones push it out, as in `tfa.seq2seq.BeamSearchDecoder`; at length penalty 0 both find the
same. The attention weights of each hypothesis are those of its own past: every row remembers the
row that was fed at each step, and the weights are read along that path.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates, best_candidates
from attention_seq2seq.decoding.diverse_groups import best_of_groups
from attention_seq2seq.decoding.logits_processors import NEVER, Constraints
from attention_seq2seq.decoding.scorers import Ranking, length_divisors
from attention_seq2seq.decoding.step import Hypotheses, Step, Stepped


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
        search_at_least: int32[], steps taken before the search may stop early; up to then a
            preference may raise a score.
    """

    width: tf.Tensor
    groups: tf.Tensor
    diversity: tf.Tensor
    length_penalty: tf.Tensor
    coverage_penalty: tf.Tensor
    num_best: tf.Tensor
    search_at_least: tf.Tensor


class _Rows(NamedTuple):
    """The hypotheses so far, one in each row: what moves with it when beams are chosen.

    Attributes:
        said: int32[rows, max_length].
        log_probabilities: float32[rows, max_length], the model's own.
        path: int32[rows, max_length], the row that was fed at each step.
        total: float32[rows], the sum of the scores of the words.
        length: int32[rows].
        ended: bool[rows].
        attended: float32[rows, source_time], all attention received by each word of the prompt.
    """

    said: tf.Tensor
    log_probabilities: tf.Tensor
    path: tf.Tensor
    total: tf.Tensor
    length: tf.Tensor
    ended: tf.Tensor
    attended: tf.Tensor


def beam_search(
    step: Step,
    state: Any,
    beam: Beam,
    constraints: Constraints,
    begin_id: int,
    end_id: int,
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
        constraints: what may be said, for each row.
        begin_id: fed at the first step.
        end_id: ends a hypothesis.
        max_length: int32[], at least 1: what has not ended by then is cut.
        source_mask: bool[rows, source_time], the words that coverage counts; source_time as that
            of the attention weights.

    Returns:
        `Hypotheses`, num_best rows for each prompt, the best first. Where there are fewer
        hypotheses than that, the last have length 0 and score -inf.
    """
    num_rows = tf.shape(source_mask)[0]
    num_prompts = num_rows // beam.width
    divisors = length_divisors(max_length, beam.length_penalty)
    ranking = Ranking(divisors, source_mask, beam.coverage_penalty)

    def body(time, done, fed, state, rows, weights_of_steps):
        stepped = Stepped(*step(fed, state))
        weights = tf.cast(stepped.attention_weights, tf.float32)
        weights_of_steps = weights_of_steps.write(time, weights)
        attended = tf.where(rows.ended[:, tf.newaxis], rows.attended, rows.attended + weights)
        rows = rows._replace(attended=attended)
        vocab = tf.shape(stepped.logits)[1]
        # A row can put no more hypotheses into the beam than the beam is wide; and of the words
        # that earlier groups make less welcome there are at most as many as their beams.
        k = tf.minimum(beam.width, vocab)
        words = best_candidates(stepped, k, constraints, rows.said, time, begin_id, end_id)
        words, total, score = _continued(words, rows, time, ranking)
        parents, slots = _choose(words.ids, score, rows.ended, num_prompts, beam, vocab)
        # A gathered tensor then keeps the shape that it has as a loop variable.
        parents.set_shape(fed.shape)
        slots.set_shape(fed.shape)
        rows, fed = _moved(rows, words, total, parents, slots, time, end_id)
        state = tf.nest.map_structure(lambda tensor: tf.gather(tensor, parents), stepped.state)
        done |= _done(rows, time + 1, max_length, num_prompts, beam, ranking)
        rows = _at_rest(rows, tf.repeat(done, beam.width))
        return time + 1, done, fed, state, rows, weights_of_steps

    start = (
        tf.constant(0),
        tf.fill([num_prompts], False),
        tf.fill([num_rows], begin_id),
        state,
        _first_rows(num_rows, max_length, beam, source_mask),
        tf.TensorArray(tf.float32, max_length),
    )
    time, _, _, _, rows, weights_of_steps = tf.while_loop(
        lambda time, done, *_: (time < max_length) & ~tf.reduce_all(done), body, start
    )
    return _best(rows, time, weights_of_steps.stack()[:time], num_prompts, beam, ranking)


def _first_rows(num_rows, max_length, beam: Beam, source_mask) -> _Rows:
    """One empty hypothesis for each group; the other rows of it are impossible ones."""
    first = tf.range(num_rows) % (beam.width // beam.groups) == 0
    blank = tf.zeros([num_rows, max_length], tf.int32)
    return _Rows(
        said=blank,
        log_probabilities=tf.cast(blank, tf.float32),
        path=blank,
        total=tf.where(first, 0.0, NEVER),
        length=tf.zeros([num_rows], tf.int32),
        ended=tf.fill([num_rows], False),
        attended=tf.zeros(tf.shape(source_mask)),
    )


def _continued(words: Candidates, rows: _Rows, time, ranking: Ranking):
    """The hypotheses that the words make; one that has ended goes on as it is, in one way.

    Returns:
        The words, what they gain, and the totals and scores of the hypotheses float32[rows, k].
    """
    ended = rows.ended[:, tf.newaxis]
    only_first = tf.where(tf.range(tf.shape(words.ids)[1]) == 0, 0.0, NEVER)
    words = Candidates(
        ids=tf.where(ended, 0, words.ids),
        gained=tf.where(ended, only_first, words.gained),
        log_probabilities=tf.where(ended, 0.0, words.log_probabilities),
    )
    total = rows.total[:, tf.newaxis] + words.gained
    length = tf.where(rows.ended, rows.length, time + 1)
    score = ranking.by_length(total, length[:, tf.newaxis])
    return words, total, score + ranking.coverage(rows.attended)[:, tf.newaxis]


def _choose(ids, score, ended, num_prompts, beam: Beam, vocab):
    """The row that each next beam comes from, and its place among that row's candidates."""
    k = tf.shape(ids)[1]
    size = beam.width // beam.groups
    shape = tf.stack([num_prompts, beam.groups, size * k])
    places = best_of_groups(
        tf.reshape(score, shape),
        tf.reshape(ids, shape),
        tf.reshape(tf.repeat(~ended, k), shape),
        size,
        beam.diversity,
        vocab,
    )
    first_row = tf.reshape(tf.range(num_prompts * beam.groups) * size, [num_prompts, -1, 1])
    return tf.reshape(first_row + places // k, [-1]), tf.reshape(places % k, [-1])


def _moved(rows: _Rows, words: Candidates, total, parents, slots, time, end_id):
    """The rows after the choice, and the ids to feed next."""

    def chosen(column):
        return tf.gather(tf.gather(column, parents), slots, batch_dims=1)

    ids = chosen(words.ids)
    before = _Rows(*(tf.gather(column, parents) for column in rows))
    rows = _Rows(
        said=_written(before.said, time, ids),
        log_probabilities=_written(before.log_probabilities, time, chosen(words.log_probabilities)),
        path=_written(before.path, time, parents),
        total=chosen(total),
        length=tf.where(before.ended, before.length, time + 1),
        ended=before.ended | (ids == end_id),
        attended=before.attended,
    )
    return rows, ids


def _done(rows: _Rows, time, max_length, num_prompts, beam: Beam, ranking: Ranking):
    """bool[prompts]: nothing that has not ended can become one of the best any more.

    A total can only fall from here on. The best its hypothesis can hope for is to end with this
    total, at the length that is penalised least, with nothing left uncovered.
    """
    shape = tf.stack([num_prompts, beam.width])
    soonest = tf.minimum(time + 1, max_length)
    hope = tf.maximum(
        ranking.by_length(rows.total, soonest), ranking.by_length(rows.total, max_length)
    )
    hope = tf.reshape(tf.where(rows.ended, NEVER, hope), shape)
    scores = ranking.score(rows.total, rows.length, rows.attended)
    ended = tf.where(rows.ended, scores, NEVER)
    worst_of_best = tf.math.top_k(tf.reshape(ended, shape), beam.num_best).values[:, -1:]
    return tf.reduce_all(hope <= worst_of_best, axis=1) & (time >= beam.search_at_least)


def _at_rest(rows: _Rows, done) -> _Rows:
    """Nothing of a prompt that is done changes any more, however long the others take."""
    return rows._replace(
        total=tf.where(done & ~rows.ended, NEVER, rows.total), ended=rows.ended | done
    )


def _best(rows: _Rows, time, weights_of_steps, num_prompts, beam: Beam, ranking: Ranking):
    """The best hypotheses of each prompt, with the attention along their paths."""
    scores = ranking.score(rows.total, rows.length, rows.attended)
    scores = tf.reshape(scores, [num_prompts, beam.width])
    scores, places = tf.math.top_k(scores, beam.num_best)
    chosen = tf.reshape(tf.range(num_prompts)[:, tf.newaxis] * beam.width + places, [-1])
    rows = _Rows(*(tf.gather(column, chosen) for column in rows))
    scores = tf.reshape(scores, [-1])
    possible = scores > NEVER
    length = tf.where(possible, rows.length, 0)
    real = tf.sequence_mask(length, time)
    # [time, rows, source_time] along the path of each row: [rows, time, source_time]
    path = tf.transpose(rows.path[:, :time])
    weights = tf.transpose(tf.gather(weights_of_steps, path, batch_dims=1), [1, 0, 2])
    return Hypotheses(
        ids=tf.where(real, rows.said[:, :time], 0),
        length=length,
        log_probabilities=tf.where(real, rows.log_probabilities[:, :time], 0.0),
        score=scores,
        attention_weights=tf.where(real[..., tf.newaxis], weights, 0.0),
    )


def _written(table, time, column):
    """`table` [rows, max_length] with one column replaced."""
    here = tf.range(tf.shape(table)[1]) == time
    return tf.where(here, column[:, tf.newaxis], table)
