"""A trained model as a TensorFlow module with signatures from raw text to replies."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.decoding.attribution import leave_one_out_drops, normalize_drops
from attention_seq2seq.decoding.params import PackedParams
from attention_seq2seq.decoding.stepwise import StepwiseGreedySearch
from attention_seq2seq.serving.saved_model.inputs import EncodedReplies, InputEncoder
from attention_seq2seq.serving.saved_model.outputs import OutputDecoder, prompt_outputs
from attention_seq2seq.serving.saved_model.request import (
    INPUT_SPECS,
    RequestParser,
    default_inputs,
)
from attention_seq2seq.serving.saved_model.stepwise import StepwiseDecoder
from attention_seq2seq.serving.saved_model.words import word_outputs
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import BOS, EOS, UNK
from attention_seq2seq.utils.tf_function import graph_function, noinline

PROMPT = tf.TensorSpec([None], tf.string, "prompt")
REPLY = tf.TensorSpec([None], tf.string, "reply")
TOKENS = tf.TensorSpec([None, None], tf.string, "prompt_tokens")
IDS = tf.TensorSpec([None], tf.int32, "ids")

SIGNATURES = (
    "serving_default",
    "generate",
    "generate_from_tokens",
    "score",
    "attribute",
    "encode",
    "decode_step",
)


class ServingModule(tf.Module):
    """Exported module with weights, text processing in TensorFlow, and all signatures.

    Every function takes any number of rows, even zero, and is traced once. All padding is 0, False
    or "".

    Args:
        chat: the trained model.
        decoding: the options of `serving_default` and `generate_from_tokens`, and the default
            options of `generate`.
        limits: limits on one call.
        dictionary_dir: directory for the dictionary file that the export copies.
        on_trace: called after each trace of a function.

    Attributes:
        serving_default: maps prompt string[batch], any bytes, to these outputs:
            - reply string[batch], score and log_prob float32[batch], finished bool[batch]
            - reply_tokens string[batch, target_time], including <eos> if it was reached
            - token_log_probs float32[batch, target_time]
            - reply_length int32[batch], number of tokens without <eos>
            - attention_weights float32[batch, target_time, source_time], only with attention
            - prompt_tokens string[batch, source_time], prompt_length int32[batch]
            - prompt_truncated_tokens int32[batch], number of tokens beyond the maximum length
        generate: maps prompt and a scalar for each field of `DecodingConfig` (suppress_tokens:
            string[num_suppressed]) to the same outputs. Outputs of replies have a second axis,
            num_return_sequences. num_replies int32[batch] is the number of replies per prompt.
        generate_from_tokens: maps prompt_tokens string[batch, source_time], padded with "", to the
            outputs of `serving_default`.
        score: maps prompt and reply string[batch] to perplexity float32[batch], and to log_prob,
            token_log_probs, reply_tokens, reply_length and attention_weights as above.
        attribute: maps prompt and reply to the outputs of `score`, the outputs of prompts, and
            contributions float32[batch, target_time, source_time], as `Reply.contributions`. The
            words of both sides are prompt_words string[batch, prompt_words] and reply_words
            string[batch, reply_words], including <eos>. Tables of words are word_contributions
            and word_attention_weights float32[batch, reply_words, prompt_words], as in `Reply`.
        encode: maps prompt to the initial state, and ids int32[batch] for `decode_step`.
        decode_step: computes one step of greedy search with the exported options. Maps ids and
            state to the next state, the next ids, tokens string[batch], finished bool[batch],
            log_probs float32[batch, vocab] and attention_weights float32[batch, source_time].

    Raises:
        ValueError: `decoding` exceeds `limits`.
    """

    def __init__(
        self,
        chat: Chat,
        decoding: DecodingConfig,
        limits: ServingLimits,
        dictionary_dir: str | Path,
        on_trace: Callable[[], None],
    ):
        super().__init__()
        _check_defaults(chat, decoding, limits)
        # The model itself cannot be saved, because its attention refers to tensors of other graphs.
        self.weights = list(chat.model.named_weights().values())
        self.tokenizer = InGraphTokenizer(chat.tokenizer, dictionary_dir)
        self._generator = chat.generator
        self._decoding = decoding
        # `serving_default` returns one reply per prompt, even if `generate` returns several.
        self._params = chat.decoding_params(dataclasses.replace(decoding, num_return_sequences=1))
        self._input_encoder = InputEncoder(
            self.tokenizer, chat.config.data.max_source_length, limits
        )
        self._output_decoder = OutputDecoder(self.tokenizer, chat.model.has_attention)
        self._stepwise_decoder = StepwiseDecoder(
            StepwiseGreedySearch(chat.model, BOS, EOS), self.tokenizer, self._params, limits
        )
        self._request_parser = RequestParser(
            decoding,
            chat.decoding_params(decoding),
            chat.config.data.max_target_length + 1,
            limits,
            self.tokenizer,
        )
        defaults = default_inputs()

        def generate(prompt, options=defaults):
            return self._generate(prompt, options)

        def signature(function, specs):
            @functools.wraps(function)
            def traced_function(*arguments):
                outputs = function(*arguments)
                on_trace()
                return outputs

            return graph_function(traced_function, specs)

        self.serving_default = signature(self._serving_default, [PROMPT])
        # The default values are exported, too, so clients may omit any option.
        self.generate = signature(generate, [PROMPT, INPUT_SPECS])
        self.generate_from_tokens = signature(self._from_tokens, [TOKENS])
        self.score = signature(self._score, [PROMPT, REPLY])
        self.attribute = signature(self._attribute, [PROMPT, REPLY])
        self.encode = signature(self._encode, [PROMPT])
        self.decode_step = signature(
            self._stepwise_decoder.decode_step, [IDS, self._stepwise_decoder.search.state_specs]
        )

    @property
    def signatures(self) -> dict:
        """Functions of the signatures by name."""
        return {name: getattr(self, name) for name in SIGNATURES}

    def _serving_default(self, prompt):
        prompts = self._input_encoder.encode_prompts(prompt)
        return _drop_padding(self._generate_one(prompts), tf.size(prompt))

    def _from_tokens(self, prompt_tokens):
        prompts = self._input_encoder.encode_tokens(prompt_tokens)
        return _drop_padding(self._generate_one(prompts), tf.shape(prompt_tokens)[0])

    def _generate(self, prompt, options):
        request = self._request_parser.parse(options, tf.size(prompt))
        prompts = self._input_encoder.encode_prompts(prompt)
        searches = {
            method: noinline(lambda search=search: self._search(search, prompts, request.params))
            for method, search in self._generator.methods.items()
        }
        hypotheses = tf.cond(
            request.method == "greedy",
            searches["greedy"],
            lambda: tf.cond(request.method == "beam", searches["beam"], searches["sample"]),
        )
        outputs = self._output_decoder.decode_n_best(
            prompts,
            hypotheses,
            request.params.unpack().num_return_sequences,
            request.replace_unk,
        )
        return _drop_padding(outputs, tf.size(prompt))

    def _score(self, prompt, reply):
        prompts, replies = self._input_encoder.encode_pairs(prompt, reply)
        return _drop_padding(self._score_pairs(prompts, replies), tf.size(prompt))

    def _attribute(self, prompt, reply):
        prompts, replies = self._input_encoder.encode_pairs(prompt, reply)
        drops = self._drops(prompts, replies)
        outputs = {
            **self._score_pairs(prompts, replies),
            **prompt_outputs(prompts),
            "contributions": normalize_drops(drops),
        }
        outputs |= word_outputs(
            self.tokenizer, prompts, replies, drops, outputs.get("attention_weights")
        )
        return _drop_padding(outputs, tf.size(prompt))

    def _encode(self, prompt):
        outputs = self._stepwise_decoder.encode(self._input_encoder.encode_prompts(prompt))
        return _drop_padding(outputs, tf.size(prompt))

    def _generate_one(self, prompts: EncodedPrompts) -> dict:
        search = self._generator.methods[self._decoding.method]
        hypotheses = self._search(search, prompts, self._params.pack())
        should_replace_unk = tf.constant(self._decoding.unk_policy == "replace")
        return self._output_decoder.decode(prompts, hypotheses, should_replace_unk)

    def _search(self, search, prompts: EncodedPrompts, params: PackedParams):
        return search(prompts.ids, prompts.length, prompts.target_ids, params)

    def _score_pairs(self, prompts: EncodedPrompts, replies: EncodedReplies) -> dict:
        hypotheses = self._generator.force_decode(
            prompts.ids, prompts.length, replies.ids, replies.length
        )
        mean = hypotheses.log_prob / tf.cast(replies.length, tf.float32)
        outputs = {
            "log_prob": hypotheses.log_prob,
            "token_log_probs": hypotheses.token_log_probs,
            "perplexity": tf.exp(-mean),
            "reply_tokens": replies.tokens,
            "reply_length": replies.length - 1,
        }
        if self._generator.model.has_attention:
            outputs["attention_weights"] = hypotheses.attention_weights
        return outputs

    def _drops(self, prompts: EncodedPrompts, replies: EncodedReplies):
        """Returns drops float32[batch, target_time, source_time], prompt by prompt."""
        target_time = tf.shape(replies.ids)[1]

        def attribute_row(row):
            table = leave_one_out_drops(self._generator, *row, UNK)
            return tf.pad(table, [[0, target_time - tf.shape(table)[0]], [0, 0]])

        return tf.map_fn(
            attribute_row,
            (prompts.ids, prompts.length, replies.ids, replies.length),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec([None, None], tf.float32),
        )


def _drop_padding(outputs: dict, num_rows) -> dict:
    """Drops the row that was added to a batch without rows."""
    return {name: output[:num_rows] for name, output in outputs.items()}


def _check_defaults(chat: Chat, decoding: DecodingConfig, limits: ServingLimits) -> None:
    max_length = decoding.max_length or chat.config.data.max_target_length
    width = {"beam": decoding.beam_width, "sample": decoding.num_return_sequences}.get(
        decoding.method, 1
    )
    width_name = "beam_width or num_return_sequences"
    for name, value, limit in (
        (width_name, width, "max_beam_width"),
        ("max_length", max_length, "max_reply_length"),
        (width_name, width, "max_hypotheses"),
        (f"{width_name} times max_length", width * (max_length + 1), "max_total_tokens"),
    ):
        if value > getattr(limits, limit):
            raise ValueError(
                f"{name} is {value}, above {limit} {getattr(limits, limit)}. Lower {name}, or "
                f"raise {limit}."
            )
