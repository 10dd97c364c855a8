"""Beam search: the best of many replies that are written side by side.

The rows of a prompt are its beams. A hypothesis that has ended keeps its place in the beam until
better ones push it out, as in `tfa.seq2seq.BeamSearchDecoder`; at length penalty 0 both find the
same. The attention weights of each hypothesis are those of its own past: every row remembers the
row that was fed at each step, and the weights are read along that path.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from attention_seq2seq.decoding.constraints import NEVER, Constraints, constrained
from attention_seq2seq.decoding.groups import best_of_groups
from attention_seq2seq.decoding.loop import written
from attention_seq2seq.decoding.ranking import coverage, length_normalized
from attention_seq2seq.decoding.step import Hypotheses, Step, Stepped, preferred, prefers


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


class _Candidates(NamedTuple):
    """For each row the words that may come next: [rows, k], the best first.

    Attributes:
        ids: int32.
        total: float32, the total of the row with the word.
        log_probabilities: float32, of the word, the model's own.
        score: float32, what the hypothesis is ranked by.
    """

    ids: tf.Tensor
    total: tf.Tensor
    log_probabilities: tf.Tensor
    score: tf.Tensor


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

    def body(time, done, fed, state, rows, weights_of_steps):
        stepped = Stepped(*step(fed, state))
        weights = tf.cast(stepped.attention_weights, tf.float32)
        weights_of_steps = weights_of_steps.write(time, weights)
        attended = tf.where(rows.ended[:, tf.newaxis], rows.attended, rows.attended + weights)
        rows = rows._replace(attended=attended)
        ranked = _ranked(stepped, rows.said, time, constraints, begin_id, end_id)
        candidates = _candidates(stepped.logits, *ranked, rows, time, beam, source_mask)
        vocab = tf.shape(stepped.logits)[1]
        parents, slots = _choose(candidates, rows.ended, num_prompts, beam, vocab)
        # A gathered tensor then keeps the shape that it has as a loop variable.
        parents.set_shape(fed.shape)
        slots.set_shape(fed.shape)
        rows, fed = _moved(rows, candidates, parents, slots, time, end_id)
        state = tf.nest.map_structure(lambda tensor: tf.gather(tensor, parents), stepped.state)
        done |= _done(rows, time + 1, max_length, num_prompts, beam, source_mask)
        rows = _at_rest(rows, tf.repeat(done, beam.width))
        return time + 1, done, fed, state, rows, weights_of_steps

    start = (
        tf.constant(0),
        tf.fill([num_prompts], False),
        tf.fill([num_rows], begin_id),
        state,
        _first_rows(num_rows, max_length, beam, source_mask),
        tf.TensorArray(tf.float32, size=0, dynamic_size=True),
    )
    time, _, _, _, rows, weights_of_steps = tf.while_loop(
        lambda time, done, *_: (time < max_length) & ~tf.reduce_all(done), body, start
    )
    return _best(rows, time, weights_of_steps.stack(), num_prompts, beam, source_mask)


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


def _ranked(stepped: Stepped, said, time, constraints: Constraints, begin_id, end_id):
    """What ranks the words of each row, float32[rows, vocab].

    With it come float32[rows, 1] twice: what to take from it to have scores, and what to take from
    the logits to have log-probabilities.
    """
    logits = tf.cast(stepped.logits, tf.float32)
    normalizer = tf.reduce_logsumexp(logits, axis=1, keepdims=True)

    def by_the_rules():
        scores = preferred(logits - normalizer, stepped.preference)
        return constrained(scores, constraints, said, time, begin_id, end_id), 0.0 * normalizer

    # What is taken from all words of a row does not change their order: where there are no rules,
    # the logits are ranked as they are, and only the best of them are normalised.
    rules = constraints.bind | prefers(stepped.preference)
    ranked, offset = tf.cond(rules, by_the_rules, lambda: (logits, normalizer))
    return ranked, offset, normalizer


def _candidates(logits, ranked, offset, normalizer, rows: _Rows, time, beam: Beam, source_mask):
    """The best words of each row; a row that has ended goes on as it is, in one way."""
    # A row can put no more hypotheses into the beam than the beam is wide; and of the words that
    # earlier groups make less welcome there are at most as many as their beams.
    k = tf.minimum(beam.width, tf.shape(logits)[1])
    best, ids = tf.math.top_k(ranked, k)
    own = tf.cast(tf.gather(logits, ids, batch_dims=1), tf.float32) - normalizer
    only_first = tf.where(tf.range(k) == 0, 0.0, NEVER)
    ended = rows.ended[:, tf.newaxis]
    gained = tf.where(ended, only_first, best - offset)
    total = rows.total[:, tf.newaxis] + gained
    length = tf.where(rows.ended, rows.length, time + 1)
    ranks = length_normalized(total, length[:, tf.newaxis], beam.length_penalty)
    covered = coverage(rows.attended, source_mask, beam.coverage_penalty)
    return _Candidates(
        ids=tf.where(ended, 0, ids),
        total=total,
        log_probabilities=tf.where(ended, 0.0, own),
        score=ranks + covered[:, tf.newaxis],
    )


def _choose(candidates: _Candidates, ended, num_prompts, beam: Beam, vocab):
    """The row that each next beam comes from, and its place among that row's candidates."""
    k = tf.shape(candidates.ids)[1]
    size = beam.width // beam.groups
    shape = tf.stack([num_prompts, beam.groups, size * k])
    places = best_of_groups(
        tf.reshape(candidates.score, shape),
        tf.reshape(candidates.ids, shape),
        tf.reshape(tf.repeat(~ended, k), shape),
        size,
        beam.diversity,
        vocab,
    )
    first_row = tf.reshape(tf.range(num_prompts * beam.groups) * size, [num_prompts, -1, 1])
    return tf.reshape(first_row + places // k, [-1]), tf.reshape(places % k, [-1])


def _moved(rows: _Rows, candidates: _Candidates, parents, slots, time, end_id):
    """The rows after the choice, and the ids to feed next."""

    def chosen(column):
        return tf.gather(tf.gather(column, parents), slots, batch_dims=1)

    ids = chosen(candidates.ids)
    before = _Rows(*(tf.gather(column, parents) for column in rows))
    rows = _Rows(
        said=written(before.said, time, ids),
        log_probabilities=written(
            before.log_probabilities, time, chosen(candidates.log_probabilities)
        ),
        path=written(before.path, time, parents),
        total=chosen(candidates.total),
        length=tf.where(before.ended, before.length, time + 1),
        ended=before.ended | (ids == end_id),
        attended=before.attended,
    )
    return rows, ids


def _scores(rows: _Rows, beam: Beam, source_mask):
    ranks = length_normalized(rows.total, rows.length, beam.length_penalty)
    return ranks + coverage(rows.attended, source_mask, beam.coverage_penalty)


def _done(rows: _Rows, time, max_length, num_prompts, beam: Beam, source_mask):
    """bool[prompts]: nothing that has not ended can become one of the best any more.

    A total can only fall from here on. The best its hypothesis can hope for is to end with this
    total, at the length that is penalised least, with nothing left uncovered.
    """
    shape = tf.stack([num_prompts, beam.width])
    hope = tf.maximum(
        length_normalized(rows.total, time + 1, beam.length_penalty),
        length_normalized(rows.total, max_length, beam.length_penalty),
    )
    hope = tf.reshape(tf.where(rows.ended, NEVER, hope), shape)
    ended = tf.where(rows.ended, _scores(rows, beam, source_mask), NEVER)
    worst_of_best = tf.math.top_k(tf.reshape(ended, shape), beam.num_best).values[:, -1:]
    return tf.reduce_all(hope <= worst_of_best, axis=1) & (time >= beam.search_at_least)


def _at_rest(rows: _Rows, done) -> _Rows:
    """Nothing of a prompt that is done changes any more, however long the others take."""
    return rows._replace(
        total=tf.where(done & ~rows.ended, NEVER, rows.total), ended=rows.ended | done
    )


def _best(rows: _Rows, time, weights_of_steps, num_prompts, beam: Beam, source_mask):
    """The best hypotheses of each prompt, with the attention along their paths."""
    scores = tf.reshape(_scores(rows, beam, source_mask), [num_prompts, beam.width])
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
