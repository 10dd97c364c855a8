"""Contributions are shares of decreases that are larger than rounding errors."""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from attention_seq2seq.decoding.attribution import leave_one_out_drops, normalize_drops


class FixedScores:
    """A generator whose scores of the variants of a prompt are fixed.

    Args:
        log_probs: float32[variants, target_time], the last row without replacement.
    """

    def __init__(self, log_probs):
        self.log_probs = tf.constant(log_probs, tf.float32)

    def force_decode(self, source_ids, source_length, reply_ids, reply_length):
        return SimpleNamespace(token_log_probs=self.log_probs)


def attribute(log_probs, source_length):
    source_time, target_time = len(log_probs) - 1, len(log_probs[0])
    drops = leave_one_out_drops(
        FixedScores(log_probs),
        tf.range(source_time),
        tf.constant(source_length),
        tf.zeros([target_time], tf.int32),
        tf.constant(target_time),
        unk_id=1,
    )
    return normalize_drops(drops).numpy()


def test_contributions_are_shares_of_the_decreases():
    log_probs = [[-3.0, -1.0], [-1.5, -1.5], [-2.0, -0.5], [-1.0, -1.0]]
    np.testing.assert_allclose(
        attribute(log_probs, 3), [[2 / 3.5, 0.5 / 3.5, 1 / 3.5], [0, 1, 0]], rtol=1e-6
    )


def test_padding_has_no_contribution():
    log_probs = [[-3.0], [-2.0], [-2.0], [-1.0]]
    np.testing.assert_allclose(attribute(log_probs, 2), [[2 / 3, 1 / 3, 0]], rtol=1e-6)


def test_rounding_errors_are_no_contributions():
    """A float32 near -20 has neighbors at a distance of 1.9e-6."""
    step = float(np.spacing(np.float32(20.0)))
    log_probs = [[-20.0 - step], [-20.0 - 2 * step], [-20.0]]
    assert not attribute(log_probs, 2).any()
    assert attribute([[-20.001], [-20.0], [-20.0]], 2).tolist() == [[1, 0]]
