"""The inputs that tell a served model how to answer: each option of decoding, from call to call."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.decoding.params import FLOAT_FIELDS, INT_FIELDS, DecodingParams
from attention_seq2seq.serving.saved_model.checks import Check, refuse_unless
from attention_seq2seq.text.in_graph.tokenizer import InGraphTokenizer
from attention_seq2seq.text.vocabulary import BOS, PAD, TURN, UNK
from attention_seq2seq.utils.tf_function import noinline

_DTYPES = {int: tf.int32, float: tf.float32, str: tf.string, tuple: tf.string}
FIELDS = {field.name: field for field in dataclasses.fields(DecodingConfig)}

SPECS = {
    name: tf.TensorSpec([None] if field.default == () else [], _DTYPES[type(field.default)], name)
    for name, field in FIELDS.items()
}


def unset() -> dict[str, tf.Tensor]:
    """The inputs that ask for nothing: -1 and "" mean what the model was exported with."""
    return {
        name: tf.constant(
            [""] if spec.shape.rank else "" if spec.dtype == tf.string else -1, spec.dtype
        )
        for name, spec in SPECS.items()
    }


class Asked(NamedTuple):
    """How one call wants its replies.

    Attributes:
        method: string[].
        params: for the search.
        replaces_unknown: bool[].
    """

    method: tf.Tensor
    params: DecodingParams
    replaces_unknown: tf.Tensor


class Asking:
    """Reads the inputs of one call.

    Args:
        decoding: what the model is exported with.
        params: the same, of `Chat.decoding_params`.
        longest: of a reply that is as long as in training, its end counted.
        caps: bounds beside those of `DecodingConfig`.
        tokenizer: cuts the words that are asked for.
    """

    def __init__(
        self,
        decoding: DecodingConfig,
        params: DecodingParams,
        longest: int,
        caps: Caps,
        tokenizer: InGraphTokenizer,
    ):
        self.decoding = decoding
        self.params = DecodingParams(*(tensor.numpy() for tensor in params))
        self.longest = longest
        self.caps = caps
        self.tokenizer = tokenizer

    def read(self, inputs: dict[str, tf.Tensor], num_prompts: tf.Tensor) -> Asked:
        """What is asked for, checked.

        Args:
            inputs: a tensor for each option, as `SPECS` says; -1 or "" is the exported one.
            num_prompts: int32[], of the call.
        """
        inputs = dict(zip(inputs, refuse_unless(self._ranges(inputs), *inputs.values())))
        integers = self._numbers(inputs, INT_FIELDS, self.params.integers)
        floats = self._numbers(inputs, FLOAT_FIELDS, self.params.floats)
        method, unknown = (self._word(inputs, name) for name in ("method", "unknown"))
        params = DecodingParams(
            integers, floats, self._forbidden(inputs, unknown), self._prefix(inputs["prefix"])
        )
        checks = self._combinations(method, params, num_prompts)
        method, *tensors = refuse_unless(checks, method, *params)
        return Asked(method, DecodingParams(*tensors), unknown == "replace")

    def _ranges(self, inputs) -> list[Check]:
        """Of each option by itself."""
        caps = {
            "beam_width": self.caps.max_beam_width,
            "beam_groups": self.caps.max_beam_width,
            "num_best": self.caps.max_beam_width,
            "minimum_length": self.caps.max_reply_words,
            "maximum_length": self.caps.max_reply_words,
        }
        checks = []
        for name, field in FIELDS.items():
            value, about = inputs[name], field.metadata
            if about["choices"]:
                choices = ("", *about["choices"])
                checks.append(
                    Check(
                        tf.reduce_any(value == tf.constant(choices)),
                        f"{name} is {{}}; choose one of {', '.join(about['choices'])}, or '' for "
                        "what was exported.",
                        (value,),
                    )
                )
            elif value.dtype != tf.string:
                high = caps.get(name, about["high"])
                low = about["low"]
                # Not a number is in no range.
                holds = (value == -1) | ((value >= low) & (value <= high))
                checks.append(
                    Check(
                        holds,
                        f"{name} is {{}}; expected {low} to {high}, or -1 for what was exported.",
                        (value,),
                    )
                )
        return checks

    def _combinations(self, method, params: DecodingParams, num_prompts) -> list[Check]:
        """Of options together."""
        rows = num_prompts * tf.where(
            method == "beam", params.beam_width, tf.where(method == "sample", params.num_best, 1)
        )
        words = tf.cast(rows, tf.int64) * tf.cast(params.maximum_length, tf.int64)
        return [
            Check(
                params.beam_width % tf.maximum(params.beam_groups, 1) == 0,
                "beam_width is {} and beam_groups {}: the groups cannot be of one size.",
                (params.beam_width, params.beam_groups),
            ),
            Check(
                (method != "beam") | (params.num_best <= params.beam_width),
                "num_best is {} and beam_width {}: a beam finds no more replies than it is wide.",
                (params.num_best, params.beam_width),
            ),
            Check(
                (method != "greedy") | (params.num_best == 1),
                "num_best is {} and method greedy, which finds one reply. Use beam or sample.",
                (params.num_best,),
            ),
            Check(
                params.minimum_length <= params.maximum_length,
                "minimum_length is {}, more than the longest reply has.",
                (params.minimum_length,),
            ),
            Check(
                rows <= self.caps.max_rows,
                f"The call asks for {{}} hypotheses at once; at most {self.caps.max_rows} are "
                "searched (max_rows of the export). Send fewer prompts, or narrow the beam.",
                (rows,),
            ),
            Check(
                words <= self.caps.max_row_words,
                "The call asks for {} words of hypotheses; at most "
                f"{self.caps.max_row_words} are searched (max_row_words of the export). Send "
                "fewer prompts, narrow the beam, or lower maximum_length.",
                (words,),
            ),
        ]

    def _numbers(self, inputs, names: tuple[str, ...], exported):
        """The numbers of one type, in the order of `DecodingParams`."""
        asked = tf.stack([inputs[name] for name in names])
        told = asked
        if "maximum_length" in names:
            here = tf.range(len(names)) == names.index("maximum_length")
            told = tf.where(here & (asked == 0), self.longest, asked)
        return tf.where(asked == -1, exported, told)

    def _word(self, inputs, name: str):
        return tf.where(inputs[name] == "", getattr(self.decoding, name), inputs[name])

    def _forbidden(self, inputs, unknown):
        """int32[num_forbidden]."""
        always = tf.constant([PAD, BOS, TURN])
        no_word = tf.fill([tf.cast(unknown == "forbid", tf.int32)], UNK)
        words = inputs["forbidden_words"]
        exported = set(self.params.forbidden_ids.tolist()) - {PAD, BOS, TURN, UNK}
        exported = tf.constant(sorted(exported), tf.int32)

        def asked_for():
            given = tf.boolean_mask(words, words != "")
            cut = self.tokenizer.tokenize_replies(given)
            (cut,) = refuse_unless(
                [
                    Check(
                        tf.reduce_all(cut.row_lengths() == 1),
                        "forbidden_words: {} is not one word each to this model.",
                        (given,),
                    )
                ],
                cut.flat_values,
            )
            ids = self.tokenizer.target_vocabulary.ids(
                tf.RaggedTensor.from_uniform_row_length(cut, 1)
            )
            ids = tf.boolean_mask(ids.flat_values, ids.flat_values != UNK)
            as_exported = tf.reduce_any(words == "")
            return tf.concat(
                [ids, tf.boolean_mask(exported, tf.repeat(as_exported, tf.size(exported)))], 0
            )

        only_exported = (tf.size(words) == 1) & tf.reduce_all(words == "")
        some = tf.cond(only_exported, lambda: exported, noinline(asked_for))
        return tf.concat([always, no_word, some], axis=0)

    def _prefix(self, prefix):
        """int32[prefix_time]."""

        def asked_for():
            words = self.tokenizer.tokenize_replies(prefix[tf.newaxis])
            ids = self.tokenizer.target_vocabulary.ids(words).flat_values
            (ids,) = refuse_unless(
                [
                    Check(
                        tf.reduce_all(ids != UNK),
                        "prefix: {} has a word that this model does not know, so no reply can "
                        "begin with it. Choose another.",
                        (prefix,),
                    )
                ],
                ids,
            )
            return ids

        return tf.cond(
            prefix == "", lambda: tf.constant(self.params.prefix_ids), noinline(asked_for)
        )
