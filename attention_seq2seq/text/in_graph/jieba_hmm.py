"""jieba's hidden Markov model in TensorFlow, which finds words not in the dictionary.

Each character begins a word (B), ends a word (E), is in the middle (M) or single (S). The Viterbi
algorithm finds the most probable states of all runs of characters at once.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_seq2seq.text.jieba_segmentation import HMM_STATES, PREVIOUS_HMM_STATES, hmm_tables

FIRST_CHINESE, LAST_CHINESE = 0x4E00, 0x9FD5


class HiddenMarkovModel(NamedTuple):
    """Log-probabilities of jieba's hidden Markov model, in double precision.

    Attributes:
        start: float64[4], log-probability of each state at the first character of a run.
        transition: float64[4, 4], log-probability of each transition; -inf: impossible.
        emission: float64[num_characters, 4], log-probability of each character from FIRST_CHINESE
            to LAST_CHINESE in each state.
    """

    start: np.ndarray | tf.Tensor
    transition: np.ndarray | tf.Tensor
    emission: np.ndarray | tf.Tensor

    @classmethod
    def from_jieba(cls) -> "HiddenMarkovModel":
        """Reads the tables of jieba."""
        start, transitions, emissions, unknown = hmm_tables()
        transition = np.full([4, 4], -np.inf)
        for index, state in enumerate(HMM_STATES):
            previous = [HMM_STATES.index(name) for name in PREVIOUS_HMM_STATES[state]]
            transition[previous, index] = transitions[index]
        characters = map(chr, range(FIRST_CHINESE, LAST_CHINESE + 1))
        emission = np.array([emissions.get(character, unknown) for character in characters])
        return cls(np.array(start), transition, emission)


def viterbi_word_ends(code_points, run_starts, run_lengths, model: HiddenMarkovModel):
    """Finds the last characters of the words of runs.

    Args:
        code_points: int32[num_characters], the characters of all texts.
        run_starts: int64[num_runs], first position of each run; at least one run. Runs consist of
            characters from FIRST_CHINESE to LAST_CHINESE.
        run_lengths: int64[num_runs], number of characters of each run, at least 1.
        model: the model.

    Returns:
        bool[num_characters], True at the last character of a word; False outside of the runs.
    """
    order = tf.argsort(run_lengths, direction="DESCENDING", stable=True)
    starts, lengths = tf.gather(run_starts, order), tf.gather(run_lengths, order)
    times = tf.range(lengths[0])
    # The longest runs come first, so the first num_active[time] runs are active at a time.
    num_active = tf.searchsorted(-lengths, -times, side="left")
    scores, backpointers = _forward(code_points, starts, num_active, model)
    states = _backward(lengths, num_active, scores, backpointers)
    positions = tf.repeat(times, num_active)
    positions += tf.gather(starts, tf.ragged.range(num_active).flat_values)
    is_end = (states == HMM_STATES.index("E")) | (states == HMM_STATES.index("S"))
    flags = tf.scatter_nd(
        positions[:, tf.newaxis], tf.cast(is_end, tf.int32), [tf.size(code_points, tf.int64)]
    )
    return flags > 0


def _forward(code_points, starts, num_active, model: HiddenMarkovModel):
    """Returns scores and backpointers of the active runs, concatenated over times."""

    def emissions_at(time):
        positions = starts[: num_active[time]] + tf.cast(time, tf.int64)
        return tf.gather(model.emission, tf.gather(code_points, positions) - FIRST_CHINESE)

    def body(time, scores, all_scores, backpointers):
        # float64[runs, previous state, state], added in jieba's order.
        totals = scores[: num_active[time], :, tf.newaxis] + model.transition
        totals += emissions_at(time)[:, tf.newaxis, :]
        best = 3 - tf.argmax(totals[:, ::-1], axis=1, output_type=tf.int32)
        scores = tf.ensure_shape(tf.reduce_max(totals, axis=1), [None, 4])
        return time + 1, scores, all_scores.write(time, scores), backpointers.write(time, best)

    num_times = tf.size(num_active)
    first_scores = model.start + emissions_at(tf.constant(0))
    arrays = [
        tf.TensorArray(dtype, num_times, infer_shape=False, element_shape=[None, 4])
        for dtype in (tf.float64, tf.int32)
    ]
    _, _, all_scores, backpointers = tf.while_loop(
        lambda time, *_: time < num_times,
        body,
        (
            tf.constant(1),
            first_scores,
            arrays[0].write(0, first_scores),
            arrays[1].write(0, tf.zeros(tf.shape(first_scores), tf.int32)),
        ),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, 4]),
            tf.TensorShape(None),
            tf.TensorShape(None),
        ),
    )
    return all_scores.concat(), backpointers.concat()


def _backward(lengths, num_active, scores, backpointers):
    """Returns the most probable states of the active runs, concatenated over times."""
    num_times = tf.size(num_active)
    offsets = tf.cumsum(num_active, exclusive=True)

    def body(time, next_states, states):
        rows = offsets[time] + tf.range(num_active[time])
        # A run may end in E or S.
        row_scores = tf.gather(scores, rows)
        last = tf.where(row_scores[:, 3] >= row_scores[:, 1], 3, 1)
        next_rows = tf.minimum(rows + num_active[time], tf.shape(backpointers)[0] - 1)
        previous = tf.gather(
            tf.gather(backpointers, next_rows), next_states[: num_active[time]], batch_dims=1
        )
        # Runs that end at this time follow those that continue.
        run_lengths = tf.gather(lengths, tf.range(num_active[time]))
        is_last = tf.cast(run_lengths, tf.int32) == time + 1
        state = tf.where(is_last, last, previous)
        next_states = tf.concat([state, next_states[num_active[time] :]], axis=0)
        return time - 1, next_states, states.write(time, state)

    states = tf.TensorArray(tf.int32, num_times, infer_shape=False, element_shape=[None])
    initial_states = tf.zeros_like(lengths, tf.int32)
    *_, states = tf.while_loop(
        lambda time, *_: time >= 0,
        body,
        (num_times - 1, initial_states, states),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)),
    )
    return states.concat()
