"""Encodes the inputs of an exported model, texts or tokens, as padded ids."""

from typing import NamedTuple

import tensorflow as tf

from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.serving.saved_model.checks import (
    GraphCheck,
    assert_all,
    batch_limit_checks,
)
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.utils.tf_function import graph_function

_TEXTS = tf.TensorSpec([None], tf.string)
_TOKENS = tf.TensorSpec([None, None], tf.string)


class EncodedReplies(NamedTuple):
    """Replies to score.

    Attributes:
        tokens: string[batch, target_time], each ending with EOS, padded with "".
        ids: int32[batch, target_time], padded with 0.
        length: int32[batch], EOS included.
    """

    tokens: tf.Tensor
    ids: tf.Tensor
    length: tf.Tensor


class InputEncoder:
    """Encodes the inputs of a call, and rejects inputs above the limits.

    Args:
        tokenizer: the tokenizer of the model.
        max_source_length: maximum number of prompt tokens; longer prompts are truncated.
        limits: the limits of the export.

    Attributes:
        encode_prompts: function from string[batch] to `EncodedPrompts`.
        encode_tokens: function from string[batch, source_time], padded with "", to
            `EncodedPrompts`.
    """

    def __init__(self, tokenizer: InGraphTokenizer, max_source_length: int, limits: ServingLimits):
        self.tokenizer = tokenizer
        self.max_source_length = max_source_length
        self.limits = limits
        # Separate functions, so that all signatures share one copy in the graph.
        self.encode_prompts = graph_function(self._encode_prompts, [_TEXTS])
        self.encode_tokens = graph_function(self._encode_tokens, [_TOKENS])
        self._encode_replies = graph_function(self._encode_nonempty_replies, [_TEXTS])

    def _encode_prompts(self, texts: tf.Tensor) -> EncodedPrompts:
        checks = batch_limit_checks(texts, "prompt", "prompts", self.limits)
        (texts,) = assert_all(checks, texts)
        return self.tokenizer.encode_prompts(_pad_empty_batch(texts), self.max_source_length)

    def _encode_tokens(self, tokens: tf.Tensor) -> EncodedPrompts:
        checks = batch_limit_checks(tokens, "prompt", "prompts", self.limits)
        (tokens,) = assert_all(checks, tokens)
        return self.tokenizer.encode_prompt_tokens(_pad_empty_batch(tokens), self.max_source_length)

    def encode_pairs(
        self, prompts: tf.Tensor, replies: tf.Tensor
    ) -> tuple[EncodedPrompts, EncodedReplies]:
        """Encodes prompts string[batch] and their replies string[batch]."""
        counts = tf.size(prompts), tf.size(replies)
        has_reply_each = GraphCheck(
            counts[0] == counts[1],
            "Got {} prompts and {} replies; expected one reply for each prompt.",
            counts,
        )
        checks = [*batch_limit_checks(replies, "reply", "replies", self.limits), has_reply_each]
        prompts, replies = assert_all(checks, prompts, replies)
        return self.encode_prompts(prompts), self._encode_replies(_pad_empty_batch(replies))

    def _encode_nonempty_replies(self, texts) -> EncodedReplies:
        tokens, ids = self.tokenizer.encode_replies(texts)
        max_length, num_rows = tf.reduce_max(ids.row_lengths()), ids.nrows()
        limits = self.limits
        checks = [
            GraphCheck(
                max_length <= limits.max_reply_length + 1,
                f"A reply has {{}} tokens; the limit is {limits.max_reply_length} "
                "(max_reply_length). Shorten it.",
                (max_length - 1,),
            ),
            GraphCheck(
                max_length * num_rows <= limits.max_total_tokens,
                "The replies of the call have {} tokens when padded to the longest; the limit is "
                f"{limits.max_total_tokens} (max_total_tokens). Send them in several calls.",
                (max_length * num_rows,),
            ),
        ]
        flat_ids, flat_tokens = assert_all(checks, ids.flat_values, tokens.flat_values)
        tokens, ids = tokens.with_flat_values(flat_tokens), ids.with_flat_values(flat_ids)
        return EncodedReplies(
            tokens.to_tensor(""), ids.to_tensor(0), tf.cast(ids.row_lengths(), tf.int32)
        )


def _pad_empty_batch(texts):
    """Adds an empty row to a batch without rows, so that no other code has to handle it."""
    num_missing = tf.maximum(1 - tf.shape(texts)[0], 0)
    padding = [[0, num_missing], *[[0, 0]] * (texts.shape.rank - 1)]
    return tf.pad(texts, padding, constant_values="")
