"""Decoding parameters as tensors."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig

INT_FIELDS = (
    "num_return_sequences",
    "min_length",
    "max_length",
    "beam_width",
    "num_beam_groups",
    "top_k",
    "sampling_seed",
    "no_repeat_ngram_size",
    "mmi_max_tokens",
)
FLOAT_FIELDS = (
    "diversity_penalty",
    "length_penalty",
    "coverage_penalty",
    "temperature",
    "top_p",
    "repetition_penalty",
    "prompt_bigram_penalty",
    "mmi_weight",
    "rerank_mmi_weight",
    "rerank_length_bonus",
)


class DecodingParams(NamedTuple):
    """The parameters of a call, packed into four tensors because each argument costs time.

    Each number is an attribute with the name of the option in `DecodingConfig`, for example
    `params.beam_width`, an int32[].

    Attributes:
        integers: int32[9].
        floats: float32[10].
        forbidden_ids: int32[num_forbidden], suppressed tokens.
        prefix_ids: int32[prefix_time], first tokens of each reply.
    """

    integers: tf.Tensor
    floats: tf.Tensor
    forbidden_ids: tf.Tensor
    prefix_ids: tf.Tensor

    @classmethod
    def from_config(cls, decoding: DecodingConfig, max_length, forbidden_ids=(), prefix_ids=()):
        """Packs a config into tensors.

        Args:
            decoding: the options.
            max_length: largest number of tokens, end token included.
            forbidden_ids: ids of suppressed tokens.
            prefix_ids: ids of the first tokens of each reply.
        """
        values = {**vars(decoding), "max_length": max_length}
        return cls(
            integers=tf.constant([values[name] for name in INT_FIELDS], tf.int32),
            floats=tf.constant([values[name] for name in FLOAT_FIELDS], tf.float32),
            forbidden_ids=tf.constant(sorted(set(forbidden_ids)), tf.int32),
            prefix_ids=tf.constant(list(prefix_ids), tf.int32),
        )

    def __getattr__(self, name: str) -> tf.Tensor:
        if name in INT_FIELDS:
            return self.integers[INT_FIELDS.index(name)]
        if name in FLOAT_FIELDS:
            return self.floats[FLOAT_FIELDS.index(name)]
        raise AttributeError(name)


# The type of the parameters of any call.
PARAMS_SPEC = DecodingParams(
    tf.TensorSpec([len(INT_FIELDS)], tf.int32, "integers"),
    tf.TensorSpec([len(FLOAT_FIELDS)], tf.float32, "floats"),
    tf.TensorSpec([None], tf.int32, "forbidden_ids"),
    tf.TensorSpec([None], tf.int32, "prefix_ids"),
)
