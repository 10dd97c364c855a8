"""Ids of prompts to hypotheses: a model and the ways of decoding, each traced once."""

from collections.abc import Callable

import tensorflow as tf

from attention_seq2seq.decoding.beam_search import Beam, beam_search
from attention_seq2seq.decoding.forced_decoding import teacher_forcing
from attention_seq2seq.decoding.greedy_search import greedy
from attention_seq2seq.decoding.logits_processors import Rules, forbidding
from attention_seq2seq.decoding.mmi import against_language_model, ranked_anew, scored_anew
from attention_seq2seq.decoding.params import KNOBS, Knobs
from attention_seq2seq.decoding.sampling import (
    Sampling,
    prompt_hashes,
    sample,
    sampling_seeds,
)
from attention_seq2seq.decoding.scorers import Ranking, length_divisors
from attention_seq2seq.decoding.step import DecoderModel, Hypotheses
from attention_seq2seq.utils.tf_function import TracedOnce, apart

_IDS = tf.TensorSpec([None, None], tf.int32)
_LENGTH = tf.TensorSpec([None], tf.int32)
_SEARCH = [_IDS, _LENGTH, _IDS, KNOBS]
_REPLIES = [_IDS, _LENGTH, _IDS, _LENGTH]


class Search:
    """A model that answers: every way of decoding, as one traced function each.

    What a prompt is answered does not depend on the prompts beside it, nor on how far they are
    padded. Threads may call all functions at once.

    Args:
        model: ids to logits.
        begin_id: fed before the first word of a reply.
        end_id: ends a reply.

    Attributes:
        greedy, beam, sample: functions of source_ids int32[batch, source_time], source_length
            int32[batch], prompt_ids int32[batch, source_time] (the prompt in ids of the reply's
            vocabulary, -1 where it has none) and `Knobs`, that return `Hypotheses` of num_best
            rows for each prompt, greedy of one.
        follow: a function of source_ids, source_length, reply_ids int32[batch, reply_time] and
            reply_length int32[batch], that returns `Hypotheses`: the replies as they are.
        score: a function of the same and `Knobs`, that returns float32[batch]: what beam search
            ranks these replies by.
    """

    def __init__(self, model: DecoderModel, begin_id: int, end_id: int):
        self.model = model
        self.begin_id = begin_id
        self.end_id = end_id
        self.greedy = TracedOnce(self._greedy, _SEARCH)
        self.beam = TracedOnce(self._beam, _SEARCH)
        self.sample = TracedOnce(self._sample, _SEARCH)
        self.follow = TracedOnce(self._follow, _REPLIES)
        self.score = TracedOnce(self._score, [*_REPLIES, KNOBS])

    def _greedy(self, source_ids, source_length, prompt_ids, knobs: Knobs) -> Hypotheses:
        def search(*way):
            return greedy(*way, self.begin_id, self.end_id, knobs.maximum_length)

        found = self._found(search, source_ids, source_length, prompt_ids, 1, knobs)
        return _first(found, tf.shape(source_ids)[0])

    def _sample(self, source_ids, source_length, prompt_ids, knobs: Knobs) -> Hypotheses:
        num_best = knobs.num_best
        prompts = _prompts(tf.shape(source_ids)[0], num_best)
        numbers = tf.range(tf.size(prompts)) % num_best
        hashes = tf.gather(prompt_hashes(source_ids, source_length), prompts)
        seeds = sampling_seeds(knobs.sampling_seed, hashes, numbers)
        sampling = Sampling(knobs.temperature, knobs.top_k, knobs.top_p, seeds)

        def search(step, state, constraints):
            ends = (self.begin_id, self.end_id, knobs.maximum_length)
            return sample(step, state, sampling, constraints, *ends)

        found = self._found(search, source_ids, source_length, prompt_ids, num_best, knobs)
        found = _first(found, tf.shape(source_ids)[0] * num_best)
        return self._ranked_anew(found, num_best, num_best, knobs)

    def _beam(self, source_ids, source_length, prompt_ids, knobs: Knobs) -> Hypotheses:
        width = knobs.beam_width
        weighs = knobs.anti_language_model > 0.0
        # What is to be ranked anew is all that the beam holds.
        num_found = tf.where(_reranks(knobs), width, knobs.num_best)
        beam = Beam(
            width=width,
            groups=knobs.beam_groups,
            diversity=knobs.diversity,
            length_penalty=knobs.length_penalty,
            coverage_penalty=knobs.coverage_penalty,
            num_best=num_found,
            search_at_least=tf.where(weighs, knobs.anti_language_model_words, 0),
        )
        prompts = _prompts(tf.shape(source_ids)[0], width)
        source_time = tf.shape(source_ids)[1] if self.model.attends else 0
        mask = tf.gather(tf.sequence_mask(source_length, source_time), prompts)

        def search(step, state, constraints):
            ends = (self.begin_id, self.end_id, knobs.maximum_length)
            return beam_search(step, state, beam, constraints, *ends, mask)

        found = self._found(search, source_ids, source_length, prompt_ids, width, knobs)
        found = _first(found, tf.shape(source_ids)[0] * num_found)
        return self._ranked_anew(found, num_found, knobs.num_best, knobs)

    def _follow(self, source_ids, source_length, reply_ids, reply_length) -> Hypotheses:
        prompts = _prompts(tf.shape(source_ids)[0], 1)
        step, state = self._model_start(source_ids, source_length, prompts)
        followed = teacher_forcing(
            step,
            state,
            tf.gather(reply_ids, prompts),
            tf.gather(reply_length, prompts),
            self.begin_id,
        )
        return _first(followed, tf.shape(source_ids)[0])

    def _score(self, source_ids, source_length, reply_ids, reply_length, knobs: Knobs):
        found = self._follow(source_ids, source_length, reply_ids, reply_length)
        language = teacher_forcing(
            *self.model.start_without_prompt(tf.shape(reply_ids)[0]),
            reply_ids,
            reply_length,
            self.begin_id,
        )
        first = tf.range(tf.shape(found.ids)[1]) < knobs.anti_language_model_words
        first = tf.reduce_sum(tf.where(first, language.log_probabilities, 0.0), axis=1)
        source_time = tf.shape(source_ids)[1] if self.model.attends else 0
        ranking = Ranking(
            length_divisors(tf.reduce_max(reply_length), knobs.length_penalty),
            tf.sequence_mask(source_length, source_time),
            knobs.coverage_penalty,
        )
        score = ranking.score(
            found.log_probability - knobs.anti_language_model * first,
            reply_length,
            tf.reduce_sum(found.attention_weights, axis=1),
        )
        anew = scored_anew(
            found, language, knobs.rerank_anti_language_model, knobs.rerank_length_bonus
        )
        return tf.where(_reranks(knobs), anew, score)

    def _found(
        self, search: Callable, source_ids, source_length, prompt_ids, copies, knobs: Knobs
    ) -> Hypotheses:
        """What `search`, of a step, its state and constraints, finds with `copies` rows a prompt.

        It is traced twice: where no rule binds and nothing is weighed, the loop is free of them.
        """
        prompts = _prompts(tf.shape(source_ids)[0], copies)
        num_rows = tf.size(prompts)
        step, state = self._model_start(source_ids, source_length, prompts)
        vocab = self.model.num_words
        constraints = forbidding(knobs.forbidden_ids, vocab, self.end_id)
        rules = Rules(
            minimum_length=knobs.minimum_length,
            no_repeat_ngram=knobs.no_repeat_ngram,
            repetition_penalty=knobs.repetition_penalty,
            echo_penalty=knobs.echo_penalty,
            prefix_ids=tf.repeat(knobs.prefix_ids[tf.newaxis], num_rows, axis=0),
            prefix_length=tf.fill([num_rows], tf.size(knobs.prefix_ids)),
            prompt_ids=tf.gather(prompt_ids, prompts),
        )

        def by_the_rules():
            weighed = against_language_model(
                step,
                state,
                *self.model.start_without_prompt(num_rows),
                knobs.anti_language_model,
                knobs.anti_language_model_words,
            )
            return search(*weighed, constraints._replace(rules=rules))

        return tf.cond(
            rules.bind | (knobs.anti_language_model > 0.0),
            apart(by_the_rules),
            apart(lambda: search(step, state, constraints)),
        )

    def _model_start(self, source_ids, source_length, prompts):
        # The encoder too reads two prompts where there is one.
        num_prompts = tf.shape(source_ids)[0]
        both = tf.range(tf.maximum(num_prompts, 2)) % num_prompts
        return self.model.start(
            tf.gather(source_ids, both), tf.gather(source_length, both), prompts
        )

    def _ranked_anew(self, found: Hypotheses, num_found, num_best, knobs: Knobs) -> Hypotheses:
        def anew():
            return ranked_anew(
                found,
                num_found,
                num_best,
                *self.model.start_without_prompt(tf.shape(found.ids)[0]),
                knobs.rerank_anti_language_model,
                knobs.rerank_length_bonus,
                self.begin_id,
            )

        return tf.cond(_reranks(knobs), apart(anew), lambda: found)


def _reranks(knobs: Knobs):
    return (knobs.rerank_anti_language_model > 0.0) | (knobs.rerank_length_bonus != 0.0)


def _prompts(num_prompts, copies):
    """int32[rows], the prompt of each row: `copies` rows each, and never one row alone.

    A matrix product takes another path for one row than for several, and rounds differently: the
    reply to a prompt alone could differ from its reply among others.
    """
    rows = tf.maximum(num_prompts * copies, 2)
    return (tf.range(rows) // copies) % num_prompts


def _first(found: Hypotheses, num_rows) -> Hypotheses:
    """Without the row that was added to one alone."""
    return Hypotheses(*(column[:num_rows] for column in found))
