"""How much each word of a prompt contributes to each word of a reply: leave one out."""

import tensorflow as tf

from attention_seq2seq.decoding.generator import SequenceGenerator

# Differences of log-probabilities in float32 smaller than this are no differences.
_ROUNDING = 1e-6


def leave_one_out_attribution(
    search: SequenceGenerator, source_ids, source_length, reply_ids, reply_length, unknown_id: int
) -> tf.Tensor:
    """Scores every variant of one prompt, each with one word made unknown, in one batch.

    Args:
        search: of the model.
        source_ids: int32[source_time], the prompt, padded with 0.
        source_length: int32[].
        reply_ids: int32[reply_time], the reply, its end included where it has one.
        reply_length: int32[].
        unknown_id: of the word that stands for any.

    Returns:
        float32[reply_length, source_time]. Entry [t, s] is the fall of the log-probability of
        reply word t when prompt word s is replaced by an unknown word, negative falls as zero, as
        a share of the row's sum. A row of zeros: no word's absence made the reply word less
        probable.
    """
    source_time = tf.shape(source_ids)[0]
    num_variants = source_time + 1
    # The last variant is the prompt as it is.
    replaced = tf.eye(num_variants, source_time) > 0
    followed = search.force_decode(
        tf.where(replaced, unknown_id, source_ids),
        tf.fill([num_variants], source_length),
        tf.repeat(reply_ids[tf.newaxis], num_variants, axis=0),
        tf.fill([num_variants], reply_length),
    )
    # float32[variant, reply_time]
    token_log_probs = followed.token_log_probs
    falls = tf.transpose(token_log_probs[-1] - token_log_probs[:-1])
    falls = tf.where(falls > _ROUNDING, falls, 0.0)
    return tf.math.divide_no_nan(falls, tf.reduce_sum(falls, axis=1, keepdims=True))
