"""Compares the outputs of an exported model with replies of the model in memory."""

import numpy as np

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def split_batches(items, size=64):
    return [items[start : start + size] for start in range(0, len(items), size)]


def count_different_replies(outputs, expected) -> int:
    """Counts different replies, and asserts that equal ones agree in all other outputs.

    Args:
        outputs: outputs of a signature for a batch, as lists.
        expected: `Reply` of each prompt.
    """
    num_different = 0
    for row, reply in enumerate(expected):
        row_outputs = {name: values[row] for name, values in outputs.items()}
        tokens = [
            token.decode() for token in row_outputs["prompt_tokens"][: row_outputs["prompt_length"]]
        ]
        assert tokens == reply.prompt_tokens
        if row_outputs["reply"].decode() != reply.text:
            num_different += 1
        else:
            assert_equal_reply(row_outputs, reply)
    return num_different


def assert_equal_reply(row_outputs, reply):
    """Asserts that a row of outputs equals a `Reply`."""
    tokens = [token.decode() for token in row_outputs["reply_tokens"]]
    num_rows = len(reply.row_labels)
    assert tokens == reply.row_labels + [""] * (len(tokens) - num_rows)
    assert row_outputs["reply_length"] == len(reply.tokens)
    assert row_outputs["finished"] == reply.finished
    np.testing.assert_allclose(row_outputs["log_prob"], reply.log_prob, **TOLERANCE)
    np.testing.assert_allclose(row_outputs["score"], reply.score, **TOLERANCE)
    np.testing.assert_allclose(sum(row_outputs["token_log_probs"]), reply.log_prob, **TOLERANCE)
    if reply.attention_weights.size:
        weights = np.array(row_outputs["attention_weights"])
        expected_weights = reply.attention_weights
        np.testing.assert_allclose(
            weights[:num_rows, : expected_weights.shape[1]], expected_weights, **TOLERANCE
        )
        assert not weights[num_rows:].any() and not weights[:, expected_weights.shape[1] :].any()
    else:
        assert "attention_weights" not in row_outputs
