"""Decoding parameters: the options of one call as tensors.

`DecodingParams` has a field for each option. Each argument of a traced function costs time, so
traced functions take the five tensors of `PackedParams` and unpack them:

    params = DecodingParams.from_config(decoding, max_length)
    hypotheses = generator.beam_search(source_ids, source_length, prompt_target_ids, params.pack())
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig


class DecodingParams(NamedTuple):
    """Decoding parameters of one call.

    The fields are tensors in a traced function, and NumPy scalars and arrays from `from_config`.

    Attributes:
        num_return_sequences: int32[], number of hypotheses returned for each prompt; at most
            beam_width for beam search.
        min_length: int32[], minimum number of tokens before EOS.
        max_length: int32[], maximum number of tokens, at least 1, EOS included.
        beam_width: int32[], number of beams of each prompt.
        num_beam_groups: int32[], number of groups of diverse beam search, which are extended
            in turn at each step; a divisor of beam_width.
        top_k: int32[], number of most probable tokens to sample from; 0: all.
        sampling_seed: int32[], seed of the random numbers of sampling.
        no_repeat_ngram_size: int32[], size of the n-grams that may not repeat; 0 disables it.
        mmi_max_tokens: int32[], number of first tokens that mmi_weight applies to.
        diversity_penalty: float32[], at least 0, penalty on a token's log-probability for each
            earlier group that chose it at this step [nats].
        length_penalty: float32[], exponent w in score = log_prob / ((5 + length) / 6)^w, where
            length includes EOS; 0 disables it, values above 0 favor long replies (Wu et al. 2016,
            equation 14).
        coverage_penalty: float32[], at least 0, weight of the sum of log(min(attention, 1)) over
            the prompt tokens, where attention is accumulated over the reply.
        temperature: float32[], above 0, divisor of the logits in sampling; values below 1 sharpen
            the distribution.
        top_p: float32[], total probability of the smallest set of tokens to sample from; 1: all.
        repetition_penalty: float32[], divisor of the probability of tokens generated before; 1
            disables it.
        prompt_bigram_penalty: float32[], divisor of the probability of a token that completes
            a bigram of the prompt, with BOS before the first token; 1 disables it.
        mmi_weight: float32[], at least 0, weight of the log-probability without the prompt, which
            the search subtracts from the scores of tokens; 0 disables it.
        rerank_mmi_weight: float32[], at least 0, weight of the log-probability without the prompt,
            which reranking subtracts from the score.
        rerank_length_bonus: float32[], bonus for each token in reranking [nats].
        suppressed_ids: int32[num_suppressed], tokens that are never generated.
        prefix_ids: int32[prefix_time], first tokens of each reply.
        suppressed_sequences: int32[num_sequences, length], sequences of tokens that are never
            generated, at least two tokens each, padded with -1 before the first token.
    """

    num_return_sequences: tf.Tensor
    min_length: tf.Tensor
    max_length: tf.Tensor
    beam_width: tf.Tensor
    num_beam_groups: tf.Tensor
    top_k: tf.Tensor
    sampling_seed: tf.Tensor
    no_repeat_ngram_size: tf.Tensor
    mmi_max_tokens: tf.Tensor
    diversity_penalty: tf.Tensor
    length_penalty: tf.Tensor
    coverage_penalty: tf.Tensor
    temperature: tf.Tensor
    top_p: tf.Tensor
    repetition_penalty: tf.Tensor
    prompt_bigram_penalty: tf.Tensor
    mmi_weight: tf.Tensor
    rerank_mmi_weight: tf.Tensor
    rerank_length_bonus: tf.Tensor
    suppressed_ids: tf.Tensor
    prefix_ids: tf.Tensor
    suppressed_sequences: tf.Tensor

    @classmethod
    def from_config(
        cls,
        decoding: DecodingConfig,
        max_length: int,
        suppressed_ids: Iterable[int] = (),
        prefix_ids: Iterable[int] = (),
        suppressed_sequences: Sequence[Sequence[int]] = (),
    ) -> "DecodingParams":
        """Converts decoding options to parameters.

        Args:
            decoding: the options.
            max_length: maximum number of tokens, EOS included.
            suppressed_ids: ids of suppressed tokens.
            prefix_ids: ids of the first tokens of each reply.
            suppressed_sequences: ids of suppressed sequences, at least two tokens each.
        """
        length = max(map(len, suppressed_sequences), default=1)
        sequences = [[-1] * (length - len(ids)) + list(ids) for ids in suppressed_sequences]
        values = {**vars(decoding), "max_length": max_length}
        return cls(
            **{name: np.int32(values[name]) for name in _INT_FIELDS},
            **{name: np.float32(values[name]) for name in _FLOAT_FIELDS},
            suppressed_ids=np.array(sorted(set(suppressed_ids)), np.int32),
            prefix_ids=np.array(list(prefix_ids), np.int32),
            suppressed_sequences=np.array(sequences, np.int32).reshape(-1, length),
        )

    def pack(self) -> "PackedParams":
        """Returns the same parameters as five tensors."""
        values = self._asdict()
        return PackedParams(
            integers=tf.convert_to_tensor([values[name] for name in _INT_FIELDS], tf.int32),
            floats=tf.convert_to_tensor([values[name] for name in _FLOAT_FIELDS], tf.float32),
            suppressed_ids=tf.convert_to_tensor(self.suppressed_ids, tf.int32),
            prefix_ids=tf.convert_to_tensor(self.prefix_ids, tf.int32),
            suppressed_sequences=tf.convert_to_tensor(self.suppressed_sequences, tf.int32),
        )


class PackedParams(NamedTuple):
    """`DecodingParams` as the argument of a traced function.

    Attributes:
        integers: int32[9], the integer fields in the order of `DecodingParams`.
        floats: float32[10], the float fields in the order of `DecodingParams`.
        suppressed_ids: int32[num_suppressed], as in `DecodingParams`.
        prefix_ids: int32[prefix_time], as in `DecodingParams`.
        suppressed_sequences: int32[num_sequences, length], as in `DecodingParams`.
    """

    integers: tf.Tensor
    floats: tf.Tensor
    suppressed_ids: tf.Tensor
    prefix_ids: tf.Tensor
    suppressed_sequences: tf.Tensor

    def unpack(self) -> DecodingParams:
        """Returns the parameters as one tensor per field."""
        return DecodingParams(
            **dict(zip(_INT_FIELDS, tf.unstack(self.integers))),
            **dict(zip(_FLOAT_FIELDS, tf.unstack(self.floats))),
            suppressed_ids=self.suppressed_ids,
            prefix_ids=self.prefix_ids,
            suppressed_sequences=self.suppressed_sequences,
        )


_OPTION_TYPES = {field.name: type(field.default) for field in dataclasses.fields(DecodingConfig)}
_INT_FIELDS = [name for name in DecodingParams._fields if _OPTION_TYPES.get(name) is int]
_FLOAT_FIELDS = [name for name in DecodingParams._fields if _OPTION_TYPES.get(name) is float]

# Signature of the parameters of a traced function.
PARAMS_SPEC = PackedParams(
    integers=tf.TensorSpec([len(_INT_FIELDS)], tf.int32, "integers"),
    floats=tf.TensorSpec([len(_FLOAT_FIELDS)], tf.float32, "floats"),
    suppressed_ids=tf.TensorSpec([None], tf.int32, "suppressed_ids"),
    prefix_ids=tf.TensorSpec([None], tf.int32, "prefix_ids"),
    suppressed_sequences=tf.TensorSpec([None, None], tf.int32, "suppressed_sequences"),
)
