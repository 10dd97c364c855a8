"""Parses the decoding options of one call of an exported model."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.decoding.params import DecodingParams, PackedParams
from attention_seq2seq.serving.saved_model.checks import GraphCheck, assert_all, assert_that
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.vocabulary import BOS, PAD, TURN, UNK
from attention_seq2seq.utils.tf_function import noinline

_DTYPES = {int: tf.int32, float: tf.float32, str: tf.string, tuple: tf.string}
OPTION_FIELDS = {field.name: field for field in dataclasses.fields(DecodingConfig)}

INPUT_SPECS = {
    name: tf.TensorSpec([None] if field.default == () else [], _DTYPES[type(field.default)], name)
    for name, field in OPTION_FIELDS.items()
}


def default_inputs() -> dict[str, tf.Tensor]:
    """Returns inputs that change no option: -1 and "" mean the exported value."""
    return {
        name: tf.constant(
            [""] if spec.shape.rank else "" if spec.dtype == tf.string else -1, spec.dtype
        )
        for name, spec in INPUT_SPECS.items()
    }


class GenerationRequest(NamedTuple):
    """Decoding options of one call.

    Attributes:
        method: string[], the decoding method.
        params: the packed parameters of the search.
        replace_unk: bool[], whether unknown tokens are replaced by prompt tokens.
    """

    method: tf.Tensor
    params: PackedParams
    replace_unk: tf.Tensor


@dataclasses.dataclass(frozen=True)
class RequestParser:
    """Parses and validates the decoding options of one call.

    Args:
        decoding: the exported options.
        params: the parameters of these options, from `Chat.decoding_params`.
        max_reply_length: maximum length of a reply in training, EOS included [tokens].
        limits: limits in addition to those of `DecodingConfig`.
        tokenizer: the tokenizer of suppressed tokens and prefixes.
    """

    decoding: DecodingConfig
    params: DecodingParams
    max_reply_length: int
    limits: ServingLimits
    tokenizer: InGraphTokenizer

    def parse(self, inputs: dict[str, tf.Tensor], num_prompts: tf.Tensor) -> GenerationRequest:
        """Returns the validated options of a call.

        Args:
            inputs: tensors by option name, as in `INPUT_SPECS`; -1 or "": the exported value.
            num_prompts: int32[], number of prompts of the call.
        """
        inputs = dict(zip(inputs, assert_all(self._range_checks(inputs), *inputs.values())))
        method, unk_policy = (
            tf.where(inputs[name] == "", getattr(self.decoding, name), inputs[name])
            for name in ("method", "unk_policy")
        )
        params = self._resolve_params(inputs, unk_policy)
        checks = self._combination_checks(method, params.unpack(), num_prompts)
        method, *tensors = assert_all(checks, method, *params)
        return GenerationRequest(method, PackedParams(*tensors), unk_policy == "replace")

    def _range_checks(self, inputs) -> list[GraphCheck]:
        """Returns the checks of single options."""
        upper_bounds = {
            "beam_width": self.limits.max_beam_width,
            "num_beam_groups": self.limits.max_beam_width,
            "num_return_sequences": self.limits.max_beam_width,
            "min_length": self.limits.max_reply_length,
            "max_length": self.limits.max_reply_length,
        }
        checks = []
        for name, field in OPTION_FIELDS.items():
            value, metadata = inputs[name], field.metadata
            if metadata["choices"]:
                choices = ("", *metadata["choices"])
                checks.append(
                    GraphCheck(
                        tf.reduce_any(value == tf.constant(choices)),
                        f"{name} is {{}}; choose one of {', '.join(metadata['choices'])}, or '' "
                        "for the exported value.",
                        (value,),
                    )
                )
            elif value.dtype != tf.string:
                high = upper_bounds.get(name, metadata["high"])
                low = metadata["low"]
                # The comparison is false for NaN.
                is_valid = (value == -1) | ((value >= low) & (value <= high))
                checks.append(
                    GraphCheck(
                        is_valid,
                        f"{name} is {{}}; expected {low} to {high}, or -1 for the exported value.",
                        (value,),
                    )
                )
        return checks

    def _combination_checks(self, method, params: DecodingParams, num_prompts) -> list[GraphCheck]:
        """Returns the checks that involve several options."""
        num_rows = num_prompts * tf.where(
            method == "beam",
            params.beam_width,
            tf.where(method == "sample", params.num_return_sequences, 1),
        )
        num_tokens = tf.cast(num_rows, tf.int64) * tf.cast(params.max_length, tf.int64)
        return [
            GraphCheck(
                params.beam_width % tf.maximum(params.num_beam_groups, 1) == 0,
                "beam_width is {} and num_beam_groups is {}; expected beam_width to be a multiple "
                "of num_beam_groups.",
                (params.beam_width, params.num_beam_groups),
            ),
            GraphCheck(
                (method != "beam") | (params.num_return_sequences <= params.beam_width),
                "num_return_sequences is {} and beam_width is {}: beam search returns at most "
                "beam_width replies.",
                (params.num_return_sequences, params.beam_width),
            ),
            GraphCheck(
                (method != "greedy") | (params.num_return_sequences == 1),
                "num_return_sequences is {} and method is greedy, which finds one reply. Use beam "
                "or sample.",
                (params.num_return_sequences,),
            ),
            GraphCheck(
                params.min_length <= params.max_length,
                "min_length is {}, above max_length. Lower min_length, or raise max_length.",
                (params.min_length,),
            ),
            GraphCheck(
                tf.size(params.prefix_ids) <= params.max_length,
                "target_prefix has {} tokens, and a reply has at most {}. Choose a shorter prefix, "
                "or raise max_length.",
                (tf.size(params.prefix_ids), params.max_length),
            ),
            GraphCheck(
                num_rows <= self.limits.max_hypotheses,
                f"The call needs {{}} hypotheses; the limit is {self.limits.max_hypotheses} "
                "(max_hypotheses). Send fewer prompts or lower beam_width.",
                (num_rows,),
            ),
            GraphCheck(
                num_tokens <= self.limits.max_total_tokens,
                f"The call needs {{}} tokens; the limit is {self.limits.max_total_tokens} "
                "(max_total_tokens). Send fewer prompts, or lower beam_width or max_length.",
                (num_tokens,),
            ),
        ]

    def _resolve_params(self, inputs, unk_policy) -> PackedParams:
        """Returns the requested parameters, or exported parameters for inputs of -1 or ""."""
        max_length = inputs["max_length"]
        values = {name: inputs[name] for name in DecodingParams._fields if name in inputs}
        values["max_length"] = tf.where(max_length == 0, self.max_reply_length, max_length)
        suppressed_ids, suppressed_sequences = self._suppressed(inputs, unk_policy)
        requested = DecodingParams(
            **values,
            suppressed_ids=suppressed_ids,
            prefix_ids=self._prefix_ids(inputs["target_prefix"]),
            suppressed_sequences=suppressed_sequences,
        ).pack()
        exported = self.params.pack()
        # All numbers of a type at once, because each operation of the graph costs time.
        return requested._replace(
            integers=tf.where(requested.integers == -1, exported.integers, requested.integers),
            floats=tf.where(requested.floats == -1, exported.floats, requested.floats),
        )

    def _suppressed(self, inputs, unk_policy):
        """Returns suppressed_ids and suppressed_sequences, as in `DecodingParams`."""
        special_ids = tf.constant([PAD, BOS, TURN])
        forbids_unk = (unk_policy == "forbid") | (self.tokenizer.target_speller is not None)
        unk = tf.fill([tf.cast(forbids_unk, tf.int32)], UNK)
        texts = inputs["suppress_tokens"]
        exported_ids = set(self.params.suppressed_ids.tolist()) - {PAD, BOS, TURN, UNK}
        exported_ids = tf.constant(sorted(exported_ids), tf.int32)
        exported_sequences = tf.constant(self.params.suppressed_sequences)

        def requested():
            tokens = self.tokenizer.spell_replies(tf.boolean_mask(texts, texts != ""))
            ids = self.tokenizer.target_vocabulary.ids(tokens)
            ids = tf.ragged.boolean_mask(ids, ~tf.reduce_any(ids == UNK, axis=1))
            single_ids = tf.ragged.boolean_mask(ids, ids.row_lengths() == 1).flat_values
            sequences = tf.ragged.boolean_mask(ids, ids.row_lengths() > 1)
            has_exported = tf.cast(tf.reduce_any(texts == ""), tf.int32)
            return (
                tf.concat([single_ids, tf.repeat(exported_ids, has_exported)], axis=0),
                _concat_sequences(
                    _pad_left(sequences), tf.repeat(exported_sequences, has_exported, axis=0)
                ),
            )

        is_default = (tf.size(texts) == 1) & tf.reduce_all(texts == "")
        ids, sequences = tf.cond(
            is_default, lambda: (exported_ids, exported_sequences), noinline(requested)
        )
        return tf.concat([special_ids, unk, ids], axis=0), sequences

    def _prefix_ids(self, prefix):
        """Returns the ids of the prefix, int32[prefix_time]."""

        def requested_ids():
            tokens = self.tokenizer.tokenize_replies(prefix[tf.newaxis])
            ids = self.tokenizer.target_vocabulary.ids(tokens).flat_values
            return assert_that(
                ids,
                tf.reduce_all(ids != UNK),
                "target_prefix: {} has a token that is not in the vocabulary, so no reply "
                "can start with it. Choose another prefix.",
                prefix,
            )

        return tf.cond(
            prefix == "", lambda: tf.constant(self.params.prefix_ids), noinline(requested_ids)
        )


def _pad_left(sequences: tf.RaggedTensor):
    """Returns int32[num_sequences, length], padded with -1 before the first token."""
    padded = sequences.to_tensor(-1)
    reversed_rows = tf.reverse_sequence(padded, sequences.row_lengths(), seq_axis=1)
    return tf.reverse(reversed_rows, axis=[1])


def _concat_sequences(*sequences):
    """Concatenates sequences of different lengths, padded with -1 before the first token."""
    lengths = [tf.shape(rows)[1] for rows in sequences]
    length = tf.reduce_max(tf.stack([*lengths, 1]))
    padded = [
        tf.pad(rows, [[0, 0], [length - row_length, 0]], constant_values=-1)
        for rows, row_length in zip(sequences, lengths)
    ]
    return tf.concat(padded, axis=0)
