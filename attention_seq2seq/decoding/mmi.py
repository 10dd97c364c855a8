"""Against replies that suit every prompt: what is likely without the prompt counts for less.

Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models": instead
of the most probable reply T to a prompt S, log p(T|S), the one that says most about it is sought,
log p(T|S) - weight * log p(T) (equation 9, "MMI-antiLM").
"""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.step import Hypotheses, StepFn, StepOutput
from attention_seq2seq.decoding.top_k import row_logsumexp


def anti_lm_step(
    step: StepFn, state: Any, language_step: StepFn, language_state: Any, weight, num_words
) -> tuple[StepFn, Any]:
    """A step that prefers words which are less likely without the prompt.

    Only the first words are weighed so: what makes a reply dull is how it begins, and later words
    follow from the language more than from the prompt (Li et al. 2016, section 4.5.1).

    Args:
        step: one step of the model.
        state: its state before the first word.
        language_step: one step of the language model.
        language_state: its state before the first word, of as many rows.
        weight: float32[], at least 0; at 0 the language model is not run.
        num_words: int32[], how many words are weighed so.

    Returns:
        A step function and its state before the first word.
    """

    def both(ids, state):
        own_state, language_state, time = state
        output = StepOutput(*step(ids, own_state))

        def weighed():
            other = StepOutput(*language_step(ids, language_state))
            logits = tf.cast(other.logits, tf.float32)
            return weight * (row_logsumexp(logits) - logits), other.state

        def unweighed():
            return tf.zeros([tf.shape(ids)[0], 0]), language_state

        score_bias, language_state = tf.cond(
            (weight > 0.0) & (time[0] < num_words), weighed, unweighed
        )
        state = (output.state, language_state, time + 1)
        return StepOutput(output.logits, output.attention_weights, state, score_bias)

    num_rows = tf.shape(tf.nest.flatten(state)[0])[0]
    return both, (state, language_state, tf.zeros([num_rows], tf.int32))


def rerank(
    found: Hypotheses,
    num_hypotheses: tf.Tensor,
    num_best: tf.Tensor,
    language_step: StepFn,
    language_state: Any,
    weight: tf.Tensor,
    length_bonus: tf.Tensor,
    bos_id: int,
) -> Hypotheses:
    """The best of what a search has found, by another measure than it searched with.

    The score becomes that of `mmi_score`.

    Args:
        found: num_hypotheses rows for each prompt.
        num_hypotheses: int32[].
        num_best: int32[], how many are returned for each prompt, the best first.
        language_step: one step of the language model.
        language_state: its state before the first word, of as many rows as `found`.
        weight: float32[].
        length_bonus: float32[], the end counted.
        bos_id: fed at the first step.
    """
    # A hypothesis of length 0 is none; it stays the last.
    length = tf.maximum(found.length, 1)
    language = force_decode(language_step, language_state, found.ids, length, bos_id)
    scores = mmi_score(found, language, weight, length_bonus)
    scores = tf.where(found.length > 0, scores, float("-inf"))
    scores, places = tf.math.top_k(tf.reshape(scores, [-1, num_hypotheses]), num_best)
    first = tf.range(tf.shape(places)[0])[:, tf.newaxis] * num_hypotheses
    rows = tf.reshape(first + places, [-1])
    best = Hypotheses(*(tf.gather(column, rows) for column in found))
    return best._replace(score=tf.reshape(scores, [-1]))


def mmi_score(found: Hypotheses, language: Hypotheses, weight, length_bonus) -> tf.Tensor:
    """float32[rows], log p(T|S) - weight * log p(T) + length_bonus * length.

    Args:
        found: replies, as probable as they are with their prompts.
        language: the same, as probable as they are without.
        weight: float32[].
        length_bonus: float32[], the end counted.
    """
    score = found.log_prob - weight * language.log_prob
    return score + length_bonus * tf.cast(found.length, tf.float32)
