"""Batches pairs of similar length with tf.data."""

import tensorflow as tf

from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.utils.rng import RngStream, fold_in
from attention_seq2seq.utils.tf_function import without_autograph

# Rows are sorted by length within pools of this many batches. Every batch is full, so that an
# update never consists of only a few unusually long rows. Larger pools need less padding, but
# batches of very similar rows train worse. With 256 batches, a small corpus was a single pool.
_BATCHES_PER_POOL = 64


def num_batches(pairs: InMemoryPairs | TFRecordPairs, batch_size: int) -> int:
    """Returns the number of batches in an epoch."""
    return -(-len(pairs) // batch_size)


@without_autograph
def eval_batches(pairs: InMemoryPairs | TFRecordPairs, batch_size: int) -> tf.data.Dataset:
    """Returns batches of all pairs once, each padded to its own longest row.

    Args:
        pairs: pairs as ids.
        batch_size: number of pairs per batch; one batch of an epoch may have fewer.

    Returns:
        A dataset whose elements are dicts of int32 tensors: source_ids [batch, source_time],
        source_length [batch], target_ids [batch, target_time], target_length [batch]. All
        dimensions are unknown, so a model is traced once.
    """
    pools = pairs.pools(_BATCHES_PER_POOL * batch_size)
    batches = pools.flat_map(
        lambda source, target: _batch_pool(*_bucket_by_length(source, target), batch_size)
    )
    return batches.prefetch(tf.data.AUTOTUNE)


@without_autograph
def train_batches(
    pairs: InMemoryPairs | TFRecordPairs,
    batch_size: int,
    epochs: int,
    seed: int,
    start_batch: int = 0,
    source_word_dropout: float = 0.0,
    unk_id: int = 0,
    prompt_dropout: float = 0.0,
) -> tf.data.Dataset:
    """Returns the batches of all epochs, each epoch in its own order.

    A batch depends only on the seed and its index. So batches from any `start_batch` equal those of
    a dataset that starts at 0.

    Args:
        pairs: pairs as ids.
        batch_size: number of pairs per batch; one batch of an epoch may have fewer.
        epochs: number of passes over the pairs.
        seed: seed of shuffling, word dropout and prompt dropout.
        start_batch: index of the first batch, counted over all epochs.
        source_word_dropout: probability of replacing a source id by `unk_id`.
        unk_id: the id of the unknown token.
        prompt_dropout: probability of hiding a prompt from the model.

    Returns:
        A dataset with the tensors of `eval_batches` and batch_index int64[]. With
        `prompt_dropout`, the elements also have prompt_dropped bool[batch].
    """
    batches_per_epoch = num_batches(pairs, batch_size)

    def batches_of_epoch(epoch):
        num_skipped = tf.maximum(start_batch - epoch * batches_per_epoch, 0)
        start_pool = num_skipped // _BATCHES_PER_POOL
        pools = pairs.pools(
            _BATCHES_PER_POOL * batch_size,
            fold_in(RngStream.SHUFFLE_EXAMPLES, seed, epoch),
            start_pool,
        )
        numbered_pools = tf.data.Dataset.zip((tf.data.Dataset.range(batches_per_epoch), pools))
        batches = numbered_pools.flat_map(
            lambda pool, sides: _batch_pool(
                *_bucket_by_length(*sides),
                batch_size,
                fold_in(RngStream.SHUFFLE_BATCHES, seed, epoch, start_pool + pool),
            )
        )
        return batches.skip(num_skipped % _BATCHES_PER_POOL)

    def apply_dropout(batch_index, batch):
        batch = {**batch, "batch_index": batch_index}
        if source_word_dropout:
            dropout_seed = fold_in(RngStream.WORD_DROPOUT, seed, batch_index)
            batch["source_ids"] = _apply_word_dropout(
                batch, dropout_seed, source_word_dropout, unk_id
            )
        if prompt_dropout:
            dropout_seed = fold_in(RngStream.PROMPT_DROPOUT, seed, batch_index)
            noise = tf.random.stateless_uniform(tf.shape(batch["source_length"]), dropout_seed)
            batch["prompt_dropped"] = noise < prompt_dropout
        return batch

    start_epoch = start_batch // batches_per_epoch
    batches = tf.data.Dataset.range(start_epoch, epochs).flat_map(batches_of_epoch)
    batches = batches.enumerate(start=start_batch)
    batches = batches.map(apply_dropout, num_parallel_calls=tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE)


def _bucket_by_length(
    source: tf.RaggedTensor, target: tf.RaggedTensor
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Sorts the rows of a pool by target length, two lengths per bucket, then source length.

    Source lengths alternately increase and decrease from bucket to bucket, so that a batch with
    rows of two buckets also has similar source lengths.
    """
    source_length, bucket = source.row_lengths(), target.row_lengths() // 2
    signed_length = tf.where(bucket % 2 == 0, source_length, -source_length)
    by_source = tf.argsort(signed_length, stable=True)
    by_bucket = tf.argsort(tf.gather(bucket, by_source), stable=True)
    order = tf.gather(by_source, by_bucket)
    return tf.gather(source, order), tf.gather(target, order)


def _batch_pool(
    source: tf.RaggedTensor,
    target: tf.RaggedTensor,
    batch_size: int,
    seed: tf.Tensor | None = None,
) -> tf.data.Dataset:
    """Batches consecutive rows. Slicing a pool is faster than one operation per row.

    Args:
        source: int32[rows, source_time], ids of the prompts.
        target: int32[rows, target_time], ids of the replies.
        batch_size: number of rows per batch.
        seed: seed of the order of batches; None: the order of the rows.
    """
    start_rows = tf.range(0, source.nrows(), batch_size)
    if seed is not None:
        start_rows = tf.random.experimental.stateless_shuffle(start_rows, seed)

    def make_batch(start_row):
        source_ids, target_ids = (
            side[start_row : start_row + batch_size] for side in (source, target)
        )
        return {
            "source_ids": source_ids.to_tensor(),
            "source_length": tf.cast(source_ids.row_lengths(), tf.int32),
            "target_ids": target_ids.to_tensor(),
            "target_length": tf.cast(target_ids.row_lengths(), tf.int32),
        }

    return tf.data.Dataset.from_tensor_slices(start_rows).map(make_batch)


def _apply_word_dropout(batch, seed: tf.Tensor, probability: float, unk_id: int) -> tf.Tensor:
    source_ids = batch["source_ids"]
    noise = tf.random.stateless_uniform(tf.shape(source_ids), seed)
    is_token = tf.sequence_mask(batch["source_length"], tf.shape(source_ids)[1])
    return tf.where(is_token & (noise < probability), unk_id, source_ids)
