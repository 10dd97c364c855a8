"""Against replies that suit every prompt: what is likely without the prompt counts for less.

Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models": instead
of the most probable reply T to a prompt S, log p(T|S), the one that says most about it is sought,
log p(T|S) - weight * log p(T) (equation 9, "MMI-antiLM").
"""

from typing import Any

import tensorflow as tf

from attention_seq2seq.decoding.forced_decoding import teacher_forcing
from attention_seq2seq.decoding.step import Hypotheses, Step, Stepped
from attention_seq2seq.decoding.top_k import log_of_sum


def against_language_model(
    step: Step, state: Any, language_step: Step, language_state: Any, weight, num_words
) -> tuple[Step, Any]:
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
        stepped = Stepped(*step(ids, own_state))

        def weighed():
            other = Stepped(*language_step(ids, language_state))
            logits = tf.cast(other.logits, tf.float32)
            return weight * (log_of_sum(logits) - logits), other.state

        def unweighed():
            return tf.zeros([tf.shape(ids)[0], 0]), language_state

        preference, language_state = tf.cond(
            (weight > 0.0) & (time[0] < num_words), weighed, unweighed
        )
        state = (stepped.state, language_state, time + 1)
        return Stepped(stepped.logits, stepped.attention_weights, state, preference)

    num_rows = tf.shape(tf.nest.flatten(state)[0])[0]
    return both, (state, language_state, tf.zeros([num_rows], tf.int32))


def ranked_anew(
    found: Hypotheses,
    num_found: tf.Tensor,
    num_best: tf.Tensor,
    language_step: Step,
    language_state: Any,
    weight: tf.Tensor,
    length_bonus: tf.Tensor,
    begin_id: int,
) -> Hypotheses:
    """The best of what a search has found, by another measure than it searched with.

    The score becomes that of `scored_anew`.

    Args:
        found: num_found rows for each prompt.
        num_found: int32[].
        num_best: int32[], how many are returned for each prompt, the best first.
        language_step: one step of the language model.
        language_state: its state before the first word, of as many rows as `found`.
        weight: float32[].
        length_bonus: float32[], the end counted.
        begin_id: fed at the first step.
    """
    # A hypothesis of length 0 is none; it stays the last.
    length = tf.maximum(found.length, 1)
    language = teacher_forcing(language_step, language_state, found.ids, length, begin_id)
    scores = scored_anew(found, language, weight, length_bonus)
    scores = tf.where(found.length > 0, scores, float("-inf"))
    scores, places = tf.math.top_k(tf.reshape(scores, [-1, num_found]), num_best)
    first = tf.range(tf.shape(places)[0])[:, tf.newaxis] * num_found
    rows = tf.reshape(first + places, [-1])
    best = Hypotheses(*(tf.gather(column, rows) for column in found))
    return best._replace(score=tf.reshape(scores, [-1]))


def scored_anew(found: Hypotheses, language: Hypotheses, weight, length_bonus) -> tf.Tensor:
    """float32[rows], log p(T|S) - weight * log p(T) + length_bonus * length.

    Args:
        found: replies, as probable as they are with their prompts.
        language: the same, as probable as they are without.
        weight: float32[].
        length_bonus: float32[], the end counted.
    """
    score = found.log_probability - weight * language.log_probability
    return score + length_bonus * tf.cast(found.length, tf.float32)
