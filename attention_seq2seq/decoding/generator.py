"""Generates hypotheses from prompt ids. Each decoding method is traced once.

A search unpacks its parameters, encodes the prompts, and repeats the state of each prompt for each
row of the search. Then `greedy_search`, `sample` or `beam_search` loops over the steps. Samples and
the hypotheses of a beam can be reranked by MMI.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from attention_seq2seq.decoding.beam_search import beam_search
from attention_seq2seq.decoding.forced_decoding import force_decode
from attention_seq2seq.decoding.greedy_search import greedy_search
from attention_seq2seq.decoding.logits_processors import depends_on_tokens, suppress_tokens
from attention_seq2seq.decoding.mmi import anti_lm_step, mmi_score, rerank
from attention_seq2seq.decoding.params import PARAMS_SPEC, DecodingParams, PackedParams
from attention_seq2seq.decoding.postprocessing import deduplicate
from attention_seq2seq.decoding.sampling import prompt_hashes, sample, sampling_seeds
from attention_seq2seq.decoding.scorers import SequenceScorer, length_penalties
from attention_seq2seq.decoding.step import (
    DecoderModel,
    Hypotheses,
    prepare_decoding,
    prepare_unconditional,
)
from attention_seq2seq.utils.tf_function import LazyConcreteFunction, noinline

_IDS = tf.TensorSpec([None, None], tf.int32)
_LENGTH = tf.TensorSpec([None], tf.int32)
_SEARCH = [_IDS, _LENGTH, _IDS, PARAMS_SPEC]
_REPLIES = [_IDS, _LENGTH, _IDS, _LENGTH]


class SequenceGenerator:
    """Decodes with a model. Each decoding method is one traced function.

    The reply to a prompt does not depend on other prompts of the batch or on padding. All functions
    are thread-safe.

    Args:
        model: the model.
        bos_id: id of the BOS token, the first input.
        eos_id: id of the EOS token.

    Attributes:
        greedy_search, beam_search, sample: functions of source_ids int32[batch, source_time],
            source_length int32[batch], prompt_target_ids int32[batch, source_time] and
            `PackedParams`. prompt_target_ids are the ids of the prompt in the target vocabulary,
            -1 for OOV tokens. The functions return `Hypotheses` with `num_return_sequences` rows
            for each prompt, or one row for greedy search. If a beam has fewer distinct replies,
            its last rows have length 0.
        methods: these three functions, by the values of `DecodingConfig.method`.
        force_decode: function of source_ids, source_length, reply_ids int32[batch, target_time]
            and reply_length int32[batch]; returns the `Hypotheses` of the given replies.
        rescore: function of the same arguments and `PackedParams`; returns the scores of these
            replies in beam search, float32[batch].
    """

    def __init__(self, model: DecoderModel, bos_id: int, eos_id: int):
        self.model = model
        self.bos_id = bos_id
        self.eos_id = eos_id
        self.greedy_search = LazyConcreteFunction(self._greedy_search, _SEARCH)
        self.beam_search = LazyConcreteFunction(self._beam_search, _SEARCH)
        self.sample = LazyConcreteFunction(self._sample, _SEARCH)
        self.methods = {
            "greedy": self.greedy_search,
            "beam": self.beam_search,
            "sample": self.sample,
        }
        self.force_decode = LazyConcreteFunction(self._force_decode, _REPLIES)
        self.rescore = LazyConcreteFunction(self._rescore, [*_REPLIES, PARAMS_SPEC])

    def _greedy_search(
        self, source_ids, source_length, prompt_target_ids, packed: PackedParams
    ) -> Hypotheses:
        params = packed.unpack()
        search = functools.partial(greedy_search, max_length=params.max_length)
        hypotheses = self._run(search, source_ids, source_length, prompt_target_ids, 1, params)
        return _drop_padding_rows(hypotheses, tf.shape(source_ids)[0])

    def _sample(
        self, source_ids, source_length, prompt_target_ids, packed: PackedParams
    ) -> Hypotheses:
        params = packed.unpack()
        num_return_sequences = params.num_return_sequences
        prompts = _prompt_of_row(tf.shape(source_ids)[0], num_return_sequences)
        sample_indices = tf.range(tf.size(prompts)) % num_return_sequences
        hashes = tf.gather(prompt_hashes(source_ids, source_length), prompts)
        seeds = sampling_seeds(params.sampling_seed, hashes, sample_indices)
        search = functools.partial(sample, params=params, seeds=seeds)
        hypotheses = self._run(
            search, source_ids, source_length, prompt_target_ids, num_return_sequences, params
        )
        hypotheses = _drop_padding_rows(hypotheses, tf.shape(source_ids)[0] * num_return_sequences)
        return self._rerank(hypotheses, num_return_sequences, params)

    def _beam_search(
        self, source_ids, source_length, prompt_target_ids, packed: PackedParams
    ) -> Hypotheses:
        params = packed.unpack()
        width = params.beam_width
        # Reranking needs all hypotheses of the beam.
        num_hypotheses = tf.where(_has_reranking(params), width, params.num_return_sequences)
        search_params = params._replace(num_return_sequences=num_hypotheses)
        prompts = _prompt_of_row(tf.shape(source_ids)[0], width)
        source_time = tf.shape(source_ids)[1] if self.model.has_attention else 0
        mask = tf.gather(tf.sequence_mask(source_length, source_time), prompts)
        search = functools.partial(beam_search, params=search_params, source_mask=mask)
        hypotheses = self._run(search, source_ids, source_length, prompt_target_ids, width, params)
        hypotheses = _drop_padding_rows(hypotheses, tf.shape(source_ids)[0] * num_hypotheses)
        hypotheses = self._rerank(hypotheses, num_hypotheses, params)
        return deduplicate(hypotheses, params.num_return_sequences)

    def _force_decode(self, source_ids, source_length, reply_ids, reply_length) -> Hypotheses:
        prompts = _prompt_of_row(tf.shape(source_ids)[0], 1)
        step, state = self._prepare(source_ids, source_length, prompts)
        hypotheses = force_decode(
            step,
            state,
            tf.gather(reply_ids, prompts),
            tf.gather(reply_length, prompts),
            self.bos_id,
        )
        return _drop_padding_rows(hypotheses, tf.shape(source_ids)[0])

    def _rescore(self, source_ids, source_length, reply_ids, reply_length, packed: PackedParams):
        params = packed.unpack()
        hypotheses = self._force_decode(source_ids, source_length, reply_ids, reply_length)
        language = force_decode(
            *prepare_unconditional(self.model, tf.shape(reply_ids)[0]),
            reply_ids,
            reply_length,
            self.bos_id,
        )
        first = tf.range(tf.shape(hypotheses.ids)[1]) < params.mmi_max_tokens
        first = tf.reduce_sum(tf.where(first, language.token_log_probs, 0.0), axis=1)
        source_time = tf.shape(source_ids)[1] if self.model.has_attention else 0
        scorer = SequenceScorer(
            length_penalties(tf.reduce_max(reply_length), params.length_penalty),
            tf.sequence_mask(source_length, source_time),
            params.coverage_penalty,
        )
        score = scorer.score(
            hypotheses.log_prob - params.mmi_weight * first,
            reply_length,
            tf.reduce_sum(hypotheses.attention_weights, axis=1),
        )
        return tf.where(_has_reranking(params), mmi_score(hypotheses, language, params), score)

    def _run(
        self,
        search: Callable,
        source_ids,
        source_length,
        prompt_target_ids,
        rows_per_prompt,
        params: DecodingParams,
    ) -> Hypotheses:
        """Runs a search with `rows_per_prompt` rows for each prompt.

        The search is traced twice, with and without logits processors and MMI, because inactive
        processors in the loop would also take time.

        Args:
            search: function of a step function, the initial state and logits processors.
            source_ids: int32[batch, source_time], the prompts, padded with 0.
            source_length: int32[batch], number of tokens of each prompt.
            prompt_target_ids: int32[batch, source_time], ids of the prompts in the target
                vocabulary, -1 for OOV tokens.
            rows_per_prompt: int32[], number of rows of each prompt.
            params: the parameters of the call.
        """
        prompts = _prompt_of_row(tf.shape(source_ids)[0], rows_per_prompt)
        num_rows = tf.size(prompts)
        step, state = self._prepare(source_ids, source_length, prompts)
        processors = suppress_tokens(
            params.suppressed_ids, self.model.vocabulary_size, self.bos_id, self.eos_id
        )

        def constrained_search():
            biased_step = anti_lm_step(
                step,
                state,
                *prepare_unconditional(self.model, num_rows),
                params,
            )
            return search(
                *biased_step,
                processors=processors._replace(
                    params=params, prompt_target_ids=tf.gather(prompt_target_ids, prompts)
                ),
            )

        return tf.cond(
            depends_on_tokens(params) | (params.mmi_weight > 0.0),
            noinline(constrained_search),
            noinline(lambda: search(step, state, processors=processors)),
        )

    def _prepare(self, source_ids, source_length, prompts):
        # The encoder also needs at least two rows.
        num_prompts = tf.shape(source_ids)[0]
        prompt_indices = tf.range(tf.maximum(num_prompts, 2)) % num_prompts
        return prepare_decoding(
            self.model,
            tf.gather(source_ids, prompt_indices),
            tf.gather(source_length, prompt_indices),
            prompts,
        )

    def _rerank(self, hypotheses: Hypotheses, num_hypotheses, params: DecodingParams):
        def reranked():
            return rerank(
                hypotheses,
                num_hypotheses,
                *prepare_unconditional(self.model, tf.shape(hypotheses.ids)[0]),
                params,
                self.bos_id,
            )

        return tf.cond(_has_reranking(params), noinline(reranked), lambda: hypotheses)


def _has_reranking(params: DecodingParams):
    return (params.rerank_mmi_weight > 0.0) | (params.rerank_length_bonus != 0.0)


def _prompt_of_row(num_prompts, rows_per_prompt):
    """Returns int32[rows], the index of each row's prompt, with at least two rows.

    The matrix product of a single row is rounded differently from that of several rows, so the
    reply to a single prompt could differ from its reply in a batch.
    """
    rows = tf.maximum(num_prompts * rows_per_prompt, 2)
    return (tf.range(rows) // rows_per_prompt) % num_prompts


def _drop_padding_rows(hypotheses: Hypotheses, num_rows) -> Hypotheses:
    """Removes the rows that were added to have at least two rows."""
    return Hypotheses(*(column[:num_rows] for column in hypotheses))
