"""Decoding loop of greedy search, sampling and forced decoding."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.candidates import Candidates
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput

SelectFn = Callable[[StepOutput, tf.Tensor, tf.Tensor], Candidates]


def dynamic_decode(
    step: StepFn,
    state: Any,
    select: SelectFn,
    bos_id: int,
    eos_id: int,
    max_length: tf.Tensor,
    lengths: tf.Tensor | None = None,
) -> Hypotheses:
    """Steps until every row is finished or `max_length` is reached.

    Args:
        step: one step of the model.
        state: the initial state.
        select: function of the `StepOutput`, the tokens so far int32[rows, max_length] and their
            number int32[]. Returns `Candidates` with one token for each row.
        bos_id: id of the BOS token, the first input.
        eos_id: id of the EOS token.
        max_length: int32[], maximum number of steps, at least 1.
        lengths: int32[rows], known lengths; None: each row ends with its first EOS.

    Returns:
        The selected tokens; the score is the sum of the candidates' scores.
    """
    num_rows = tf.shape(tf.nest.flatten(state)[0])[0]
    steps = tf.range(max_length)

    def body(time, ids, is_running, state, tokens, columns):
        output = StepOutput(*step(ids, state))
        candidates = select(output, tokens, time)
        # Keeps the static shape of the loop variable.
        candidates.ids.set_shape(ids.shape)
        column = (*candidates[1:], tf.cast(output.attention_weights, tf.float32))
        columns = tf.nest.map_structure(lambda array, x: array.write(time, x), columns, column)
        tokens = tf.where(steps == time, candidates.ids[:, tf.newaxis], tokens)
        # Finished rows continue. Their later tokens are cut below.
        is_running &= candidates.ids != eos_id
        return time + 1, candidates.ids, is_running, output.state, tokens, columns

    loop_vars = (
        tf.constant(0),
        tf.fill([num_rows], bos_id),
        tf.fill([num_rows], True),
        state,
        tf.zeros([num_rows, max_length], tf.int32),
        tuple(tf.TensorArray(tf.float32, max_length) for _ in range(3)),
    )
    time, _, is_running, _, tokens, columns = tf.while_loop(
        lambda time, _, is_running, *__: (time < max_length) & tf.reduce_any(is_running),
        body,
        loop_vars,
    )
    # [time, rows, ...] to [rows, time, ...]
    columns = (tf.einsum("tr...->rt...", column.stack()[:time]) for column in columns)
    scores, token_log_probs, weights = columns
    if lengths is None:
        end = tf.argmax(tokens == eos_id, axis=1, output_type=tf.int32)
        lengths = tf.where(is_running, time, end + 1)
    mask = tf.sequence_mask(lengths, time)
    return Hypotheses(
        ids=tf.where(mask, tokens[:, :time], 0),
        lengths=lengths,
        token_log_probs=tf.where(mask, token_log_probs, 0.0),
        scores=tf.reduce_sum(tf.where(mask, scores, 0.0), axis=1),
        attention_weights=tf.where(mask[..., tf.newaxis], weights, 0.0),
    )
