"""Decodes hypotheses to the outputs of an exported model."""

import dataclasses

import tensorflow as tf

from attention_seq2seq.decoding.postprocessing import copied_positions
from attention_seq2seq.decoding.step import Hypotheses
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import EOS, PAD, SPECIALS, TURN, UNK
from attention_seq2seq.utils.tf_function import noinline


@dataclasses.dataclass(frozen=True)
class OutputDecoder:
    """Converts hypotheses to the outputs of a signature.

    Args:
        tokenizer: the tokenizer of the model.
        has_attention: whether the model has attention, and thus attention weights.
    """

    tokenizer: InGraphTokenizer
    has_attention: bool

    def decode(self, prompts: EncodedPrompts, hypotheses: Hypotheses, should_replace_unk) -> dict:
        """Returns outputs [batch, ...] for one reply to each prompt."""
        outputs = self._decode_replies(prompts, hypotheses, should_replace_unk)
        return {**outputs, **prompt_outputs(prompts)}

    def decode_n_best(
        self,
        prompts: EncodedPrompts,
        hypotheses: Hypotheses,
        num_return_sequences,
        should_replace_unk,
    ) -> dict:
        """Returns outputs [batch, num_return_sequences, ...] for several replies to each prompt.

        Args:
            prompts: the encoded prompts, [batch, ...].
            hypotheses: [batch * num_return_sequences, ...], hypotheses of a prompt in consecutive
                rows.
            num_return_sequences: int32[], number of replies to each prompt.
            should_replace_unk: bool[], whether to replace unknown tokens by prompt tokens.
        """
        repeated = EncodedPrompts(
            *(tf.repeat(column, num_return_sequences, axis=0) for column in prompts)
        )

        def split_by_prompt(output):
            shape = tf.concat([[-1, num_return_sequences], tf.shape(output)[1:]], axis=0)
            return tf.reshape(output, shape)

        outputs = self._decode_replies(repeated, hypotheses, should_replace_unk)
        has_reply = split_by_prompt(hypotheses.lengths) > 0
        return {
            **{name: split_by_prompt(output) for name, output in outputs.items()},
            "num_replies": tf.math.count_nonzero(has_reply, axis=1, dtype=tf.int32),
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
                noinline(lambda: _replace_unk(tokens, hypotheses, prompts)),
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


def _replace_unk(tokens, hypotheses: Hypotheses, prompts: EncodedPrompts):
    """Replaces each unknown token by the prompt token with the largest attention weight."""
    positions = copied_positions(
        hypotheses.ids, hypotheses.attention_weights, prompts.ids, UNK, (PAD, TURN)
    )
    copies = tf.gather(prompts.tokens, tf.maximum(positions, 0), batch_dims=1)
    return tf.where(positions >= 0, copies, tokens)
