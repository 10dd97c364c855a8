"""Adds up the tables of tokens to tables of words."""

import tensorflow as tf

from attention_seq2seq.decoding.attribution import normalize_drops
from attention_seq2seq.serving.saved_model.inputs import EncodedReplies
from attention_seq2seq.text.in_graph.spelling import WordGroups
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.segmentation import ATTACHED
from attention_seq2seq.text.vocabulary import EOS, TURN, UNK


def word_outputs(
    tokenizer: InGraphTokenizer,
    prompts: EncodedPrompts,
    replies: EncodedReplies,
    drops: tf.Tensor,
    attention_weights: tf.Tensor | None,
) -> dict[str, tf.Tensor]:
    """Returns the words of prompts and replies, and their tables, as in `Reply`.

    Args:
        tokenizer: the tokenizer of the model.
        prompts: the prompts.
        replies: the replies.
        drops: float32[batch, target_time, source_time], as from `leave_one_out_drops`.
        attention_weights: float32[batch, target_time, source_time]; None without attention.
    """
    prompt_tokens, prompt_ids = (
        tf.RaggedTensor.from_tensor(column, prompts.length)
        for column in (prompts.tokens, prompts.ids)
    )
    reply_tokens, reply_ids = (
        tf.RaggedTensor.from_tensor(column, replies.length)
        for column in (replies.tokens, replies.ids)
    )
    is_special = (prompt_ids.flat_values == TURN) | (prompt_ids.flat_values == UNK)
    prompt_groups = tokenizer.group_prompt_words(prompt_tokens, is_special)
    reply_groups = tokenizer.group_reply_words(reply_tokens, reply_ids.flat_values == EOS)
    prompt_masks = _word_masks(prompt_groups, prompt_tokens)  # [batch, source_time, prompt_words]
    reply_masks = _word_masks(reply_groups, reply_tokens)  # [batch, target_time, reply_words]

    def sum_words(table):
        return tf.einsum("btv,bts,bsw->bvw", reply_masks, table, prompt_masks)

    outputs = {
        "prompt_words": _labels(prompt_groups, prompt_tokens),
        "reply_words": _labels(reply_groups, reply_tokens),
        "word_contributions": normalize_drops(sum_words(drops)),
    }
    if attention_weights is not None:
        num_tokens = tf.reduce_sum(reply_masks, axis=1)[:, :, tf.newaxis]
        outputs["word_attention_weights"] = tf.math.divide_no_nan(
            sum_words(attention_weights), num_tokens
        )
    return outputs


def _word_masks(groups: WordGroups, tokens: tf.RaggedTensor):
    """Returns float32[batch, time, words], 1 where a token belongs to a word."""
    starts = tokens.with_flat_values(tf.cast(groups.is_start, tf.int32))
    words = tf.cumsum(starts.to_tensor(0), axis=1) - 1
    words = tf.where(tf.sequence_mask(starts.row_lengths(), tf.shape(words)[1]), words, -1)
    return tf.one_hot(words, tf.cast(tf.reduce_max(groups.texts.row_lengths()), tf.int32))


def _labels(groups: WordGroups, tokens: tf.RaggedTensor):
    """Returns string[batch, words], the texts, or the first token of words without text."""
    texts = tf.strings.regex_replace(groups.texts.flat_values, f"^{ATTACHED}", "")
    first_tokens = tf.boolean_mask(tokens.flat_values, groups.is_start)
    labels = tf.where(texts == "", first_tokens, texts)
    return groups.texts.with_flat_values(labels).to_tensor("")
