"""Outputs of an exported model: hypotheses to tokens and texts."""

import tensorflow as tf

from attention_seq2seq.decoding.step import Hypotheses
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK
from attention_seq2seq.utils.tf_function import noinline


class OutputDecoder:
    """Converts hypotheses to the outputs of a signature.

    Args:
        tokenizer: the model's.
        has_attention: whether the model has attention; without it there are no weights.
    """

    def __init__(self, tokenizer: InGraphTokenizer, has_attention: bool):
        self.tokenizer = tokenizer
        self.has_attention = has_attention

    def decode(self, prompts: EncodedPrompts, hypotheses: Hypotheses, should_replace_unk) -> dict:
        """Returns the outputs for one reply to each prompt: [batch, ...]."""
        outputs = self._decode_replies(prompts, hypotheses, should_replace_unk)
        return {**outputs, **prompt_outputs(prompts)}

    def decode_n_best(
        self,
        prompts: EncodedPrompts,
        hypotheses: Hypotheses,
        num_return_sequences,
        should_replace_unk,
        is_distinct,
    ) -> dict:
        """Returns the outputs for several replies to each prompt: [batch, num_replies, ...].

        Args:
            prompts: [batch, ...].
            hypotheses: [batch * num_return_sequences, ...], those of a prompt side by side.
            num_return_sequences: int32[].
            should_replace_unk: bool[], whether to copy prompt tokens in place of unknown ones.
            is_distinct: bool[], whether to drop repeated replies to a prompt. Missing replies
                are empty, and stand behind all others.
        """
        hypotheses, num_replies = deduplicate(hypotheses, num_return_sequences, is_distinct)
        repeated = EncodedPrompts(
            *(tf.repeat(column, num_return_sequences, axis=0) for column in prompts)
        )
        outputs = {
            name: tf.reshape(
                output, tf.concat([[-1, num_return_sequences], tf.shape(output)[1:]], axis=0)
            )
            for name, output in self._decode_replies(
                repeated, hypotheses, should_replace_unk
            ).items()
        }
        return {
            **outputs,
            "num_replies": num_replies,
            **prompt_outputs(prompts),
        }

    def _decode_replies(
        self, prompts: EncodedPrompts, hypotheses: Hypotheses, should_replace_unk
    ) -> dict:
        lengths = hypotheses.lengths
        last_ids = tf.gather(hypotheses.ids, tf.maximum(lengths - 1, 0), batch_dims=1)
        finished = (lengths > 0) & (last_ids == EOS)
        num_tokens = lengths - tf.cast(finished, tf.int32)
        tokens = self.tokenizer.target_vocabulary.tokens(hypotheses.ids)
        if self.has_attention:
            tokens = tf.cond(
                should_replace_unk,
                noinline(lambda: replace_unk(tokens, hypotheses, prompts)),
                lambda: tokens,
            )
        positions = tf.range(tf.shape(tokens)[1])
        is_token = positions < num_tokens[:, tf.newaxis]
        is_end = finished[:, tf.newaxis] & (positions == num_tokens[:, tf.newaxis])
        end_tokens = tf.where(is_end, SPECIALS[EOS], "")
        outputs = {
            "reply": self.tokenizer.detokenize_replies(
                tf.RaggedTensor.from_tensor(tokens, num_tokens)
            ),
            "score": hypotheses.scores,
            "log_prob": hypotheses.log_prob,
            "token_log_probs": hypotheses.token_log_probs,
            "reply_tokens": tf.where(is_token, tokens, end_tokens),
            "reply_length": num_tokens,
            "finished": finished,
        }
        if self.has_attention:
            outputs["attention_weights"] = hypotheses.attention_weights
        return outputs


def prompt_outputs(prompts: EncodedPrompts) -> dict:
    """Returns the outputs that show how the prompts were tokenized."""
    return {
        "prompt_tokens": prompts.tokens,
        "prompt_length": prompts.length,
        "prompt_truncated_tokens": prompts.num_truncated,
    }


def replace_unk(tokens, hypotheses: Hypotheses, prompts: EncodedPrompts):
    """Replaces each unknown token by the prompt token with the largest attention weight."""
    source_time = tf.shape(prompts.ids)[1]
    # A turn separator must never be copied into a reply.
    is_copyable = tf.sequence_mask(prompts.length, source_time) & (prompts.ids != TURN)
    weights = tf.where(is_copyable[:, tf.newaxis], hypotheses.attention_weights, -1.0)
    most_attended = tf.gather(prompts.tokens, tf.argmax(weights, axis=2), batch_dims=1)
    return tf.where(hypotheses.ids == UNK, most_attended, tokens)


def deduplicate(
    hypotheses: Hypotheses, num_return_sequences, is_distinct
) -> tuple[Hypotheses, tf.Tensor]:
    """Drops hypotheses that repeat a better one, and counts those that are left to each prompt.

    The groups of a beam may find the same reply, which is then returned once. Samples are never
    dropped. Hypotheses of length 0, which are missing or dropped, move behind all others.
    """
    ids = tf.reshape(
        hypotheses.ids, tf.stack([-1, num_return_sequences, tf.shape(hypotheses.ids)[1]])
    )
    lengths = tf.reshape(hypotheses.lengths, [-1, num_return_sequences])
    # [batch, num_return_sequences, num_return_sequences]
    is_equal = tf.reduce_all(ids[:, :, tf.newaxis] == ids[:, tf.newaxis], axis=3)
    is_equal &= lengths[:, :, tf.newaxis] == lengths[:, tf.newaxis]
    is_better = tf.range(num_return_sequences) < tf.range(num_return_sequences)[:, tf.newaxis]
    keep = (lengths > 0) & ~tf.reduce_any(is_equal & is_better & is_distinct, axis=2)
    order = tf.argsort(tf.cast(~keep, tf.int32), axis=1, stable=True)
    first_rows = tf.range(tf.shape(order)[0])[:, tf.newaxis] * num_return_sequences
    rows = tf.reshape(first_rows + order, [-1])
    keep = tf.gather(tf.reshape(keep, [-1]), rows)

    def select(column):
        column = tf.gather(column, rows)
        mask = tf.reshape(keep, tf.concat([[-1], tf.ones([tf.rank(column) - 1], tf.int32)], 0))
        return tf.where(mask, column, tf.zeros_like(column))

    num_replies = tf.reduce_sum(
        tf.reshape(tf.cast(keep, tf.int32), [-1, num_return_sequences]), axis=1
    )
    return Hypotheses(*map(select, hypotheses)), num_replies
