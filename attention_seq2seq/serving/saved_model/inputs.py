"""What is sent to a served model, read: texts or tokens to padded ids."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.serving_limits import Caps
from attention_seq2seq.serving.saved_model.checks import Check, batch_checks, refuse_unless
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.utils.tf_function import graph_function

_TEXTS = tf.TensorSpec([None], tf.string)
_TOKENS = tf.TensorSpec([None, None], tf.string)


class Replies(NamedTuple):
    """Replies that are given.

    Attributes:
        words: string[rows, reply_time], their ends among them, padded with "".
        ids: int32[rows, reply_time], padded with 0.
        length: int32[rows], the end counted.
    """

    words: tf.Tensor
    ids: tf.Tensor
    length: tf.Tensor


class Reader:
    """Reads what is sent, as long as it is below the caps.

    Args:
        tokenizer: of the model.
        limit: words of a prompt that are read.
        caps: of the export.

    Attributes:
        prompts: a function of string[batch] to `EncodedPrompts`.
        tokens: a function of string[batch, source_time], where "" is no word, to `EncodedPrompts`.
    """

    def __init__(self, tokenizer: InGraphTokenizer, limit: int, caps: Caps):
        self.tokenizer = tokenizer
        self.limit = limit
        self.caps = caps
        # Each is in the graph but once, however many signatures read.
        self.prompts = graph_function(self._prompts, [_TEXTS])
        self.tokens = graph_function(self._tokens, [_TOKENS])
        self._reply_words = graph_function(self._replies, [_TEXTS])

    def _prompts(self, texts: tf.Tensor) -> EncodedPrompts:
        (texts,) = refuse_unless(batch_checks(texts, "prompt", "prompts", self.caps), texts)
        return self.tokenizer.encode_prompts(_at_least_one(texts), self.limit)

    def _tokens(self, tokens: tf.Tensor) -> EncodedPrompts:
        (tokens,) = refuse_unless(batch_checks(tokens, "prompt", "prompts", self.caps), tokens)
        return self.tokenizer.encode_prompt_tokens(_at_least_one(tokens), self.limit)

    def pairs(self, prompts: tf.Tensor, replies: tf.Tensor) -> tuple[EncodedPrompts, Replies]:
        """Those of string[batch] each."""
        counts = tf.size(prompts), tf.size(replies)
        same = Check(
            counts[0] == counts[1], "Got {} prompts and {} replies; expected one for each.", counts
        )
        checks = [*batch_checks(replies, "reply", "replies", self.caps), same]
        prompts, replies = refuse_unless(checks, prompts, replies)
        return self.prompts(prompts), self._reply_words(_at_least_one(replies))

    def _replies(self, texts) -> Replies:
        words, ids = self.tokenizer.encode_replies(texts)
        longest, rows = tf.reduce_max(ids.row_lengths()), ids.nrows()
        caps = self.caps
        checks = [
            Check(
                longest <= caps.max_reply_words + 1,
                f"A reply has {{}} words; at most {caps.max_reply_words} are scored "
                "(max_reply_words of the export). Shorten it.",
                (longest - 1,),
            ),
            Check(
                longest * rows <= caps.max_row_words,
                "The replies of a call have {} words, each as long as the longest; at most "
                f"{caps.max_row_words} are scored (max_row_words of the export). Send them in "
                "several calls.",
                (longest * rows,),
            ),
        ]
        values, flat_words = refuse_unless(checks, ids.flat_values, words.flat_values)
        words, ids = words.with_flat_values(flat_words), ids.with_flat_values(values)
        return Replies(words.to_tensor(""), ids.to_tensor(0), tf.cast(ids.row_lengths(), tf.int32))


def _at_least_one(texts):
    """The rows, or an empty one where there is none: nothing else need know of empty batches."""
    missing = tf.maximum(1 - tf.shape(texts)[0], 0)
    return tf.pad(texts, [[0, missing], *[[0, 0]] * (texts.shape.rank - 1)], constant_values="")
