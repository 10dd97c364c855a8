"""Leave-one-out attribution: how much each prompt token contributes to each reply token."""

import tensorflow as tf

from attention_seq2seq.decoding.generator import SequenceGenerator

# Smaller differences of log-probabilities are rounding errors of float32. Above 16, neighboring
# logits have a distance of 2e-6. The limit is relative to log-probabilities below -1.
_ROUNDING = 1e-5


def leave_one_out_drops(
    generator: SequenceGenerator,
    source_ids,
    source_length,
    reply_ids,
    reply_length,
    unk_id: int,
) -> tf.Tensor:
    """Computes how much less probable each reply token is without each prompt token.

    Each variant of the prompt has one token replaced by the unknown token. All variants are scored
    in one batch.

    Args:
        generator: the generator of the model.
        source_ids: int32[source_time], the prompt, padded with 0.
        source_length: int32[], number of prompt tokens.
        reply_ids: int32[target_time], the reply, with EOS if it is finished.
        reply_length: int32[], number of reply tokens.
        unk_id: id of the unknown token.

    Returns:
        float32[target_time, source_time]. Entry [t, s] is the decrease of the log-probability of
        reply token t when prompt token s is unknown [nats]. Negative values count as zero.
    """
    source_time = tf.shape(source_ids)[0]
    num_variants = source_time + 1
    # The last variant is the unchanged prompt.
    is_replaced = tf.eye(num_variants, source_time) > 0
    hypotheses = generator.force_decode(
        tf.where(is_replaced, unk_id, source_ids),
        tf.fill([num_variants], source_length),
        tf.repeat(reply_ids[tf.newaxis], num_variants, axis=0),
        tf.fill([num_variants], reply_length),
    )
    token_log_probs = hypotheses.token_log_probs  # [variants, target_time]
    drops = tf.transpose(token_log_probs[-1] - token_log_probs[:-1])
    is_source_token = tf.sequence_mask(source_length, source_time)
    rounding = _ROUNDING * tf.maximum(1.0, tf.abs(token_log_probs[-1]))[:, tf.newaxis]
    return tf.where(is_source_token & (drops > rounding), drops, 0.0)


def normalize_drops(drops: tf.Tensor) -> tf.Tensor:
    """Divides drops float[..., target_time, source_time] by the sum of their row.

    A row is zero if no prompt token made the reply token more probable.
    """
    return tf.math.divide_no_nan(drops, tf.reduce_sum(drops, axis=-1, keepdims=True))
