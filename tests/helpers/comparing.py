"""Compares what an exported model answers with what the model in memory answers."""

import numpy as np

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def in_batches(items, size=64):
    return [items[first : first + size] for first in range(0, len(items), size)]


def different_replies(outputs, expected) -> int:
    """How many replies are others than in memory; everything else of them is asserted.

    Args:
        outputs: of `serving_default` or `tokens`, as lists, for a batch.
        expected: the `Reply` of each prompt.
    """
    different = 0
    for row, reply in enumerate(expected):
        one = {name: values[row] for name, values in outputs.items()}
        words = [word.decode() for word in one["prompt_tokens"][: one["prompt_length"]]]
        assert words == reply.prompt_tokens
        if one["reply"].decode() != reply.text:
            different += 1
        else:
            assert_same(one, reply)
    return different


def assert_same(one, reply):
    """One row of outputs, lists, is one `Reply`."""
    tokens = [word.decode() for word in one["reply_tokens"]]
    rows = len(reply.rows)
    assert tokens == reply.rows + [""] * (len(tokens) - rows)
    assert one["reply_length"] == len(reply.tokens)
    assert one["ended"] == reply.ended
    np.testing.assert_allclose(one["log_probability"], reply.log_prob, **CLOSE)
    np.testing.assert_allclose(one["score"], reply.score, **CLOSE)
    np.testing.assert_allclose(sum(one["token_log_probabilities"]), reply.log_prob, **CLOSE)
    if reply.attention_weights.size:
        weights = np.array(one["attention_weights"])
        given = reply.attention_weights
        np.testing.assert_allclose(weights[:rows, : given.shape[1]], given, **CLOSE)
        assert not weights[rows:].any() and not weights[:, given.shape[1] :].any()
    else:
        assert "attention_weights" not in one
