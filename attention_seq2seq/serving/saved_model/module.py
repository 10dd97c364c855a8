"""A trained model as a TensorFlow module of signatures: raw text in, replies out."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.decoding.attribution import leave_one_out_attribution
from attention_seq2seq.decoding.params import DecodingParams
from attention_seq2seq.serving.saved_model.checks import Check, refuse_unless
from attention_seq2seq.serving.saved_model.inputs import Reader, Replies
from attention_seq2seq.serving.saved_model.outputs import Sayer, as_read
from attention_seq2seq.serving.saved_model.request import SPECS, Asking, unset
from attention_seq2seq.serving.saved_model.stepwise import Stream
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import UNK
from attention_seq2seq.utils.tf_function import graph_function, noinline

PROMPT = tf.TensorSpec([None], tf.string, "prompt")
REPLY = tf.TensorSpec([None], tf.string, "reply")
TOKENS = tf.TensorSpec([None, None], tf.string, "prompt_tokens")
IDS = tf.TensorSpec([None], tf.int32, "ids")

SIGNATURES = ("serving_default", "reply", "tokens", "score", "explain", "encode", "step")


class Serving(tf.Module):
    """What is exported: the weights, the text in TensorFlow ops, and a function each signature.

    Every function takes any number of rows, none included, and traces once.

    Args:
        chat: the trained model.
        decoding: how `serving_default` and `tokens` answer, and `reply` unless told otherwise.
        caps: what is refused.
        folder: where a dictionary is written to, for the export to copy.
        was_traced: called each time that one of the functions has become a graph.

    Attributes:
        serving_default: prompt string[batch], any bytes, to a dictionary: reply string[batch];
            score, log_probability float32[batch]; reply_tokens string[batch, time], the words,
            then <eos> where it was reached, then ""; token_log_probabilities float32[batch, time];
            reply_length int32[batch], words without the end; ended bool[batch]; prompt_tokens
            string[batch, source_time]; prompt_length int32[batch]; prompt_unread int32[batch],
            words more than are read; attention_weights float32[batch, time, source_time] of a
            model that attends. All padding is 0, False or "".
        reply: the same prompt, and a scalar for each field of `DecodingConfig` (forbidden_words:
            string[num_words]), to the same with an axis num_best behind the batch in all that
            concerns a reply, and num_replies int32[batch]: how many there are.
        tokens: prompt_tokens string[batch, source_time], "" for none, to the same as
            `serving_default`.
        score: prompt, reply string[batch] to log_probability, perplexity float32[batch],
            token_log_probabilities, reply_tokens, reply_length, attention_weights as above.
        explain: the same to all these, how the prompt was read, and contributions
            float32[batch, time, source_time], see `contributions`.
        encode: prompt to the state before the first word, and ids int32[batch], fed to `step`.
        step: ids and the state to the next state, the next ids, tokens string[batch], ended
            bool[batch], log_probabilities float32[batch, vocab], attention_weights
            float32[batch, source_time].

    Raises:
        ValueError: `decoding` asks for more than `caps` allow.
    """

    def __init__(
        self,
        chat: Chat,
        decoding: DecodingConfig,
        caps: Caps,
        folder: str | Path,
        was_traced: Callable[[], None],
    ):
        super().__init__()
        _check_defaults(chat, decoding, caps)
        # The model itself cannot be saved: its attention holds on to tensors of other graphs.
        self.weights = list(chat.model.variables)
        self.tokenizer = InGraphTokenizer(chat.tokenizer, folder)
        self._generator = chat.generator
        self._decoding = decoding
        # One reply each, the best: also of a beam that is to find several for `reply`.
        self._params = chat.decoding_params(dataclasses.replace(decoding, num_best=1))
        self._reader = Reader(self.tokenizer, chat.config.data.max_source_length, caps)
        self._sayer = Sayer(self.tokenizer, chat.model.has_attention)
        self._stream = Stream(chat.model, self.tokenizer, self._params.forbidden_ids.numpy())
        self._asking = Asking(
            decoding,
            chat.decoding_params(decoding),
            chat.config.data.max_target_length + 1,
            caps,
            self.tokenizer,
        )
        self._caps = caps
        nothing_asked = unset()

        def reply(prompt, asked=nothing_asked):
            return self._reply(prompt, asked)

        def signature(function, specs):
            @functools.wraps(function)
            def told(*arguments):
                outputs = function(*arguments)
                was_traced()
                return outputs

            return graph_function(told, specs)

        self.serving_default = signature(self._answer, [PROMPT])
        # The default is exported as well: a caller may leave out whatever is not asked for.
        self.reply = signature(reply, [PROMPT, SPECS])
        self.tokens = signature(self._answer_tokens, [TOKENS])
        self.score = signature(self._score, [PROMPT, REPLY])
        self.explain = signature(self._explain, [PROMPT, REPLY])
        self.encode = signature(self._encode, [PROMPT])
        self.step = signature(self._step, [IDS, self._stream.state_specs])

    @property
    def signatures(self) -> dict:
        """The functions by their names."""
        return {name: getattr(self, name) for name in SIGNATURES}

    def _answer(self, prompt):
        return _rows(self._best(self._reader.prompts(prompt)), tf.size(prompt))

    def _answer_tokens(self, prompt_tokens):
        prompts = self._reader.tokens(prompt_tokens)
        return _rows(self._best(prompts), tf.shape(prompt_tokens)[0])

    def _reply(self, prompt, asked):
        asked = self._asking.read(asked, tf.size(prompt))
        prompts = self._reader.prompts(prompt)
        ways = {
            method: noinline(lambda search=search: self._run(search, prompts, asked.params))
            for method, search in (
                ("beam", self._generator.beam_search),
                ("sample", self._generator.sample),
                ("greedy", self._generator.greedy_search),
            )
        }
        found = tf.cond(
            asked.method == "greedy",
            ways["greedy"],
            lambda: tf.cond(asked.method == "beam", ways["beam"], ways["sample"]),
        )
        outputs = self._sayer.several(
            prompts, found, asked.params.num_best, asked.replaces_unknown, asked.method == "beam"
        )
        return _rows(outputs, tf.size(prompt))

    def _score(self, prompt, reply):
        prompts, replies = self._reader.pairs(prompt, reply)
        return _rows(self._scored(prompts, replies), tf.size(prompt))

    def _explain(self, prompt, reply):
        prompts, replies = self._reader.pairs(prompt, reply)
        outputs = {
            **self._scored(prompts, replies),
            **as_read(prompts),
            "contributions": self._contributions(prompts, replies),
        }
        return _rows(outputs, tf.size(prompt))

    def _encode(self, prompt):
        return _rows(self._stream.start(self._reader.prompts(prompt)), tf.size(prompt))

    def _step(self, ids, state):
        (ids,) = refuse_unless(
            [
                Check(
                    tf.size(ids) <= self._caps.max_rows,
                    f"A call steps {{}} rows; at most {self._caps.max_rows} are taken (max_rows "
                    "of the export).",
                    (tf.size(ids),),
                )
            ],
            ids,
        )
        return self._stream.step(ids, state)

    def _best(self, prompts: EncodedPrompts) -> dict:
        params = DecodingParams(*(tf.constant(x.numpy()) for x in self._params))
        found = self._run(self._generator.methods[self._decoding.method], prompts, params)
        return self._sayer.best(prompts, found, tf.constant(self._decoding.unknown == "replace"))

    def _run(self, search, prompts: EncodedPrompts, params: DecodingParams):
        return search(prompts.ids, prompts.length, prompts.target_ids, params)

    def _scored(self, prompts: EncodedPrompts, replies: Replies) -> dict:
        followed = self._generator.force_decode(
            prompts.ids, prompts.length, replies.ids, replies.length
        )
        mean = followed.log_prob / tf.cast(replies.length, tf.float32)
        outputs = {
            "log_probability": followed.log_prob,
            "token_log_probabilities": followed.token_log_probs,
            "perplexity": tf.exp(-mean),
            "reply_tokens": replies.words,
            "reply_length": replies.length - 1,
        }
        if self._generator.model.has_attention:
            outputs["attention_weights"] = followed.attention_weights
        return outputs

    def _contributions(self, prompts: EncodedPrompts, replies: Replies):
        """float32[rows, reply_time, source_time], one prompt after the other."""
        longest = tf.shape(replies.ids)[1]

        def of_one(row):
            table = leave_one_out_attribution(self._generator, *row, UNK)
            return tf.pad(table, [[0, longest - tf.shape(table)[0]], [0, 0]])

        return tf.map_fn(
            of_one,
            (prompts.ids, prompts.length, replies.ids, replies.length),
            parallel_iterations=1,
            fn_output_signature=tf.TensorSpec([None, None], tf.float32),
        )


def _rows(outputs: dict, num_rows) -> dict:
    """Without the row that was added to none."""
    return {name: output[:num_rows] for name, output in outputs.items()}


def _check_defaults(chat: Chat, decoding: DecodingConfig, caps: Caps) -> None:
    longest = decoding.maximum_length or chat.config.data.max_target_length
    width = {"beam": decoding.beam_width, "sample": decoding.num_best}.get(decoding.method, 1)
    for name, value, cap in (
        ("beam_width or num_best", width, "max_beam_width"),
        ("maximum_length", longest, "max_reply_words"),
        ("beam_width or num_best", width, "max_rows"),
        ("beam_width or num_best times maximum_length", width * (longest + 1), "max_row_words"),
    ):
        if value > getattr(caps, cap):
            raise ValueError(
                f"{name} is {value}, more than {cap} {getattr(caps, cap)} allows: the exported "
                f"model would refuse every prompt. Lower the one, or raise the other."
            )
