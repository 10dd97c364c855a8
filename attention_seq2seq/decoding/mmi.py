"""Maximum mutual information: penalizes replies that are likely without the prompt.

Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models": instead
of log p(T|S), the search maximizes log p(T|S) - weight * log p(T) over replies T to a prompt S
(equation 9, "MMI-antiLM").
"""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.decoding.postprocessing import select_hypotheses
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput
from attention_seq2seq.decoding.top_k import row_logsumexp


def anti_lm_step(
    step: StepFn,
    state: Any,
    language_step: StepFn,
    language_state: Any,
    params: DecodingParams,
) -> tuple[StepFn, Any]:
    """Adds a score bias against tokens that are likely without the prompt.

    The penalty only applies to the first tokens. Dull replies start alike, and later tokens depend
    more on the language than on the prompt (Li et al. 2016, section 4.5.1).

    Args:
        step: one step of the model.
        state: the initial state.
        language_step: one step of the language model.
        language_state: initial state of the language model, with the same number of rows.
        params: parameters of the call; with mmi_weight 0, the language model is not run.

    Returns:
        The biased step function and its initial state.
    """

    def biased_step(ids, state):
        model_state, language_state, time = state
        output = StepOutput(*step(ids, model_state))

        def language_model_bias():
            language_output = StepOutput(*language_step(ids, language_state))
            logits = tf.cast(language_output.logits, tf.float32)
            return params.mmi_weight * (row_logsumexp(logits) - logits), language_output.state

        def no_bias():
            return tf.zeros([tf.shape(ids)[0], 0]), language_state

        has_bias = (params.mmi_weight > 0.0) & (time[0] < params.mmi_max_tokens)
        score_bias, language_state = tf.cond(has_bias, language_model_bias, no_bias)
        state = (output.state, language_state, time + 1)
        return StepOutput(output.logits, output.attention_weights, state, score_bias)

    num_rows = tf.shape(tf.nest.flatten(state)[0])[0]
    return biased_step, (state, language_state, tf.zeros([num_rows], tf.int32))


def rerank(
    hypotheses: Hypotheses,
    num_hypotheses: tf.Tensor,
    language_step: StepFn,
    language_state: Any,
    params: DecodingParams,
    bos_id: int,
) -> Hypotheses:
    """Returns the hypotheses with the largest `mmi_score`, which becomes their score.

    Args:
        hypotheses: num_hypotheses rows for each prompt.
        num_hypotheses: int32[], number of hypotheses of each prompt.
        language_step: one step of the language model.
        language_state: initial state of the language model, with the rows of `hypotheses`.
        params: parameters of the call.
        bos_id: id of the BOS token, the first input.

    Returns:
        num_return_sequences rows for each prompt, best first.
    """
    # Rows of length 0 have no hypothesis and must stay last.
    length = tf.maximum(hypotheses.lengths, 1)
    language = force_decode(language_step, language_state, hypotheses.ids, length, bos_id)
    scores = mmi_score(hypotheses, language, params)
    scores = tf.where(hypotheses.lengths > 0, scores, float("-inf"))
    scores = tf.reshape(scores, [-1, num_hypotheses])
    scores, ranks = tf.math.top_k(scores, params.num_return_sequences)
    best = select_hypotheses(hypotheses, ranks, num_hypotheses)
    return best._replace(scores=tf.reshape(scores, [-1]))


def mmi_score(hypotheses: Hypotheses, language: Hypotheses, params: DecodingParams) -> tf.Tensor:
    """Returns log p(T|S) - weight * log p(T) + length_bonus * length, float32[rows].

    Args:
        hypotheses: replies with their log-probabilities given the prompts.
        language: the same replies with their log-probabilities without prompts.
        params: rerank_mmi_weight and rerank_length_bonus; the length includes EOS.
    """
    score = hypotheses.log_prob - params.rerank_mmi_weight * language.log_prob
    return score + params.rerank_length_bonus * tf.cast(hypotheses.lengths, tf.float32)
