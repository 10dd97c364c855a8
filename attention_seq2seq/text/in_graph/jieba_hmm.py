"""jieba's guess at words that its dictionary lacks, executed by TensorFlow ops, equal to jieba.

A hidden Markov model: each character begins a word (B), ends one (E), is in the middle (M) or
single (S). The most probable states are found by the Viterbi algorithm, for all runs at once.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# In this order the last of equal states is the one that jieba takes.
_STATES = "BEMS"
_BEFORE = {"B": "ES", "M": "MB", "S": "SE", "E": "BM"}
FIRST, LAST = 0x4E00, 0x9FD5


class HiddenMarkovModel(NamedTuple):
    """The logarithms of jieba's probabilities, in double precision.

    Attributes:
        start: float64[4], of each state at the first character of a run.
        transition: float64[4, 4], from state to state; -inf: never.
        emission: float64[num_characters, 4], of each character from FIRST to LAST in each state.
    """

    start: np.ndarray | tf.Tensor
    transition: np.ndarray | tf.Tensor
    emission: np.ndarray | tf.Tensor

    @classmethod
    def of_jieba(cls) -> "HiddenMarkovModel":
        """Reads the tables that come with jieba."""
        from jieba import finalseg

        never = finalseg.MIN_FLOAT
        transition = np.full([4, 4], -np.inf)
        emission = np.full([LAST - FIRST + 1, 4], never)
        for place, state in enumerate(_STATES):
            for before in _BEFORE[state]:
                value = finalseg.trans_P[before].get(state, never)
                transition[_STATES.index(before), place] = value
            for character, value in finalseg.emit_P[state].items():
                if FIRST <= ord(character) <= LAST:
                    emission[ord(character) - FIRST, place] = value
        return cls(np.array([finalseg.start_P[s] for s in _STATES]), transition, emission)


def word_ends(code_points, run_starts, run_lengths, model: HiddenMarkovModel):
    """Where the words of some runs end.

    Args:
        code_points: int32[num_characters], the characters of all texts.
        run_starts: int64[num_runs], at least one run, of characters from FIRST to LAST.
        run_lengths: int64[num_runs], at least 1.
        model: of jieba.

    Returns:
        bool[num_characters], True at the last character of a word; False outside of the runs.
    """
    order = tf.argsort(run_lengths, direction="DESCENDING", stable=True)
    starts, lengths = tf.gather(run_starts, order), tf.gather(run_lengths, order)
    times = tf.range(lengths[0])
    # The longest runs come first, so those that go on at each time are the first so many.
    active = tf.searchsorted(-lengths, -times, side="left")
    scores, came_from = _forward(code_points, starts, active, model)
    states = _backward(lengths, active, scores, came_from)
    places = tf.repeat(times, active) + tf.gather(starts, tf.ragged.range(active).flat_values)
    ends = (states == _STATES.index("E")) | (states == _STATES.index("S"))
    marks = tf.scatter_nd(
        places[:, tf.newaxis], tf.cast(ends, tf.int32), [tf.size(code_points, tf.int64)]
    )
    return marks > 0


def _forward(code_points, starts, active, model: HiddenMarkovModel):
    """For each time, one below the other, of the runs that go on: scores and states before."""

    def emitted(time):
        places = starts[: active[time]] + tf.cast(time, tf.int64)
        return tf.gather(model.emission, tf.gather(code_points, places) - FIRST)

    def body(time, scores, all_scores, came_from):
        # float64[runs, state before, state], added in jieba's order.
        totals = scores[: active[time], :, tf.newaxis] + model.transition
        totals += emitted(time)[:, tf.newaxis, :]
        best = 3 - tf.argmax(totals[:, ::-1], axis=1, output_type=tf.int32)
        scores = tf.ensure_shape(tf.reduce_max(totals, axis=1), [None, 4])
        return time + 1, scores, all_scores.write(time, scores), came_from.write(time, best)

    num_times = tf.size(active)
    first = model.start + emitted(tf.constant(0))
    arrays = [
        tf.TensorArray(dtype, num_times, infer_shape=False, element_shape=[None, 4])
        for dtype in (tf.float64, tf.int32)
    ]
    _, _, all_scores, came_from = tf.while_loop(
        lambda time, *_: time < num_times,
        body,
        (
            tf.constant(1),
            first,
            arrays[0].write(0, first),
            arrays[1].write(0, tf.zeros(tf.shape(first), tf.int32)),
        ),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, 4]),
            tf.TensorShape(None),
            tf.TensorShape(None),
        ),
    )
    return all_scores.concat(), came_from.concat()


def _backward(lengths, active, scores, came_from):
    """int32[characters of runs], the states, in the order of `_forward`."""
    num_times = tf.size(active)
    offsets = tf.cumsum(active, exclusive=True)

    def body(time, later, states):
        rows = offsets[time] + tf.range(active[time])
        # A run may end in E or S.
        single = tf.gather(scores, rows)
        last = tf.where(single[:, 3] >= single[:, 1], 3, 1)
        following = tf.minimum(rows + active[time], tf.shape(came_from)[0] - 1)
        before = tf.gather(tf.gather(came_from, following), later[: active[time]], batch_dims=1)
        # Those that end here are behind those that go on.
        ends_here = tf.cast(tf.gather(lengths, tf.range(active[time])), tf.int32) == time + 1
        state = tf.where(ends_here, last, before)
        later = tf.concat([state, later[active[time] :]], axis=0)
        return time - 1, later, states.write(time, state)

    states = tf.TensorArray(tf.int32, num_times, infer_shape=False, element_shape=[None])
    nothing = tf.zeros_like(lengths, tf.int32)
    *_, states = tf.while_loop(
        lambda time, *_: time >= 0,
        body,
        (num_times - 1, nothing, states),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)),
    )
    return states.concat()
