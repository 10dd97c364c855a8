"""What a search has found, said: ids to words and texts, rows to prompts and their best replies."""

import tensorflow as tf

from attention_seq2seq.decoding.step import Hypotheses
from attention_seq2seq.text.in_graph.tokenizer import EncodedPrompts, InGraphTokenizer
from attention_seq2seq.text.vocabulary import EOS, SPECIALS, TURN, UNK
from attention_seq2seq.utils.tf_function import noinline


class Sayer:
    """Words for what a search has found.

    Args:
        tokenizer: of the model.
        attends: whether the model does; without attention no weights are given.
    """

    def __init__(self, tokenizer: InGraphTokenizer, attends: bool):
        self.tokenizer = tokenizer
        self.attends = attends

    def best(self, prompts: EncodedPrompts, found: Hypotheses, replaces_unknown) -> dict:
        """The outputs for one reply to each prompt: [rows, ...]."""
        return {**self._replies(prompts, found, replaces_unknown), **as_read(prompts)}

    def several(
        self, prompts: EncodedPrompts, found: Hypotheses, num_best, replaces_unknown, distinct
    ) -> dict:
        """The outputs for num_best replies to each prompt: [rows, num_best, ...].

        Where there are fewer, the last are empty; `distinct` bool[]: the same is said but once.
        """
        found, num_replies = _different(found, num_best, distinct)
        copies = EncodedPrompts(*(tf.repeat(column, num_best, axis=0) for column in prompts))
        outputs = {
            name: tf.reshape(output, tf.concat([[-1, num_best], tf.shape(output)[1:]], axis=0))
            for name, output in self._replies(copies, found, replaces_unknown).items()
        }
        return {
            **outputs,
            "num_replies": num_replies,
            **as_read(prompts),
        }

    def _replies(self, prompts: EncodedPrompts, found: Hypotheses, replaces_unknown) -> dict:
        last = tf.gather(found.ids, tf.maximum(found.length - 1, 0), batch_dims=1)
        ended = (found.length > 0) & (last == EOS)
        num_words = found.length - tf.cast(ended, tf.int32)
        words = self.tokenizer.target_vocabulary.tokens(found.ids)
        if self.attends:
            words = tf.cond(
                replaces_unknown, noinline(lambda: _replaced(words, found, prompts)), lambda: words
            )
        time = tf.range(tf.shape(words)[1])
        real = time < num_words[:, tf.newaxis]
        end = tf.where(ended[:, tf.newaxis] & (time == num_words[:, tf.newaxis]), SPECIALS[EOS], "")
        outputs = {
            "reply": self.tokenizer.detokenize_replies(
                tf.RaggedTensor.from_tensor(words, num_words)
            ),
            "score": found.score,
            "log_probability": found.log_prob,
            "token_log_probabilities": found.token_log_probs,
            "reply_tokens": tf.where(real, words, end),
            "reply_length": num_words,
            "ended": ended,
        }
        if self.attends:
            outputs["attention_weights"] = found.attention_weights
        return outputs


def as_read(prompts: EncodedPrompts) -> dict:
    """The outputs that tell how the prompts were read."""
    return {
        "prompt_tokens": prompts.tokens,
        "prompt_length": prompts.length,
        "prompt_unread": prompts.num_truncated,
    }


def _replaced(words, found: Hypotheses, prompts: EncodedPrompts):
    """The words, for each unknown one that of the prompt which has most attention."""
    source_time = tf.shape(prompts.ids)[1]
    # The border between two turns is no word to be said.
    sayable = tf.sequence_mask(prompts.length, source_time) & (prompts.ids != TURN)
    weights = tf.where(sayable[:, tf.newaxis], found.attention_weights, -1.0)
    looked_at = tf.gather(prompts.tokens, tf.argmax(weights, axis=2), batch_dims=1)
    return tf.where(found.ids == UNK, looked_at, words)


def _different(found: Hypotheses, num_best, distinct) -> tuple[Hypotheses, tf.Tensor]:
    """Without those that say what a better one has said, and how many are left to each prompt.

    The groups of a beam may find the same, and there a reply is given once; of samples each counts.
    Hypotheses of length 0, where nothing was found or something again, stand behind all others.
    """
    ids = tf.reshape(found.ids, tf.stack([-1, num_best, tf.shape(found.ids)[1]]))
    length = tf.reshape(found.length, [-1, num_best])
    same = tf.reduce_all(ids[:, :, tf.newaxis] == ids[:, tf.newaxis], axis=3)
    same &= length[:, :, tf.newaxis] == length[:, tf.newaxis]
    earlier = tf.range(num_best) < tf.range(num_best)[:, tf.newaxis]
    real = (length > 0) & ~tf.reduce_any(same & earlier & distinct, axis=2)
    order = tf.argsort(tf.cast(~real, tf.int32), axis=1, stable=True)
    first = tf.range(tf.shape(order)[0])[:, tf.newaxis] * num_best
    rows = tf.reshape(first + order, [-1])
    real = tf.gather(tf.reshape(real, [-1]), rows)

    def kept(column):
        column = tf.gather(column, rows)
        keep = tf.reshape(real, tf.concat([[-1], tf.ones([tf.rank(column) - 1], tf.int32)], 0))
        return tf.where(keep, column, tf.zeros_like(column))

    num_replies = tf.reduce_sum(tf.reshape(tf.cast(real, tf.int32), [-1, num_best]), axis=1)
    return Hypotheses(*map(kept, found)), num_replies
