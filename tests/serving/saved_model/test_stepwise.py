"""Step-by-step decoding by an exported model."""

import numpy as np
import pytest
import tensorflow as tf

from helpers.reply_comparison import TOLERANCE

pytestmark = pytest.mark.xdist_group("export")


def test_a_reply_can_be_decoded_step_by_step(saved_model, prompts):
    for batch in (prompts[:1], prompts[500:508], []):
        batch = tf.constant(batch, tf.string)
        expected = saved_model.serving_default(batch)
        state = saved_model.encode(batch)
        names = saved_model.signatures["decode_step"].structured_input_signature[1]
        target_time = expected["reply_tokens"].shape[1]
        for position in range(target_time):
            state = saved_model.decode_step(
                state["ids"], {n: state[n] for n in names if n != "ids"}
            )
            is_token = position < (
                expected["reply_length"] + tf.cast(expected["finished"], tf.int32)
            )
            tokens = tf.where(is_token, state["tokens"], "")
            tf.debugging.assert_equal(tokens, expected["reply_tokens"][:, position])
            log_probs = tf.gather(state["log_probs"], state["ids"], batch_dims=1)
            np.testing.assert_allclose(
                tf.where(is_token, log_probs, 0.0),
                expected["token_log_probs"][:, position],
                **TOLERANCE,
            )
            np.testing.assert_allclose(
                tf.where(is_token[:, tf.newaxis], state["attention_weights"], 0.0),
                expected["attention_weights"][:, position],
                **TOLERANCE,
            )
